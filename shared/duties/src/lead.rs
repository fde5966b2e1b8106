//! Lead: all duties, until told to stop.

use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::Leadership;
use ledgerfleet_model::WorkerName;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::duty::Context;
use crate::error::DutyError;
use crate::health::{Failed, Health};
use crate::pulse::Pulse;
use crate::rounds::{keep_all, pause};

/// Does all duties until `shutdown`, in a fleet whenever this process is elected. A duty that fails is tried again at
/// its next turn.
///
/// Only waiting is interrupted. A duty that has begun is finished: dropped, it would leave its locks to whenever the
/// database notices.
pub async fn lead(context: Context, name: WorkerName, shutdown: CancellationToken) {
    if let Some(leadership) = &context.leadership {
        lead_when_elected(&context, leadership, &name, &shutdown).await;
        if let Err(error) = leadership.resign(&name).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the leadership ends by its lease"
            );
        }
    } else {
        context.leading.set(true);
        keep_all(&context, &Pulse::begin(), &shutdown).await;
    }
    context.leading.set(false);
}

/// Stands for election until `shutdown`, and does the duties while elected. A leader needs Redis as much as the database:
/// who cannot use both does not stand, and who cannot dispatch any more gives the leadership away.
async fn lead_when_elected(
    context: &Context,
    leadership: &Leadership,
    name: &WorkerName,
    shutdown: &CancellationToken,
) {
    let mut health = Health::default();
    loop {
        let mut rest = context.timings.leadership() / 3;
        match stand(context, leadership, name).await {
            Ok(Some(term)) => {
                health.note(Ok(()));
                info!(term, "leading");
                context.leading.set(true);
                let (over, pulse) = (shutdown.child_token(), Pulse::begin());
                let leading = async {
                    let lost = keep_leading(context, leadership, name, &pulse, &over).await;
                    over.cancel();
                    lost
                };
                let ((), lost) = tokio::join!(keep_all(context, &pulse, &over), leading);
                if matches!(lost, Err(DutyError::NotDispatched(_))) {
                    // Others look at every third of a lease whether they can lead.
                    rest = context.timings.leadership();
                }
                health.note(lost.map_err(election));
                context.leading.set(false);
                info!(term, "no longer leading");
            }
            Ok(None) => health.note(Ok(())),
            Err(error) => health.note(Err(election(error))),
        }
        if pause(rest, shutdown).await {
            return;
        }
    }
}

/// Takes the leadership if it is free, and if this process could use it.
async fn stand(
    context: &Context,
    leadership: &Leadership,
    name: &WorkerName,
) -> Result<Option<i64>, DutyError> {
    can_offer(context).await?;
    hold(context, leadership, name).await
}

/// Whether bell and gate can be used in every way that a dispatch uses them.
async fn can_offer(context: &Context) -> Result<(), DutyError> {
    let asked = async {
        context.bell.probe().await?;
        context.gate.is_new().await.map(drop)
    };
    let silent = |_| Err(Unreachable("no answer".to_owned()));
    let patience = context.timings.dispatch_patience();
    Ok(timeout(patience, asked).await.unwrap_or_else(silent)?)
}

async fn hold(
    context: &Context,
    leadership: &Leadership,
    name: &WorkerName,
) -> Result<Option<i64>, DutyError> {
    Ok(leadership.hold(name, context.timings.leadership()).await?)
}

/// Renews the lease; ends when the term is over, another process has the lease, or nobody can tell. Resigns when nothing
/// was dispatched for too long; duties under way are not waited for, because two may do them at once.
async fn keep_leading(
    context: &Context,
    leadership: &Leadership,
    name: &WorkerName,
    pulse: &Pulse,
    over: &CancellationToken,
) -> Result<(), DutyError> {
    while !pause(context.timings.leadership() / 3, over).await {
        let age = pulse.age();
        if age > context.timings.dispatch_patience() {
            leadership.resign(name).await?;
            return Err(DutyError::NotDispatched(age));
        }
        if hold(context, leadership, name).await?.is_none() {
            break;
        }
        leadership.note_dispatch(name, age).await?;
    }
    Ok(())
}

fn election(error: DutyError) -> Failed {
    Failed {
        duty: "election",
        error,
    }
}
