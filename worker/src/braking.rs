//! Braking: what fails for everybody is tried by one segment a minute, and the others wait without blame.
//!
//! Three failures in a row close the brake of a company. Where the answer is an outage's (no connection, a 5xx of something
//! in front of the API), three attempts are enough, whosever they are; where it may be about what was asked for, three
//! different segments. From then on the failures are nobody's: segments wait, and that counts as waiting. Only a probe
//! that fails in a way that may be its own is looked at more closely: if the company's own page is answered, the failure
//! is the segment's.
//!
//! An entity about which the upstream refuses the query itself is braked at its first refusal: the API has changed, and
//! every other segment of it would be refused, too (`upstream_changed`).
//!
//! Where the upstream does not take the keys of our own app, every company's access is refused, and none is to blame: all
//! of them wait at the first refusal. Here the probe is an exchange of credentials, for an access that is still good would
//! prove nothing.
//!
//! A table that the database does not write to is braked in the same way at its first refusal, so that no page is bought
//! that could not be stored. Changes of several entities, in one answer, neither close such a brake nor wait for one: what a
//! table does not take of them is read by a window of that entity, which does both.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_ledger::{Brake, BrakeScope, Ledger, LedgerError, Setback};
use ledgerfleet_model::{Failure, FailureKind, Timings, Work};
use ledgerfleet_upstream::Identify;
use rand::RngExt;
use tracing::{debug, info, warn};

use crate::attempt::progress::Progress;
use crate::attempt::stopped::{Stopped, ledger_failure};
use crate::attempt::subject::Subject;
use crate::attempt::under_way::UnderWay;
use crate::fleet::Fleet;

/// Failures of a company in a row before everybody waits.
const FAILURES: usize = 3;

/// Different companies whose brakes close before the others of their upstream wait.
const COMPANIES: usize = 3;

/// The brakes as this worker knows them: read with every heartbeat, and noted as they change here.
#[derive(Debug, Default)]
pub(crate) struct KnownBrakes(Mutex<Vec<Brake>>);

impl KnownBrakes {
    fn brakes(&self) -> MutexGuard<'_, Vec<Brake>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads them anew; a ledger that does not answer leaves them as they were.
    pub(crate) async fn refresh(&self, ledger: &dyn Ledger) {
        match ledger.brakes().await {
            Ok(brakes) => *self.brakes() = brakes,
            Err(error) => debug!(
                error = &error as &dyn std::error::Error,
                "brakes are not up to date"
            ),
        }
    }

    fn put(&self, brake: Brake) {
        let mut brakes = self.brakes();
        brakes.retain(|known| known.scope != brake.scope);
        brakes.push(brake);
    }

    fn forget(&self, scopes: &[BrakeScope]) {
        self.brakes().retain(|known| !scopes.contains(&known.scope));
    }

    /// Which of `scopes` anything is noted of.
    fn noted(&self, scopes: &[BrakeScope]) -> Vec<BrakeScope> {
        let brakes = self.brakes();
        let known = brakes.iter().map(|brake| &brake.scope);
        known.filter(|scope| scopes.contains(scope)).cloned().collect()
    }

    fn is_any_closed(&self, scopes: &[BrakeScope]) -> bool {
        let brakes = self.brakes();
        brakes
            .iter()
            .any(|brake| brake.is_closed() && scopes.contains(&brake.scope))
    }
}

/// About a minute: how often a closed brake is tried.
fn probe_every(timings: &Timings) -> Duration {
    timings.backoff_base * 6
}

/// What an attempt waits for.
fn scopes(subject: &Subject<'_>) -> Vec<BrakeScope> {
    let mut scopes = opened_by_a_page(subject);
    scopes.insert(0, app_keys(subject));
    scopes
}

/// Of these, what a page proves to be well.
fn opened_by_a_page(subject: &Subject<'_>) -> Vec<BrakeScope> {
    let scopes = [company(subject), upstream(subject), entity(subject)];
    scopes.into_iter().chain(table(subject)).collect()
}

fn app_keys(subject: &Subject<'_>) -> BrakeScope {
    BrakeScope::AppKeys {
        connector: subject.company.entry.name.to_owned(),
        environment: subject.company.connection.environment,
    }
}

fn company(subject: &Subject<'_>) -> BrakeScope {
    BrakeScope::Connection(subject.company.connection.id)
}

fn upstream(subject: &Subject<'_>) -> BrakeScope {
    BrakeScope::Upstream {
        connector: subject.company.entry.name.to_owned(),
        environment: subject.company.connection.environment,
    }
}

