//! One process: when it renews, and that nothing granted is lost.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use ledgerfleet_emulator::FaultKind;
use secrecy::ExposeSecret;

use crate::world::{World, text};

#[tokio::test]
async fn what_is_granted_is_stored_before_it_is_used() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let first = world.stored_secret().await;
    let token = world.process().token(&world.connection).await.unwrap();
    let (stored, json) = world.stored().await;
    assert_eq!(stored.version, 2);
    assert!(json.contains(&format!(r#""access":"{}""#, text(&token))));
    assert!(!json.contains(first.expose_secret()));
    assert!(world.works(&token).await);
}

#[tokio::test]
async fn nothing_in_the_ledger_is_readable_without_the_key() {
    let world = World::start().await;
    let token = world.process().token(&world.connection).await.unwrap();
    let (stored, _) = world.stored().await;
    assert!(
        stored
            .sealed
            .starts_with(&format!("lfs1.{}.", world.vault.key_id()))
    );
    assert!(!stored.sealed.contains(text(&token)));
}

#[tokio::test]
async fn fifty_callers_cause_one_refresh() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    let callers = (0..50).map(|_| {
        let (access, connection) = (access.clone(), world.connection.clone());
        tokio::spawn(async move { access.token(&connection).await.unwrap() })
    });
    let tokens = join_all(callers).await;
    let first = tokens[0].as_ref().unwrap();
    assert!(
        tokens
            .iter()
            .all(|token| text(token.as_ref().unwrap()) == text(first))
    );
    assert_eq!(world.traffic().refreshes, 1);
    assert_eq!(world.traffic().superseded_uses, 0);
}

#[tokio::test]
async fn a_token_is_renewed_five_to_six_minutes_before_it_ends() {
    let world = World::start().await;
    let access = world.process();
    let first = access.token(&world.connection).await.unwrap();
    world.pass(Duration::from_secs(54 * 60 - 1));
    assert_eq!(
        text(&access.token(&world.connection).await.unwrap()),
        text(&first)
    );
    assert_eq!(world.traffic().refreshes, 1);
    world.pass(Duration::from_secs(61));
    let second = access.token(&world.connection).await.unwrap();
    assert_ne!(text(&second), text(&first));
    assert!(world.works(&second).await);
    assert_eq!(world.traffic().refreshes, 2);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_the_one_used_from_then_on() {
    let world = World::start().await;
    let access = world.process();
    for _ in 0..5 {
        world.pass(Duration::from_hours(25));
        assert!(world.works(&access.token(&world.connection).await.unwrap()).await);
    }
    let traffic = world.traffic();
    assert_eq!((traffic.refreshes, traffic.rotations), (5, 5));
    assert_eq!((traffic.superseded_uses, traffic.refused), (0, 0));
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_time_is_replaced_once() {
    let world = World::start().await;
    let access = world.process();
    let first = access.token(&world.connection).await.unwrap();
    access.refused(world.connection.id, &first).await;
    let second = access.token(&world.connection).await.unwrap();
    assert_ne!(text(&second), text(&first));
    // The same refusal told late, by another request that had used the old token.
    access.refused(world.connection.id, &first).await;
    assert_eq!(
        text(&access.token(&world.connection).await.unwrap()),
        text(&second)
    );
    assert_eq!(world.traffic().refreshes, 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_loses_nothing() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    world.token_fault(FaultKind::Delay { millis: 50 }, None);
    let access = world.process();
    // Polled once: the refresh has begun when its caller is dropped.
    assert!(Box::pin(access.token(&world.connection)).now_or_never().is_none());
    let token = access.token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    let traffic = world.traffic();
    assert_eq!((traffic.refreshes, traffic.superseded_uses), (1, 0));
}

#[tokio::test]
async fn what_the_ledger_could_not_store_is_stored_by_the_next_call_and_never_used_before() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    world.refuse_to_store(true).await;
    for _ in 0..3 {
        let error = world.refusal(&access).await;
        assert!(error.to_string().contains("ledger"), "{error}");
    }
    world.refuse_to_store(false).await;
    let token = access.token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    assert_eq!(
        (world.traffic().refreshes, world.stored().await.0.version),
        (1, 2)
    );
    world.pass(Duration::from_hours(1));
    access.token(&world.connection).await.unwrap();
    assert_eq!(world.traffic().superseded_uses, 0);
}

#[tokio::test]
async fn nothing_prints_a_token() {
    let world = World::start().await;
    let access = world.process();
    let token = access.token(&world.connection).await.unwrap();
    let printed = format!("{access:?} {token:?}");
    assert!(!printed.contains(text(&token)), "{printed}");
    assert!(
        !printed.contains(world.stored_secret().await.expose_secret()),
        "{printed}"
    );
}

#[tokio::test]
async fn the_credential_of_an_idle_company_is_used_once_a_week() {
    let world = World::start().await;
    let process = world.process();
    let idle = async || process.use_if_idle(&world.connection).await.unwrap();
    assert!(!idle().await, "it was just stored");
    world.pass(Duration::from_hours(8 * 24));
    assert!(idle().await);
    assert!(!idle().await, "it was just used");
    assert_eq!(world.traffic().refreshes, 1);
}
