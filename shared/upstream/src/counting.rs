//! Counting: how many rows a window has, by the source's own word.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::{CountRequest, EntitySpec};
use ledgerfleet_ledger::Fact;
use ledgerfleet_model::{Failure, FailureKind, Window};

use crate::asking::Asking;
use crate::known::Learner;

/// Whether the source counts an entity, as far as is known.
pub fn is_counted(asking: &Asking<'_>, entity: &EntitySpec, learner: &Learner<'_>) -> bool {
    let connector = &asking.company().connector;
    connector.counting().is_some() && connector.words(entity).count && learner.lessons().dialect.count
}

/// The source's count of a window; of those rows only that have changed since, where an instant is given. None where it
/// does not count.
pub async fn count(
    asking: &Asking<'_>,
    learner: &mut Learner<'_>,
    entity: &'static EntitySpec,
    window: &Window,
    changed_since: Option<DateTime<Utc>>,
) -> Result<Option<u64>, Failure> {
    let counting = asking.company().connector.counting();
    let Some(counting) = counting.filter(|_| is_counted(asking, entity, learner)) else {
        return Ok(None);
    };
    let dialect = learner.lessons().dialect;
    let parts = counting.parts(entity, dialect);
    let mut rows = 0;
    for part in 0..parts {
        let request = CountRequest {
            entity,
            window,
            changed_since,
            dialect,
            part,
        };
        match asking.ask_unless(&request, is_refusal).await {
            Ok(counted) => rows = u64::saturating_add(rows, counted.answer),
            Err(failure) if is_refusal(&failure) => {
                learner.heed(Fact::CountRefused).await;
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Some(rows))
}

fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::BadRequest | FailureKind::NotInPlan)
}
