//! Settle: writes how an attempt ended that did not finish.

use std::time::Duration;

use ledgerfleet_ledger::{Claim, LedgerError, Settled};
use ledgerfleet_model::outcome::outcome;
use ledgerfleet_model::segment::{IDLE_CLAIMS, Settlement};
use ledgerfleet_model::{Failure, FailureKind, Outcome, RefusalCause, SegmentState};
use ledgerfleet_telemetry::metrics::{self, AttemptOutcome};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::attempt::progress::Progress;
use crate::fleet::Fleet;
use crate::held::held;

/// How long after a failed write the next is tried.
const PAUSE: Duration = Duration::from_millis(500);

/// Turns `failure` into an outcome and writes it. While the ledger cannot be written, tries until the lease is over;
/// then rescue finds the segment.
pub(crate) async fn settle(
    fleet: &Fleet,
    claim: &Claim,
    progress: &Progress,
    failure: Failure,
) -> AttemptOutcome {
    let outcome = outcome(
        &failure,
        progress.standing.failures,
        &fleet.parts.timings,
        &mut rand::rng(),
    );
    let outcome = match (outcome, progress.blameless_wait) {
        (Outcome::Retry { .. } | Outcome::Later { .. }, Some(wait)) => Outcome::Later { wait },
        (outcome, _) => outcome,
    };
    report(claim, &outcome, &failure);
    spread_the_word(fleet, claim, &failure).await;
    let deadline = Instant::now() + fleet.parts.timings.lease;
    let mut told = false;
    loop {
        let error = match write(fleet, claim, progress, &outcome, &failure).await {
            Ok(ended) => return ended,
            Err(error) => error,
        };
        if !error.is_passing() {
            return back_off(fleet, claim, &error).await;
        }
        if gives_up(fleet, &error) || Instant::now() >= deadline {
            warn!(segment = %claim.segment, error = &error as &dyn std::error::Error, "not settled; rescue will find it");
            return AttemptOutcome::Fenced;
        }
        if !told {
            warn!(segment = %claim.segment, error = &error as &dyn std::error::Error, "settling fails, and is tried again");
            told = true;
        }
        sleep(PAUSE).await;
    }
}

/// The ledger refuses the end of an attempt, and will refuse it again: the segment is put off, so that its metered calls
/// are not made again at once, and again.
async fn back_off(fleet: &Fleet, claim: &Claim, error: &LedgerError) -> AttemptOutcome {
    let wait = fleet.parts.timings.backoff_cap;
    warn!(segment = %claim.segment, error = error as &dyn std::error::Error, ?wait, "its end cannot be written; it is put off");
    if let Err(error) = fleet.parts.ledger.postpone(held(claim), wait).await {
        warn!(segment = %claim.segment, error = &error as &dyn std::error::Error, "not put off; rescue will find it");
    }
    AttemptOutcome::Fenced
}

/// Whether nobody waits for another try: a worker that stops does not wait for room on a disk.
fn gives_up(fleet: &Fleet, error: &LedgerError) -> bool {
    let is_stuck = matches!(error, LedgerError::Full(_) | LedgerError::ReadOnly(_));
    fleet.drained.is_cancelled() || (is_stuck && fleet.shutdown.is_cancelled())
}

fn report(claim: &Claim, outcome: &Outcome, failure: &Failure) {
    let (segment, entity, kind) = (claim.segment, claim.entity.as_str(), failure.kind);
    match outcome {
        Outcome::HandBack if kind == FailureKind::Shutdown => {
            info!(%segment, entity, "handed back");
        }
        Outcome::Later { wait } => {
            info!(%segment, entity, reason = %kind, wait_seconds = wait.as_secs_f64(), "later");
        }
        Outcome::Retry { wait } => info!(
            %segment, entity, reason = %kind, message = failure.message, status = failure.status,
            transaction_id = failure.transaction_id, wait_seconds = wait.as_secs_f64(),
            "an attempt failed and is made again"
        ),
        // Told when it is written: until then it is not so.
        Outcome::Dead => {}
        Outcome::HandBack => warn!(
            %segment, entity, reason = %kind, message = failure.message, status = failure.status,
            transaction_id = failure.transaction_id, "an attempt failed"
        ),
    }
}

