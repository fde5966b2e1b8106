//! Connections that were refused, and what a person has to put right.

use ledgerfleet_model::{ConnectionState, RefusalCause, WorkerName};

use super::World;
use super::scene::{company, credential, new_connection, seconds};
use crate::{Purge, Refresh, RefreshOutcome};

pub async fn a_refusal_parks_a_connection_unless_its_credential_was_replaced_since(world: &dyn World) {
    let birch = company(world, "Birch").await;
    let ledger = world.ledger();
    let stored_at = async || {
        ledger
            .credential(birch)
            .await
            .unwrap()
            .unwrap()
            .stored_at
            .unwrap()
    };
    let state = async || ledger.connection(birch).await.unwrap().unwrap().state;
    let refused_at = stored_at().await;
    world.pass_time(seconds(60)).await;
    assert!(ledger.replace_credential(birch, 1, &credential(2)).await.unwrap());
    assert!(
        !ledger
            .park_connection(
                birch,
                refused_at,
                RefusalCause::Credential,
                "the old one was refused"
            )
            .await
            .unwrap()
    );
    assert_eq!(state().await, ConnectionState::Active);

    assert!(
        ledger
            .park_connection(birch, stored_at().await, RefusalCause::Credential, "refused")
            .await
            .unwrap()
    );
    assert_eq!(state().await, ConnectionState::NeedsReauthorisation);
    ledger
        .set_connection_state(birch, ConnectionState::Paused, None)
        .await
        .unwrap();
    assert!(
        !ledger
            .park_connection(birch, stored_at().await, RefusalCause::Credential, "refused")
            .await
            .unwrap()
    );
    assert_eq!(
        state().await,
        ConnectionState::Paused,
        "what a person has stopped stays stopped"
    );
}

pub async fn the_cause_of_a_refusal_is_kept_until_the_connection_is_used_again(world: &dyn World) {
    let ledger = world.ledger();
    for cause in RefusalCause::ALL.iter().copied() {
        for way in ["set active", "recovered", "reconnected"] {
            let new = new_connection(&format!("{cause}, {way}"));
            let id = ledger.add_connection(&new, &credential(1)).await.unwrap().id;
            let stored_at = ledger.credential(id).await.unwrap().unwrap().stored_at.unwrap();
            assert!(
                ledger
                    .park_connection(id, stored_at, cause, "refused")
                    .await
                    .unwrap()
            );
            let listed = ledger.connections().await.unwrap();
            let listed = listed.into_iter().find(|connection| connection.id == id).unwrap();
            assert_eq!(
                (listed.state, listed.state_cause, listed.state_reason.as_deref()),
                (
                    ConnectionState::NeedsReauthorisation,
                    Some(cause),
                    Some("refused")
                )
            );
            match way {
                "set active" => {
                    let active = ledger.set_connection_state(id, ConnectionState::Active, None);
                    active.await.unwrap();
                }
                "recovered" => {
                    let refresh = Refresh {
                        version: 1,
                        worker: WorkerName("north".to_owned()),
                        outcome: RefreshOutcome::Recovered,
                        transaction_id: None,
                        at: None,
                    };
                    assert!(ledger.store_refresh(id, &credential(2), &refresh).await.unwrap());
                }
                _ => {
                    ledger.remove_connection(id, Purge::KeepRecords).await.unwrap();
                    ledger.reconnect(&new, &credential(2)).await.unwrap();
                }
            }
            let again = ledger.connection(id).await.unwrap().unwrap();
            assert_eq!(
                (again.state, again.state_cause, again.state_reason),
                (ConnectionState::Active, None, None),
                "{cause}, {way}"
            );
        }
    }
}
