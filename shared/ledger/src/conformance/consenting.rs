//! Consents: of all who come with one state, the first in its time gets it.

use chrono_tz::Tz;
use ledgerfleet_model::Environment;

use super::World;
use super::scene::seconds;
use crate::consents::REMEMBERED;
use crate::{Consent, ConsentOutcome, ConsentProgress, ConsentTaken};

fn consent(state_hash: &str) -> Consent {
    Consent {
        state_hash: state_hash.to_owned(),
        connector: "quickbooks".to_owned(),
        name: "birch".to_owned(),
        environment: Environment::Sandbox,
        time_zone: Tz::America__New_York,
        redirect_url: "http://localhost:8400/connect/quickbooks/callback".to_owned(),
    }
}

pub async fn a_consent_is_taken_once_within_its_time(world: &dyn World) {
    let ledger = world.ledger();
    for state in ["one", "late"] {
        ledger.begin_consent(&consent(state), seconds(600)).await.unwrap();
    }
    assert_eq!(ledger.take_consent("none").await.unwrap(), ConsentTaken::Unknown);
    let taken = ledger.take_consent("one").await.unwrap();
    assert_eq!(taken, ConsentTaken::Now(consent("one")));
    assert_eq!(ledger.take_consent("one").await.unwrap(), ConsentTaken::Used);
    world.pass_time(seconds(601)).await;
    assert_eq!(ledger.take_consent("late").await.unwrap(), ConsentTaken::Expired);
    assert_eq!(ledger.take_consent("one").await.unwrap(), ConsentTaken::Used);
}

pub async fn of_two_who_come_with_one_state_one_gets_it(world: &dyn World) {
    let ledger = world.ledger();
    ledger.begin_consent(&consent("one"), seconds(600)).await.unwrap();
    let (one, other) = tokio::join!(ledger.take_consent("one"), ledger.take_consent("one"));
    let used = [one.unwrap(), other.unwrap()]
        .into_iter()
        .filter(|taken| *taken == ConsentTaken::Used);
    assert_eq!(used.count(), 1);
}

pub async fn how_a_consent_ended_is_known_for_a_day(world: &dyn World) {
    let ledger = world.ledger();
    let progress = async |state: &str| ledger.consent_progress(state).await.unwrap();
    ledger.begin_consent(&consent("one"), seconds(600)).await.unwrap();
    assert_eq!(progress("one").await, ConsentProgress::Waiting);
    ledger.take_consent("one").await.unwrap();
    assert_eq!(progress("one").await, ConsentProgress::Taken);
    let outcome = ConsentOutcome::Connected;
    ledger
        .end_consent("one", outcome, "birch is connected")
        .await
        .unwrap();
    let ended = ConsentProgress::Ended(outcome, "birch is connected".to_owned());
    assert_eq!(progress("one").await, ended);
    world.pass_time(REMEMBERED + seconds(1)).await;
    ledger
        .begin_consent(&consent("other"), seconds(600))
        .await
        .unwrap();
    assert_eq!(progress("one").await, ConsentProgress::Unknown);
}