/// The sixth failure is as final as what no attempt can mend.
fn report_death(claim: &Claim, progress: &Progress, failure: &Failure) {
    warn!(
        segment = %claim.segment, entity = claim.entity, reason = %failure.kind, message = failure.message,
        status = failure.status, transaction_id = failure.transaction_id, failures = progress.standing.failures + 1,
        "a segment is dead; its history: scheduler dlq show"
    );
}

/// What concerns the whole connection is told to everyone: refused credentials stop it.
async fn spread_the_word(fleet: &Fleet, claim: &Claim, failure: &Failure) {
    match failure.kind {
        FailureKind::WrongMasterKey => fleet.stop_unfit(&failure.message),
        FailureKind::NeedsReauthorisation => {
            let cause = failure.cause.unwrap_or(RefusalCause::Unknown);
            let ledger = &fleet.parts.ledger;
            let parked = ledger.park_connection(claim.connection, claim.claimed_at, cause, &failure.message);
            if let Err(error) = parked.await {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "the connection could not be stopped"
                );
            }
        }
        _ => {}
    }
}

async fn write(
    fleet: &Fleet,
    claim: &Claim,
    progress: &Progress,
    outcome: &Outcome,
    failure: &Failure,
) -> Result<AttemptOutcome, LedgerError> {
    // After a commit of unknown outcome the counters known here may be behind the ledger's, and must not replace them.
    if *outcome == Outcome::HandBack || progress.unknown {
        give_back(fleet, claim, outcome).await?;
        return Ok(AttemptOutcome::HandedBack);
    }
    let settlement = Settlement::of(
        claim.segment,
        progress.standing,
        outcome,
        failure.clone(),
        &fleet.parts.timings,
    );
    let settlement = match settlement {
        Ok(settlement) => settlement,
        // It ended in a commit before something went wrong here: there is nothing left to settle.
        Err(error) => {
            warn!(segment = %claim.segment, error = &error as &dyn std::error::Error, "not settled");
            return Ok(AttemptOutcome::Fenced);
        }
    };
    match fleet.parts.ledger.settle(&settlement, &progress.effort()).await? {
        Settled::Settled => {
            if settlement.after().state == SegmentState::Dead {
                report_death(claim, progress, failure);
            }
            Ok(ended(progress, outcome, &settlement))
        }
        Settled::Fenced => {
            metrics::write_fenced();
            info!(segment = %claim.segment, "taken over before it could be settled");
            Ok(AttemptOutcome::Fenced)
        }
    }
}

/// Gives the segment back with the counters that the ledger has. What waits is not due at once: the pages of a commit that
/// never gets its answer would be bought again and again. Claimed in vain too often, it ends dead.
async fn give_back(fleet: &Fleet, claim: &Claim, outcome: &Outcome) -> Result<(), LedgerError> {
    let ledger = &fleet.parts.ledger;
    match outcome {
        Outcome::Later { wait } | Outcome::Retry { wait } if claim.standing.idle_claims < IDLE_CLAIMS => {
            ledger.postpone(held(claim), *wait).await?;
        }
        _ => {
            ledger.hand_back(&[held(claim)]).await?;
        }
    }
    Ok(())
}

fn ended(progress: &Progress, outcome: &Outcome, settlement: &Settlement) -> AttemptOutcome {
    match (settlement.after().state, outcome) {
        (SegmentState::Dead, _) => AttemptOutcome::Dead,
        (_, Outcome::Retry { .. }) => {
            if let Some(failure) = settlement.failure() {
                metrics::retried(progress.connector, failure.kind);
            }
            AttemptOutcome::Retry
        }
        _ => AttemptOutcome::Later,
    }
}
