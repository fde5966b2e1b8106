//! Verify: every record of the source held against what is stored, page by page, in portions that fit into memory.
//!
//! The source is read as a backfill reads it, because a thousand rows cost as much as one count; and its own count must
//! agree with what its pages have shown. What is stored and was not on the pages may be deleted, may have moved to another
//! day, or may have been missed while rows shifted; such records are asked for by their ids (`rest`). What the source has
//! in a form that cannot be stored is accounted for if it is in quarantine here.

mod amount;
mod comparison;
mod portion;
mod rest;
mod tally;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::{CoverageRow, Ledger, LedgerError, Share};
use ledgerfleet_model::{Axis, Failure, FailureKind};
use ledgerfleet_upstream::{Asking, Learner, counting};

use crate::output::Talk;
use comparison::{Comparison, Shown};
use portion::Portion;
#[cfg(feature = "demo")]
pub(crate) use tally::Side;
pub(crate) use tally::{Place, Span, Tallies, Tally, Verdict, spans, with_days_without_records};

/// A record whose change is this close to the reading of its window may have come after it.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Why a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("the source could not be asked: {}", .0.message)]
    Source(Failure),
    #[error("what is stored could not be read")]
    Stored(#[from] LedgerError),
    #[error("the metered requests so far are not counted in the ledger")]
    Uncounted(#[source] LedgerError),
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

/// One entity of one company, and which days of it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) asking: &'a Asking<'a>,
    pub(crate) talk: &'a Talk,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) entity: &'static EntitySpec,
    /// Ranges of days, both ends included; none where it is read whole.
    pub(crate) ranges: Option<&'a [(NaiveDate, NaiveDate)]>,
    /// What has been read of it.
    pub(crate) coverage: &'a [CoverageRow],
    /// Rows a page, as long as such pages are not too large.
    pub(crate) page_size: u32,
    /// Records that are held in memory at once, of each side.
    pub(crate) at_once: u64,
}

/// What a comparison has found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) tallies: Tallies,
    /// Whether all of it was compared.
    pub(crate) was_read: bool,
    /// Whether the company has no such entity, and nothing of it is stored.
    pub(crate) not_in_plan: bool,
    /// Records that were on no page, and were asked for by their ids.
    pub(crate) asked_by_id: u64,
    /// Records that have changed at the source without a new version or time.
    pub(crate) untraced: u64,
    /// Ids of records whose stored amount is not that of the version that was stored.
    pub(crate) spoilt: Vec<String>,
}

impl Subject<'_> {
    /// Compares all of it.
    pub(crate) async fn compare(&self, learner: &mut Learner<'_>) -> Result<Compared, VerifyError> {
        let mut compared = Compared::default();
        let mut portions = self.portions().await?;
        let is_empty_here = portions.iter().all(|portion| portion.stored == 0);
        // From the last to the first, so that halves go on top.
        portions.reverse();
        while let Some(portion) = portions.pop() {
            let count = match self.count(&portion, learner).await {
                Err(failure) if failure.kind == FailureKind::NotInPlan && is_empty_here => {
                    compared.not_in_plan = true;
                    return Ok(compared);
                }
                count => count?,
            };
            if let Some(halves) = portion.halves_if_more_than(self.at_once, count) {
                portions.extend(halves);
                continue;
            }
            let ended = self
                .compare_portion(&portion, count, &mut compared, learner)
                .await;
            self.count_calls().await;
            match ended {
                Err(VerifyError::Source(failure))
                    if failure.kind == FailureKind::NotInPlan && is_empty_here =>
                {
                    compared.not_in_plan = true;
                    return Ok(compared);
                }
                ended => ended?,
            }
        }
        compared.was_read = true;
        Ok(compared)
    }

    /// Compares a portion; where it does not fit into memory, because a day or a list cannot be cut, share by share, each
    /// of which reads all pages.
    async fn compare_portion(
        &self,
        portion: &Portion,
        count: Option<u64>,
        compared: &mut Compared,
        learner: &mut Learner<'_>,
    ) -> Result<(), VerifyError> {
        // Too large pages are halved for this portion: the next one's records may be smaller.
        let mut page_size = self.page_size;
        let of = portion
            .stored
            .max(count.unwrap_or(0))
            .div_ceil(self.at_once.max(1))
            .max(1);
        let mut rows = 0;
        for number in 0..of {
            let share = Share { number, of };
            let mut comparison = Comparison::of(self, portion, share, compared).await?;
            let shown = comparison.read_source(count, &mut page_size, learner).await?;
            rows += shown.rows;
            if of == 1 {
                // Pages that end early would make everything after them look as if it were gone.
                self.hold_against_the_count(portion, count, shown, learner)
                    .await?;
            }
            comparison.ask_for_the_rest(learner).await?;
        }
        if of > 1 {
            let shown = Shown {
                rows,
                to_the_end: false,
            };
            self.hold_against_the_count(portion, count, shown, learner)
                .await?;
        }
        Ok(())
    }

    /// What the source counts; none where it cannot.
    async fn count(&self, portion: &Portion, learner: &mut Learner<'_>) -> Result<Option<u64>, Failure> {
        counting::count(self.asking, learner, self.entity, &portion.window(), None).await
    }

    /// Books grow while they are read: the source may count what its pages have shown before or after that. A source that
    /// counts wrongly for good does not stand in the way where its pages show their last row and none after it.
    async fn hold_against_the_count(
        &self,
        portion: &Portion,
        before: Option<u64>,
        shown: Shown,
        learner: &mut Learner<'_>,
    ) -> Result<(), VerifyError> {
        let rows = shown.rows;
        if before.is_none_or(|count| count == rows) {
            return Ok(());
        }
        match self.count(portion, learner).await? {
            Some(count) if count != rows && before == Some(count) && shown.to_the_end => {
                let (company, entity) = (&self.asking.company().connection.name, self.entity.name);
                self.talk.warn(format!(
                    "{company} {entity}: the source counts {count} and shows {rows} up to the end of its pages: its count is \
                     wrong and was not used",
                ));
                Ok(())
            }
            Some(count) if count != rows => {
                let message = format!(
                    "the source counts {count} and its pages show {rows}: it moves, or does not show all"
                );
                Err(Failure::new(FailureKind::Unstable, message).into())
            }
            _ => Ok(()),
        }
    }

    /// Counts the metered calls so far: who is killed has paid for them, too. What cannot be counted now is counted with
    /// the next ones, and whoever began the comparison tells if that fails.
    async fn count_calls(&self) {
        if let Err(error) = self.asking.count_calls(self.ledger, self.entity.name).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "metered calls were not counted yet"
            );
        }
    }

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
    fn is_explained(&self, place: Place, changed_at: Option<DateTime<Utc>>) -> bool {
        match (self.read_at(place), changed_at) {
            (None, _) => true,
            (Some(read_at), Some(changed_at)) => changed_at >= read_at - MARGIN,
            (Some(_), None) => false,
        }
    }
}
