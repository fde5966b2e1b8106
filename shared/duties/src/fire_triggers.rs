//! Fire triggers: what was to be submitted at an instant that has come.

use ledgerfleet_ledger::{Firing, Trigger};
use ledgerfleet_planning::triggers::Firer;
use ledgerfleet_telemetry::metrics;
use tracing::{info, warn};

use crate::duty::Context;
use crate::error::DutyError;

/// Triggers of one round.
const AT_ONCE: u32 = 100;

/// Fires what is due; answers how many.
pub(crate) async fn fire_triggers(of: &Context) -> Result<usize, DutyError> {
    let Some(firer) = firer(of) else { return Ok(0) };
    let due = of.ledger.due_triggers(AT_ONCE).await?;
    if due.is_empty() {
        return Ok(0);
    }
    // What is due is due by the ledger's clock, whatever this machine's says.
    let now = of.ledger.clock().await?.now;
    for trigger in &due {
        match firer.fire(trigger, now).await {
            Ok(firing) => note(trigger, firing),
            Err(error) if error.is_passing() => return Err(error.into()),
            // One that cannot be stored holds back no other.
            Err(error) => {
                warn!(trigger = %trigger.id, error = &error as &dyn std::error::Error, "a trigger was not fired");
            }
        }
    }
    Ok(due.len())
}

/// What fires triggers; none where nobody has asked this process for it.
pub(crate) fn firer(of: &Context) -> Option<Firer<'_>> {
    let pace = of.sync.as_ref()?;
    Some(Firer {
        ledger: &*of.ledger,
        bell: &*of.bell,
        connectors: &of.connectors,
        pace,
    })
}

fn note(trigger: &Trigger, fired: Option<Firing>) {
    let Some(fired) = fired else { return };
    metrics::trigger_fired(fired.result.as_str());
    let (late, missed, runs) = (fired.late().as_secs_f64(), fired.missed, fired.runs.len());
    match &fired.message {
        None => info!(trigger = %trigger.id, late_seconds = late, missed, runs, "a trigger has fired"),
        Some(why) => warn!(trigger = %trigger.id, why, "a trigger was due, and cannot be submitted"),
    }
}
