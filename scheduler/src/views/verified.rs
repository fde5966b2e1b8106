//! How the findings of `verify` are printed.

use chrono::NaiveDate;
use ledgerfleet_model::RunId;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::commands::verify::findings::{Found, Reported};
use crate::output::{Row, amount, number, range, some, thousands};
use crate::verify::{Place, Verdict};

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
    pub(crate) fn of(found: &Found, reported: &Reported) -> Self {
        let (place, tally) = (reported.span.place, &reported.span.tally);
        let total = |total: Option<Decimal>| found.entity.total.and(total);
        Self {
            connection: found.connection.name.clone(),
            entity: found.entity.name,
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
            fix_run: reported.fix_run,
        }
    }
}

impl Row for VerifiedRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "days",
        "verdict",
        "source",
        "stored",
        "source total",
        "stored total",
        "missing",
        "different",
        "gone",
        "quarantined",
    ];
    const LESSER: &'static [&'static str] = &["stored total", "source total", "source", "stored"];

    fn cells(&self) -> Vec<String> {
        let days = range(self.from, self.to);
        let days = if self.day_unknown {
            format!("some of {days}")
        } else {
            days
        };
        vec![
            self.connection.clone(),
            self.entity.to_owned(),
            days,
            self.verdict.word().to_owned(),
            thousands(self.source),
            thousands(self.stored),
            self.source_total.map(amount).unwrap_or_default(),
            self.stored_total.map(amount).unwrap_or_default(),
            some(self.missing),
            some(self.different),
            some(self.gone),
            some(self.quarantined),
        ]
    }
}
