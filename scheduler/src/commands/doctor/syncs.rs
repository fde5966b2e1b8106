//! `doctor` on syncs and triggers: what is kept in sync, what fails, and what fired in vain.

use ledgerfleet_ledger::{FiringResult, SyncState, TriggerState};
use ledgerfleet_model::Connection;
use ledgerfleet_wiring::Parts;

use crate::output::{counted, span};
use crate::views::checks::Check;
use crate::views::syncs::oldest;

/// The line of syncs.
pub(super) async fn syncs(parts: &Parts) -> anyhow::Result<Check> {
    let connections = parts.ledger.connections().await?;
    let states = parts.ledger.sync_states(&[]).await?;
    if states.is_empty() {
        return Ok(Check::good(
            "sync",
            "no company is kept in sync: scheduler sync begins it",
        ));
    }
    let mut failing = states.iter().filter(|state| state.failures > 0);
    let Some(first) = failing.next() else {
        let all: Vec<&SyncState> = states.iter().collect();
        return Ok(Check::good("sync", in_sync(&all, parts)));
    };
    let count = failing.count() + 1;
    let cause = first.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let detail = format!(
        "{} fail, such as {} of {}{cause}",
        counted(count as u64, "entity"),
        first.entity,
        name(&connections, first)
    );
    Ok(Check::doubtful("sync", detail, "scheduler sync status"))
}

#[expect(clippy::cast_precision_loss, reason = "seconds, told to people")]
fn in_sync(states: &[&SyncState], parts: &Parts) -> String {
    let lag = oldest(states, parts.clock.now()).map(|seconds| span(seconds as f64));
    let entities = states.len();
    lag.map_or_else(
        || format!("{entities} entities, none with a checkpoint yet"),
        |lag| format!("{entities} entities; the oldest checkpoint is {lag} old"),
    )
}

fn name<'a>(connections: &'a [Connection], state: &SyncState) -> &'a str {
    let of_it = connections
        .iter()
        .find(|connection| connection.id == state.connection);
    of_it.map_or("a company that is gone", |connection| &connection.name)
}

/// The line of triggers; none where there are none.
pub(super) async fn triggers(parts: &Parts) -> anyhow::Result<Vec<Check>> {
    let all = parts.ledger.triggers().await?;
    let active = all
        .iter()
        .filter(|trigger| trigger.state == TriggerState::Active)
        .count();
    let overdue = parts.ledger.due_triggers(1).await?;
    let failed = all.iter().find(|trigger| {
        let last = trigger.last.as_ref();
        last.is_some_and(|last| last.result == FiringResult::Failed)
    });
    Ok(match (failed, overdue.as_slice()) {
        (Some(failed), _) => {
            let why = failed
                .last
                .as_ref()
                .and_then(|last| last.message.clone())
                .unwrap_or_default();
            let detail = format!("{} could not be submitted: {why}", failed.id);
            vec![Check::doubtful("triggers", detail, "scheduler trigger list")]
        }
        (None, [overdue, ..]) => {
            let detail = format!("{} is due, and nobody has fired it", overdue.id);
            vec![Check::doubtful("triggers", detail, "scheduler serve")]
        }
        (None, []) if active > 0 => vec![Check::good(
            "triggers",
            format!("{active} wait for their instant"),
        )],
        (None, []) => Vec::new(),
    })
}
