//! Guards that nothing else would miss: each of these tests fails without one of them.

use std::fs;
use std::time::Duration;

use ledgerfleet_access::AccessError;
use ledgerfleet_emulator::{DropMoment, FaultKind};
use ledgerfleet_ledger::{RefreshIntent, RefreshOutcome};
use ledgerfleet_model::{ConnectionId, Timings, WorkerName};
use secrecy::SecretString;

use crate::world::{World, text};

/// An intent of two seconds, in which there is time for two requests of 800 ms.
fn brief() -> Timings {
    Timings::default().scaled(0.02)
}

#[tokio::test]
async fn a_lost_answer_is_not_asked_for_again_when_the_intent_may_be_over_before_it_comes() {
    let world = World::start().await;
    let slow = FaultKind::Delay { millis: 1_500 };
    let lost = FaultKind::Drop {
        moment: DropMoment::After,
    };
    world.token_fault(slow, Some(1));
    world.token_fault(lost, Some(1));
    let access = world.process_over(world.ledger.clone(), &brief());
    let error = world.refusal(&access).await;
    assert!(matches!(&error, AccessError::Lost(_)), "{error}");
    assert_eq!(world.traffic().refreshes, 1);
    assert_eq!(world.story().await, [RefreshOutcome::Lost]);
}

#[tokio::test]
async fn what_a_sibling_stores_while_the_old_value_is_refused_is_used() {
    let world = World::start().await;
    world.replace(&SecretString::from("superseded")).await;
    // The refusal is on its way for long enough that the sibling is done before it arrives.
    world.token_fault(FaultKind::Delay { millis: 500 }, Some(1));
    let (access, connection) = (world.process(), world.connection.clone());
    let asking = tokio::spawn(async move { access.token(&connection).await });
    // Whoever has the intent has read what is stored, and sends that.
    while !world.is_intended().await {
        tokio::task::yield_now().await;
    }
    let good = world.emulator.info().companies[0].refresh_token.clone();
    world.replace(&SecretString::from(good)).await;
    let token = asking.await.unwrap().unwrap();
    assert!(world.works(&token).await);
    assert_eq!(world.traffic().refreshes, 1);
}

#[tokio::test]
async fn a_spooled_grant_under_the_name_of_another_connection_is_kept_aside() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    world.refuse_to_store(true).await;
    world.refusal(&access).await;
    world.refuse_to_store(false).await;
    drop(access);
    let path = world.spooled().remove(0);
    let (own, other) = (world.connection.id.to_string(), ConnectionId::new().to_string());
    let renamed = path.to_str().unwrap().replace(&own, &other);
    fs::rename(&path, &renamed).unwrap();
    world.process().recover().await;
    let kept = world.spooled();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].to_str().unwrap().ends_with(".unusable"), "{kept:?}");
    assert_eq!(world.stored().await.0.version, 1);
}

#[tokio::test]
async fn a_token_that_was_refused_is_not_given_again_while_a_sibling_renews_it() {
    let world = World::start().await;
    let access = world.process();
    let first = access.token(&world.connection).await.unwrap();
    access.refused(world.connection.id, &first).await;
    let (sibling, lease) = (WorkerName("sibling".to_owned()), Duration::from_millis(300));
    let intent = world
        .ledger
        .intend_refresh(world.connection.id, 2, &sibling, lease, Duration::ZERO)
        .await;
    assert_eq!(intent.unwrap(), Some(RefreshIntent::Taken));
    let (asks, connection) = (access.clone(), world.connection.clone());
    let asking = tokio::spawn(async move { asks.token(&connection).await });
    // Time passes for the ledger alone: the sibling has ended without a word.
    while !asking.is_finished() {
        world.pass(Duration::from_millis(50));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let second = asking.await.unwrap().unwrap();
    assert_ne!(text(&second), text(&first));
    assert!(world.works(&second).await);
}
