//! Serving: keys of the HTTP API, and answers to requests that are repeated.

use chrono::{DateTime, Utc};
use ledgerfleet_model::{ApiKeyId, TurnId};

use super::World;
use super::scene::{company, seconds};
use crate::http_answers::{LEASE, REMEMBERED};
use crate::{Asked, LedgerError, NewApiKey, Scope};

fn key(name: &str, expires_at: Option<DateTime<Utc>>) -> NewApiKey {
    NewApiKey {
        id: ApiKeyId::new(),
        name: name.to_owned(),
        hash: "hash".to_owned(),
        scopes: vec![Scope::Read, Scope::Run],
        connections: None,
        expires_at,
    }
}

pub async fn an_api_key_is_kept_with_its_scopes_and_companies(world: &dyn World) {
    let birch = company(world, "birch").await;
    let ledger = world.ledger();
    let new = NewApiKey {
        connections: Some(vec![birch]),
        ..key("night", None)
    };
    let made = ledger.add_api_key(&new, "ada").await.unwrap();
    assert_eq!(made.scopes, [Scope::Read, Scope::Run]);
    let known = ledger.api_key(new.id).await.unwrap().unwrap();
    assert_eq!(
        (known.key, known.hash.as_str(), known.is_over),
        (made, "hash", false)
    );
    assert_eq!(ledger.api_keys().await.unwrap()[0].connections, Some(vec![birch]));
    assert!(ledger.api_key(ApiKeyId::new()).await.unwrap().is_none());
}

pub async fn the_name_of_an_api_key_is_free_when_it_is_revoked(world: &dyn World) {
    let ledger = world.ledger();
    let first = key("night", None);
    ledger.add_api_key(&first, "ada").await.unwrap();
    let twin = ledger.add_api_key(&key("night", None), "ada").await;
    assert!(matches!(twin, Err(LedgerError::NameTaken(_))), "{twin:?}");
    assert!(ledger.revoke_api_key(first.id, "ada").await.unwrap());
    assert!(!ledger.revoke_api_key(first.id, "ada").await.unwrap());
    let known = ledger.api_key(first.id).await.unwrap().unwrap();
    assert!(known.key.revoked_at.is_some());
    ledger.add_api_key(&key("night", None), "ada").await.unwrap();
}

pub async fn an_api_key_ends_with_its_time(world: &dyn World) {
    let ledger = world.ledger();
    let birth = ledger
        .add_api_key(&key("clock", None), "ada")
        .await
        .unwrap()
        .created_at;
    let short = key("short", Some(birth + seconds(3_600)));
    ledger.add_api_key(&short, "ada").await.unwrap();
    let is_over = async || ledger.api_key(short.id).await.unwrap().unwrap().is_over;
    assert!(!is_over().await);
    world.pass_time(seconds(7_200)).await;
    assert!(is_over().await);
}

pub async fn the_use_of_an_api_key_is_noted_to_the_hour(world: &dyn World) {
    let ledger = world.ledger();
    let new = key("night", None);
    let made = ledger.add_api_key(&new, "ada").await.unwrap();
    assert_eq!(made.last_used_at, None);
    ledger.note_api_key_use(new.id).await.unwrap();
    ledger.note_api_key_use(new.id).await.unwrap();
    let used = ledger
        .api_key(new.id)
        .await
        .unwrap()
        .unwrap()
        .key
        .last_used_at
        .unwrap();
    assert_eq!(used.timestamp() % 3_600, 0);
}

async fn ask(world: &dyn World, body: &str) -> Asked {
    world.ledger().ask_once("request", body).await.unwrap()
}

/// The turn of who is the first to ask.
async fn first(world: &dyn World, body: &str) -> TurnId {
    match ask(world, body).await {
        Asked::First(turn) => turn,
        other => panic!("it is not the first: {other:?}"),
    }
}

async fn keep(world: &dyn World, turn: TurnId, answer: &str) -> bool {
    let kept = world.ledger().keep_answer("request", turn, answer);
    kept.await.unwrap()
}

pub async fn a_request_that_comes_again_gets_the_answer_of_the_first(world: &dyn World) {
    let ledger = world.ledger();
    let turn = first(world, "body").await;
    assert_eq!(ask(world, "body").await, Asked::UnderWay);
    assert_eq!(ask(world, "another body").await, Asked::Differently);
    let kept = async || ledger.kept_answer("request").await.unwrap();
    assert_eq!(kept().await, None, "it is not answered");
    ledger.forget_request("request", turn).await.unwrap();
    assert_eq!(kept().await, None, "it is not known");
    let turn = first(world, "body").await;
    assert!(keep(world, turn, "the answer").await);
    assert_eq!(ask(world, "body").await, Asked::Before("the answer".to_owned()));
    assert_eq!(kept().await, Some("the answer".to_owned()));
    assert_eq!(ask(world, "another body").await, Asked::Differently);
    world.pass_time(REMEMBERED + seconds(1)).await;
    first(world, "another body").await;
}

pub async fn who_is_at_work_keeps_its_turn_and_who_is_gone_keeps_nothing(world: &dyn World) {
    let ledger = world.ledger();
    let slow = first(world, "body").await;
    for _ in 0..3 {
        world.pass_time(LEASE / 4 * 3).await;
        assert!(ledger.renew_turn("request", slow).await.unwrap());
    }
    assert_eq!(ask(world, "body").await, Asked::UnderWay, "it is at work");
    world.pass_time(LEASE + seconds(1)).await;
    let next = first(world, "body").await;
    assert_eq!(ask(world, "body").await, Asked::UnderWay, "it has a lease, too");
    assert!(!ledger.renew_turn("request", slow).await.unwrap());
    ledger.forget_request("request", slow).await.unwrap();
    assert!(!keep(world, slow, "late").await);
    assert_eq!(ask(world, "body").await, Asked::UnderWay, "it is the other's");
    assert!(keep(world, next, "in time").await);
    assert_eq!(ask(world, "body").await, Asked::Before("in time".to_owned()));
    // What is told again and again is remembered since the last time.
    for told in ["half", "whole"] {
        world.pass_time(REMEMBERED / 4 * 3).await;
        assert!(keep(world, next, told).await);
    }
    assert_eq!(ask(world, "body").await, Asked::Before("whole".to_owned()));
    world.set_clock_back(REMEMBERED * 2).await;
    assert_eq!(ask(world, "body").await, Asked::Before("whole".to_owned()));
    let anew = |answer| ledger.ask_anew("request", answer);
    assert_eq!(anew("half").await.unwrap(), None, "that is over");
    let turn = anew("whole").await.unwrap().unwrap();
    assert_eq!(anew("whole").await.unwrap(), None, "somebody was faster");
    assert_eq!(ask(world, "body").await, Asked::UnderWay);
    world.set_clock_back(REMEMBERED * 2).await;
    let last = first(world, "body").await;
    assert!(!keep(world, turn, "late").await);
    assert!(keep(world, last, "last").await);
}
