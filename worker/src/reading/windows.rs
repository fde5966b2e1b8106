//! Windows of changes, where an upstream's answer about changes is not enough.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::NewSegment;
use ledgerfleet_model::{SegmentId, Window, Work};

use crate::attempt::under_way::UnderWay;

/// How far back changes are read where the instant since when was a wrong clock's.
pub(super) const DOUBTED: TimeDelta = TimeDelta::days(1);

/// The segment that reads what has changed of one entity by a query.
pub(super) fn by_window(
    attempt: &UnderWay<'_>,
    entity: &EntitySpec,
    since: DateTime<Utc>,
    before: Option<DateTime<Utc>>,
) -> NewSegment {
    NewSegment {
        id: SegmentId::new(),
        connection: attempt.subject.claim.connection,
        entity: entity.name.to_owned(),
        work: Work::Sync(Window::changed(since, before)),
    }
}
