//! Subject: what is compared, and what of it was read before.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::{CoverageRow, Ledger};
use ledgerfleet_model::Axis;
use ledgerfleet_upstream::Asking;

use crate::tally::{Place, Tallies};

/// A record whose change is this close to the reading of its window may have come after it.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Hears what a comparison meets that is worth saying and is no finding.
pub trait Observer: std::fmt::Debug + Sync {
    /// The source counts so many records and shows so many, up to the end of its pages: its count is wrong for good, and was
    /// not used.
    fn miscounts(&self, counted: u64, shown: u64);
}

/// One entity of one company, and which days of it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// How the company is asked.
    pub asking: &'a Asking<'a>,
    /// Hears what is worth saying and is no finding.
    pub observer: &'a dyn Observer,
    /// What is stored, and what was read.
    pub ledger: &'a dyn Ledger,
    /// The entity.
    pub entity: &'static EntitySpec,
    /// Ranges of days, both ends included; none where it is read whole.
    pub ranges: Option<&'a [(NaiveDate, NaiveDate)]>,
    /// What has been read of it.
    pub coverage: &'a [CoverageRow],
    /// Rows a page, as long as such pages are not too large.
    pub page_size: u32,
    /// Records that are held in memory at once, of each side.
    pub at_once: u64,
}

/// What a comparison has found.
#[derive(Debug, Default)]
pub struct Compared {
    /// What was found, by place.
    pub tallies: Tallies,
    /// Whether all of it was compared.
    pub was_read: bool,
    /// Whether the company has no such entity, and nothing of it is stored.
    pub not_in_plan: bool,
    /// Records that were on no page, and were asked for by their ids.
    pub asked_by_id: u64,
    /// Records that have changed at the source without a new version or time.
    pub untraced: u64,
    /// Ids of records whose stored amount is not that of the version that was stored.
    pub spoilt: Vec<String>,
}

impl Subject<'_> {
    /// When a place was last read to its end; of several days, when the first of them was.
    fn read_at(&self, place: Place) -> Option<DateTime<Utc>> {
        let Some((first, last)) = place.days() else {
            let whole = self.coverage.iter().filter(|row| row.axis == Axis::Whole);
            return whole.map(|row| row.read_at).max();
        };
        let mut days = first.iter_days().take_while(|day| *day <= last);
        days.try_fold(DateTime::<Utc>::MAX_UTC, |earliest, day| {
            Some(earliest.min(self.day_read_at(day)?))
        })
    }

    fn day_read_at(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let holds = |row: &&CoverageRow| {
            row.axis == Axis::TxnDate
                && row
                    .from
                    .zip(row.to)
                    .is_some_and(|(from, to)| from <= day && day <= to)
        };
        self.coverage.iter().filter(holds).map(|row| row.read_at).max()
    }

    /// Whether what happened to a record at that time explains that the last reading of its place did not bring it.
    pub(crate) fn is_explained(&self, place: Place, changed_at: Option<DateTime<Utc>>) -> bool {
        match (self.read_at(place), changed_at) {
            (None, _) => true,
            (Some(read_at), Some(changed_at)) => changed_at >= read_at - MARGIN,
            (Some(_), None) => false,
        }
    }
}
