//! What goes wrong, and what that means for the work that waits.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_access::AccessError;
use ledgerfleet_connectors::Endpoints;
use ledgerfleet_emulator::{DropMoment, FaultKind, FaultSpec, Surface};
use ledgerfleet_ledger::Purge;
use ledgerfleet_model::{Connection, Failure, FailureKind};
use ledgerfleet_vault::{MasterKey, Vault};
use secrecy::SecretString;

use crate::world::World;

#[tokio::test]
async fn a_refresh_token_that_has_expired_needs_a_person_and_is_not_sent_again() {
    let world = World::start().await;
    world.pass(Duration::from_hours(102 * 24));
    let access = world.process();
    for _ in 0..3 {
        let error = world.refusal(&access).await;
        assert!(matches!(&error, AccessError::NeedsReauthorisation(_)), "{error}");
        let failure = Failure::from(error);
        assert_eq!(failure.kind, FailureKind::NeedsReauthorisation);
        assert!(
            failure.message.contains("invalid_grant")
                && failure.message.contains("connect the company again")
        );
    }
    assert_eq!(world.traffic().refused, 1);
}

#[tokio::test]
async fn a_wrong_secret_of_the_app_is_told_from_a_refused_company() {
    let world = World::start().await;
    let wrong = Endpoints {
        client_secret: Some(SecretString::from("hunter2")),
        ..world.endpoints()
    };
    let error = world
        .refusal(&world.process_with(&wrong, Arc::clone(&world.vault)))
        .await;
    assert!(matches!(&error, AccessError::WrongKeys(_)), "{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::WrongAppKeys);
    assert!(failure.message.contains("client id and secret") && !failure.message.contains("hunter2"));
}

#[tokio::test]
async fn throttling_at_the_token_endpoint_is_waiting_as_long_as_it_asks() {
    for (asked, wait) in [(Some(7), Some(Duration::from_secs(7))), (None, None)] {
        let world = World::start().await;
        world.emulator.set_fault(FaultSpec {
            on: Some(Surface::Token),
            ..FaultSpec::always(FaultKind::Throttle {
                status: Some(429),
                body: None,
                retry_after: asked,
            })
        });
        let failure = Failure::from(world.refusal(&world.process()).await);
        assert_eq!(
            (failure.kind, failure.retry_after),
            (FailureKind::Throttled, wait)
        );
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_once_more() {
    let world = World::start().await;
    world.lose_next_answer();
    let token = world.process().token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    assert_eq!(world.traffic().refreshes, 2);
}

#[tokio::test]
async fn a_rotated_value_that_was_lost_is_said_to_be_uncertain() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    world.lose_next_answer();
    let error = world.refusal(&world.process()).await;
    assert!(matches!(&error, AccessError::NeedsReauthorisation(_)), "{error}");
    assert!(error.to_string().contains("uncertain"), "{error}");
}

#[tokio::test]
async fn a_value_that_is_refused_after_two_lost_answers_is_said_to_be_uncertain_too() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    world.token_fault(
        FaultKind::Drop {
            moment: DropMoment::After,
        },
        Some(2),
    );
    let error = world.refusal(&access).await;
    assert!(matches!(&error, AccessError::Lost(_)), "{error}");
    assert_eq!(error.kind(), FailureKind::Network);
    let error = world.refusal(&access).await;
    assert!(error.to_string().contains("uncertain"), "{error}");
}

#[tokio::test]
async fn an_upstream_that_is_down_is_tried_again_later() {
    let world = World::start().await;
    let access = world.process();
    world.token_fault(FaultKind::Html { status: 503 }, Some(1));
    let error = world.refusal(&access).await;
    assert_eq!(error.kind(), FailureKind::UpstreamError, "{error}");

    let nowhere = Endpoints {
        oauth_url: Some("http://127.0.0.1:1".to_owned()),
        ..world.endpoints()
    };
    let error = world
        .refusal(&world.process_with(&nowhere, Arc::clone(&world.vault)))
        .await;
    assert!(matches!(&error, AccessError::Unreachable(_)), "{error}");
    assert_eq!(error.kind(), FailureKind::Network);

    assert!(world.works(&access.token(&world.connection).await.unwrap()).await);
}

#[tokio::test]
async fn another_master_key_is_named_and_says_nothing_of_the_company() {
    let world = World::start().await;
    let other = Arc::new(Vault::new(MasterKey::generate()));
    let access = world.process_with(&world.endpoints(), Arc::clone(&other));
    let error = access.token(&world.connection).await.unwrap_err();
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::WrongMasterKey);
    for id in [other.key_id(), world.vault.key_id()] {
        assert!(failure.message.contains(id), "{failure}");
    }
    assert_eq!(world.traffic().refreshes, 0);
}

#[tokio::test]
async fn a_connection_without_credential_or_connector_is_named() {
    let world = World::start().await;
    let access = world.process();
    let strange = Connection {
        connector: "xero".to_owned(),
        ..world.connection.clone()
    };
    let error = access.token(&strange).await.unwrap_err();
    assert!(
        matches!(&error, AccessError::UnknownConnector(name) if name == "xero"),
        "{error}"
    );
    world
        .ledger
        .remove_connection(world.connection.id, Purge::KeepRecords)
        .await
        .unwrap();
    let error = access.token(&world.connection).await.unwrap_err();
    assert!(matches!(&error, AccessError::NoCredential), "{error}");
}