fn entity(subject: &Subject<'_>) -> BrakeScope {
    BrakeScope::Entity {
        connection: subject.company.connection.id,
        entity: subject.entity.name.to_owned(),
    }
}

/// The table that is written to. None where one answer is of several: which of them is refused, nobody says, and what one
/// of them takes says nothing of another.
fn table(subject: &Subject<'_>) -> Option<BrakeScope> {
    let is_of_several = matches!(subject.claim.work, Work::Changes { .. });
    (!is_of_several).then(|| BrakeScope::Table(subject.entity.table.to_owned()))
}

/// Lets an attempt begin, unless it has to wait for a brake. Answers whether it is the one that probes a closed one.
pub(crate) async fn pass(subject: &Subject<'_>) -> Result<bool, Failure> {
    let (fleet, scopes) = (subject.fleet, scopes(subject));
    if !fleet.brakes.is_any_closed(&scopes) {
        return Ok(false);
    }
    let timings = &fleet.parts.timings;
    let asked = fleet.parts.ledger.may_probe(&scopes, probe_every(timings)).await;
    let Some(brake) = asked.map_err(ledger_failure)? else {
        prove_keys(subject).await?;
        return Ok(true);
    };
    let failure = Failure {
        retry_after: Some(until_probe(&brake, timings)),
        ..Failure::new(FailureKind::Braked, brake.to_string())
    };
    fleet.brakes.put(brake);
    Err(failure)
}

/// Where the keys of our app were refused, has the company's credential exchanged: that they are taken opens their brake.
async fn prove_keys(subject: &Subject<'_>) -> Result<(), Failure> {
    let (fleet, scope) = (subject.fleet, [app_keys(subject)]);
    if !fleet.brakes.is_any_closed(&scope) {
        return Ok(());
    }
    match fleet.parts.access.renewed(&subject.company.connection).await {
        Ok(_) => {
            open(fleet, &scope).await;
            Ok(())
        }
        Err(error) => {
            let failure = Failure::from(error);
            let retry_after = match failure.kind {
                FailureKind::WrongAppKeys => note_wrong_keys(subject, &failure).await,
                _ => failure.retry_after,
            };
            Err(Failure {
                retry_after,
                ..failure
            })
        }
    }
}

/// Has the keys of this process tried at once, whichever were refused before it began.
pub async fn try_keys_again(ledger: &dyn Ledger) -> Result<(), LedgerError> {
    let is_on_keys = |scope: &BrakeScope| matches!(scope, BrakeScope::AppKeys { .. });
    let brakes = ledger.brakes().await?.into_iter().map(|brake| brake.scope);
    let on_keys: Vec<BrakeScope> = brakes.filter(is_on_keys).collect();
    if !on_keys.is_empty() {
        ledger.release(&on_keys).await?;
    }
    Ok(())
}

/// How long who waits for a brake waits: until its next probe and a part of a minute more, so that not all return as one.
fn until_probe(brake: &Brake, timings: &Timings) -> Duration {
    let spread = probe_every(timings) / 4;
    brake.probe_in.unwrap_or_default() + spread.mul_f64(rand::rng().random::<f64>())
}

/// Notes how the upstream failed an attempt, if it did, and tells how long its segment waits if that is not the segment's
/// fault.
pub(crate) async fn blameless_wait(
    attempt: &UnderWay<'_>,
    progress: &Progress,
    ended: &Result<(), Stopped>,
) -> Option<Duration> {
    let Err(Stopped::Failed(failure)) = ended else {
        return None;
    };
    let subject = &attempt.subject;
    match failure.kind {
        FailureKind::UpstreamChanged => return note_change(subject, failure).await,
        FailureKind::WrongAppKeys => return note_wrong_keys(subject, failure).await,
        _ => {}
    }
    if !failure.kind.is_upstreams() {
        return None;
    }
    let (fleet, claim) = (subject.fleet, subject.claim);
    let witness = if failure.is_outage() {
        format!("{} {}", claim.segment, claim.attempt)
    } else {
        claim.segment.to_string()
    };
    let brake = note(subject, witness, failure).await?;
    let wait = || until_probe(&brake, &fleet.parts.timings);
    if !brake.is_closed() {
        return None;
    }
    if failure.is_outage() || !progress.probing {
        return Some(wait());
    }
    let asked = attempt.guard(attempt.asking.ask(&Identify)).await.ok()?;
    let is_away = asked.is_err_and(|failure| failure.kind.is_upstreams());
    is_away.then(wait)
}

