//! Several processes with one ledger.

use std::time::Duration;

use ledgerfleet_ledger::{RefreshIntent, RefreshOutcome};
use ledgerfleet_model::{FailureKind, WorkerName};
use secrecy::SecretString;

use crate::world::{World, text};

#[tokio::test]
async fn what_a_sibling_stored_is_used_without_asking_the_upstream() {
    let world = World::start().await;
    let (one, other) = (world.process(), world.process());
    let first = one.token(&world.connection).await.unwrap();
    assert_eq!(text(&other.token(&world.connection).await.unwrap()), text(&first));
    assert_eq!(world.traffic().refreshes, 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_the_one_a_sibling_has_fetched_since() {
    let world = World::start().await;
    let (one, other) = (world.process(), world.process());
    let first = one.token(&world.connection).await.unwrap();
    other.token(&world.connection).await.unwrap();
    for access in [&one, &other] {
        access.refused(world.connection.id, &first).await;
    }
    let second = one.token(&world.connection).await.unwrap();
    assert_eq!(
        text(&other.token(&world.connection).await.unwrap()),
        text(&second)
    );
    assert_eq!(world.traffic().refreshes, 2);
}

#[tokio::test]
async fn processes_that_refresh_at_once_all_end_with_a_token_that_works() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let processes: Vec<_> = (0..8).map(|_| world.process()).collect();
    for _ in 0..3 {
        let calls = processes.iter().map(|access| access.token(&world.connection));
        for token in futures::future::join_all(calls).await {
            assert!(world.works(&token.unwrap()).await);
        }
        world.pass(Duration::from_hours(1));
    }
}

#[tokio::test]
async fn a_refusal_is_told_to_one_process_and_believed_by_all() {
    let world = World::start().await;
    world.pass(Duration::from_hours(102 * 24));
    let processes: Vec<_> = (0..8).map(|_| world.process()).collect();
    let calls = processes.iter().map(|access| world.refusal(access));
    for error in futures::future::join_all(calls).await {
        assert_eq!(error.kind(), FailureKind::NeedsReauthorisation, "{error}");
    }
    assert_eq!(world.traffic().refused, 1);
    assert_eq!(world.story().await, [RefreshOutcome::Refused]);
}

#[tokio::test]
async fn an_access_that_still_lives_is_used_while_a_sibling_renews_it() {
    let world = World::start().await;
    let (one, other) = (world.process(), world.process());
    let first = one.token(&world.connection).await.unwrap();
    world.pass(Duration::from_mins(56));
    let (sibling, lease) = (WorkerName("sibling".to_owned()), Duration::from_mins(9));
    let intent = world
        .ledger
        .intend_refresh(world.connection.id, 2, &sibling, lease, Duration::ZERO)
        .await;
    assert_eq!(intent.unwrap(), Some(RefreshIntent::Taken));
    assert_eq!(text(&other.token(&world.connection).await.unwrap()), text(&first));
    assert_eq!(world.traffic().refreshes, 1);
}

#[tokio::test]
async fn a_rotated_value_is_stored_on_top_of_a_sibling_that_kept_the_old_one() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    world.refuse_to_store(true).await;
    world.refusal(&access).await;
    world.refuse_to_store(false).await;
    // A sibling that refreshed just before the value rotated stores the value that is dead by now.
    world.replace(&world.stored_secret().await).await;
    let token = access.token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    assert_eq!(world.stored().await.0.version, 3);
    world.pass(Duration::from_hours(1));
    access.token(&world.connection).await.unwrap();
    assert_eq!(world.traffic().superseded_uses, 0);
}

#[tokio::test]
async fn a_credential_that_a_person_has_brought_wins_over_one_that_was_not_stored_in_time() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    world.refuse_to_store(true).await;
    world.refusal(&access).await;
    world.refuse_to_store(false).await;
    let brought = world.emulator.info().companies[1].refresh_token.clone();
    world.replace(&SecretString::from(brought)).await;
    access.token(&world.connection).await.unwrap();
    // It belongs to the other company of the emulator, which counted its use.
    assert_eq!(world.emulator.summary().companies[1].tokens.refreshes, 1);
}

#[tokio::test]
async fn a_company_that_was_connected_again_works_again() {
    let world = World::start().await;
    let access = world.process();
    world.replace(&SecretString::from("revoked")).await;
    assert_eq!(
        world.refusal(&access).await.kind(),
        FailureKind::NeedsReauthorisation
    );
    let good = world.emulator.info().companies[0].refresh_token.clone();
    world.replace(&SecretString::from(good)).await;
    assert!(world.works(&access.token(&world.connection).await.unwrap()).await);
}
