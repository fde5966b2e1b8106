//! How the findings of `verify` are printed.

use chrono::NaiveDate;
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_model::RunId;
use ledgerfleet_verification::{Place, Span, Verdict};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::output::{amount, number, optional, range, row, some, thousands};

/// Days of one entity that are all well, or one place that is not.
#[derive(Serialize)]
pub(crate) struct VerifiedRow {
    connection: String,
    entity: &'static str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    /// Whether the day of these records cannot be read: it is one or some of these.
    day_unknown: bool,
    verdict: Verdict,
    source: u64,
    stored: u64,
    #[serde(serialize_with = "number")]
    source_total: Option<Decimal>,
    #[serde(serialize_with = "number")]
    stored_total: Option<Decimal>,
    missing: u64,
    different: u64,
    gone: u64,
    quarantined: u64,
    /// The run that has read it again, or does.
    fix_run: Option<RunId>,
}

impl VerifiedRow {
    /// What was found in a span of one entity, and the run that has read it again.
    pub(crate) fn of(connection: &str, entity: &EntitySpec, span: &Span, fix_run: Option<RunId>) -> Self {
        let (place, tally) = (span.place, &span.tally);
        let total = |total: Option<Decimal>| entity.total.and(total);
        Self {
            connection: connection.to_owned(),
            entity: entity.name,
            from: place.days().map(|(from, _)| from),
            to: place.days().map(|(_, to)| to),
            day_unknown: matches!(place, Place::Within { .. }),
            verdict: tally.verdict(),
            source: tally.source.rows,
            stored: tally.stored.rows,
            source_total: total(tally.source.total),
            stored_total: total(tally.stored.total),
            missing: tally.missing,
            different: tally.different,
            gone: tally.gone,
            quarantined: tally.quarantined,
            fix_run,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn days(&self) -> String {
        let days = range(self.from, self.to);
        if self.day_unknown {
            format!("some of {days}")
        } else {
            days
        }
    }
}

row! {
    VerifiedRow as row,
    LESSER = ["stored total", "source total", "source", "stored"],
    "connection" => row.connection,
    "entity" => row.entity,
    "days" => row.days(),
    "verdict" => row.verdict.word(),
    "source" => thousands(row.source),
    "stored" => thousands(row.stored),
    "source total" => optional(row.source_total.map(amount)),
    "stored total" => optional(row.stored_total.map(amount)),
    "missing" => some(row.missing),
    "different" => some(row.different),
    "gone" => some(row.gone),
    "quarantined" => some(row.quarantined),
}