/// Notes that the upstream no longer takes what it is asked about an entity: every other segment of it would be refused
/// like this one. Tried again every ten minutes.
async fn note_change(subject: &Subject<'_>, failure: &Failure) -> Option<Duration> {
    let timings = &subject.fleet.parts.timings;
    let trouble = Setback {
        scope: entity(subject),
        witness: subject.claim.segment.to_string(),
        reason: failure.kind,
        message: &failure.message,
        limit: 1,
        pause: probe_every(timings),
        longest: probe_every(timings) * 10,
    };
    let brake = told(subject.fleet, &trouble).await?;
    Some(until_probe(&brake, timings))
}

/// Notes that the upstream does not take our app's own keys: no other company would fare better.
async fn note_wrong_keys(subject: &Subject<'_>, failure: &Failure) -> Option<Duration> {
    let timings = &subject.fleet.parts.timings;
    let trouble = Setback {
        scope: app_keys(subject),
        witness: subject.company.connection.id.to_string(),
        reason: failure.kind,
        message: &failure.message,
        limit: 1,
        pause: probe_every(timings),
        longest: probe_every(timings),
    };
    let brake = told(subject.fleet, &trouble).await?;
    Some(until_probe(&brake, timings))
}

/// Notes a failure of the company's upstream, so many of which in a row close its brake. None if the ledger cannot be
/// told: then every segment is for itself.
async fn note(subject: &Subject<'_>, witness: String, failure: &Failure) -> Option<Brake> {
    let pause = probe_every(&subject.fleet.parts.timings);
    let trouble = Setback {
        scope: company(subject),
        witness,
        reason: failure.kind,
        message: &failure.message,
        limit: FAILURES,
        pause,
        longest: pause,
    };
    let brake = told(subject.fleet, &trouble).await?;
    if brake.is_closed() {
        let of_all = Setback {
            scope: upstream(subject),
            witness: subject.company.connection.id.to_string(),
            limit: COMPANIES,
            ..trouble
        };
        told(subject.fleet, &of_all).await;
    }
    Some(brake)
}

async fn told(fleet: &Fleet, trouble: &Setback<'_>) -> Option<Brake> {
    let was_closed = fleet.brakes.is_any_closed(std::slice::from_ref(&trouble.scope));
    match fleet.parts.ledger.note_trouble(trouble).await {
        Ok(brake) => {
            if brake.is_closed() && !was_closed {
                warn!(scope = brake.scope.kind(), brake = %brake, "segments wait without blame");
            }
            fleet.brakes.put(brake.clone());
            Some(brake)
        }
        Err(error) => {
            debug!(
                error = &error as &dyn std::error::Error,
                "a failure could not be noted"
            );
            None
        }
    }
}

/// The failure of an attempt whose page the ledger has not stored. Where the server refuses it whatever the page holds,
/// no further page of the table is bought for a while.
pub(crate) async fn not_stored(subject: &Subject<'_>, error: LedgerError) -> Failure {
    let is_refusal = error.is_refusal_of_a_table();
    let failure = ledger_failure(error);
    let Some(scope) = table(subject).filter(|_| is_refusal) else {
        return failure;
    };
    let timings = &subject.fleet.parts.timings;
    let trouble = Setback {
        scope,
        witness: subject.claim.segment.to_string(),
        reason: failure.kind,
        message: &failure.message,
        limit: 1,
        pause: timings.backoff_base * 2,
        longest: probe_every(timings),
    };
    let brake = told(subject.fleet, &trouble).await;
    Failure {
        retry_after: brake.map(|brake| until_probe(&brake, timings)),
        ..failure
    }
}

/// A page was asked for, came and was stored: whatever was braked on its way is not any more.
pub(crate) async fn succeeded(subject: &Subject<'_>) {
    let noted = subject.fleet.brakes.noted(&opened_by_a_page(subject));
    if !noted.is_empty() && open(subject.fleet, &noted).await {
        info!(connection = %subject.company.connection.name, "works again; nobody waits any more");
    }
}

/// Opens brakes and lets go who waited. False if nobody did.
async fn open(fleet: &Fleet, noted: &[BrakeScope]) -> bool {
    let were_closed = fleet.brakes.is_any_closed(noted);
    match fleet.parts.ledger.release(noted).await {
        Ok(_) => fleet.brakes.forget(noted),
        Err(error) => {
            debug!(
                error = &error as &dyn std::error::Error,
                "a brake could not be opened"
            );
            return false;
        }
    }
    if were_closed {
        fleet.ring().await;
    }
    were_closed
}
