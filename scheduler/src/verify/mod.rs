//! Verify: every record of the source held against what is stored, page by page, in portions of what is stored that
//! fit into memory.
//!
//! The source is read as a backfill reads it, because a thousand rows cost as much as one count; and its own count must
//! agree with what its pages have shown. What is stored and was not on the pages may be deleted, may have moved to another day, or may have been missed while rows shifted;
//! each such record is asked for by its id.

mod tally;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledgerfleet_connectors::{CountRequest, EntitySpec, Page, PageRequest};
use ledgerfleet_ledger::{CoverageRow, Ledger, LedgerError, RecordSummary, Slice, Which};
use ledgerfleet_model::{Axis, DateRange, Days, Failure, FailureKind, Record, Served, Window};
use serde_json::value::RawValue;

use crate::upstream::Upstream;
#[cfg(feature = "demo")]
pub(crate) use tally::Side;
pub(crate) use tally::{Span, Tally, Verdict, spans};

/// Records that are held in memory at once, by what is stored of these days; a single day may have more.
const AT_ONCE: u64 = 50_000;

/// A record whose change is this close to the reading of its window may have come after it.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Days without a record have no tally; the day of an entity that is read whole is none.
pub(crate) type Tallies = BTreeMap<Option<NaiveDate>, Tally>;

/// Why a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("the source could not be asked: {}", .0.message)]
    Source(Failure),
    #[error("what is stored could not be read")]
    Stored(#[from] LedgerError),
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

/// One entity of one company, and which days of it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) upstream: &'a Upstream<'a>,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) entity: &'static EntitySpec,
    /// None where it is read whole.
    pub(crate) range: Option<DateRange>,
    /// What has been read of it.
    pub(crate) coverage: &'a [CoverageRow],
}

impl Subject<'_> {
    /// Compares all of it. An entity that the company does not have has no tallies.
    pub(crate) async fn compare(&self) -> Result<Tallies, VerifyError> {
        let mut tallies = Tallies::new();
        for days in self.portions().await? {
            let mut comparison = Comparison::of(self, days, &mut tallies).await?;
            match comparison.read_source().await {
                Err(VerifyError::Source(failure)) if failure.kind == FailureKind::NotInPlan => {
                    let is_empty_here = tallies.values().all(|tally| tally.stored.rows == 0);
                    return if is_empty_here {
                        Ok(Tallies::new())
                    } else {
                        Err(failure.into())
                    };
                }
                ended => ended?,
            }
            comparison.hold_against_the_count().await?;
            comparison.ask_for_the_rest().await?;
        }
        Ok(tallies)
    }

    /// The days cut so that what is stored of each portion fits into memory.
    async fn portions(&self) -> Result<Vec<Option<Days>>, LedgerError> {
        let Some(range) = self.range else {
            return Ok(vec![None]);
        };
        let counts = self
            .ledger
            .day_counts(
                self.upstream.connection.id,
                self.entity.table,
                range.from(),
                range.to(),
            )
            .await?;
        let (mut portions, mut from, mut held) = (Vec::new(), range.from(), 0);
        for count in counts {
            if held > 0 && held + count.live > AT_ONCE {
                portions.push(Some(Days { from, to: count.day }));
                (from, held) = (count.day, 0);
            }
            held += count.live;
        }
        let to = range.to() + chrono::Days::new(1);
        portions.push(Some(Days { from, to }));
        Ok(portions)
    }

    /// When a day was last read to its end.
    fn read_at(&self, day: Option<NaiveDate>) -> Option<DateTime<Utc>> {
        let holds = |row: &&CoverageRow| match (day, row.from, row.to) {
            (Some(day), Some(from), Some(to)) => row.axis == Axis::TxnDate && from <= day && day <= to,
            _ => row.axis == Axis::Whole,
        };
        self.coverage.iter().filter(holds).map(|row| row.read_at).max()
    }

    /// Whether what happened to a record at that time explains that the last reading of its day did not bring it.
    fn is_explained(&self, day: Option<NaiveDate>, changed_at: Option<DateTime<Utc>>) -> bool {
        match (self.read_at(day), changed_at) {
            (None, _) => true,
            (Some(read_at), Some(changed_at)) => changed_at >= read_at - MARGIN,
            (Some(_), None) => false,
        }
    }

    fn day_of(&self, date: Option<NaiveDate>) -> Option<NaiveDate> {
        self.range.and(date)
    }
}

/// The comparison of one portion.
struct Comparison<'a> {
    subject: &'a Subject<'a>,
    days: Option<Days>,
    /// What is stored and was not met at the source yet.
    stored: HashMap<String, RecordSummary>,
    /// Ids that were met at the source: a row may come twice.
    met: HashSet<String>,
    tallies: &'a mut Tallies,
}

impl<'a> Comparison<'a> {
    async fn of(
        subject: &'a Subject<'a>,
        days: Option<Days>,
        tallies: &'a mut Tallies,
    ) -> Result<Self, LedgerError> {
        let which = match days {
            None => Which::All,
            Some(Days { from, to }) => Which::Days {
                from,
                to: to.pred_opt().unwrap_or(to),
            },
        };
        let slice = slice(subject, which);
        let summaries = subject.ledger.summaries(&slice, subject.entity.total).await?;
        for live in summaries.iter().filter(|summary| !summary.deleted) {
            let tally = tallies.entry(subject.day_of(live.document_date)).or_default();
            tally.stored.add(live.total.as_deref());
        }
        let stored = summaries.into_iter().map(|summary| (summary.id.clone(), summary));
        Ok(Self {
            subject,
            days,
            stored: stored.collect(),
            met: HashSet::new(),
            tallies,
        })
    }

    fn tally(&mut self, record: &Record) -> &mut Tally {
        let day = self.subject.day_of(record.document_date);
        self.tallies.entry(day).or_default()
    }

    /// Meets every record of the source's pages.
    async fn read_source(&mut self) -> Result<(), VerifyError> {
        let window = self.window();
        for page in 1.. {
            let request = PageRequest {
                entity: self.subject.entity,
                window: &window,
                page,
                size: self.subject.upstream.entry.page_size_max,
            };
            let Page {
                records,
                quarantined,
                more,
                ..
            } = self
                .subject
                .upstream
                .ask(async |connector, target| connector.page(&target, &request).await)
                .await?;
            let met_before = self.met.len();
            self.meet_all(&records).await?;
            for record in &quarantined {
                if self.met.insert(record.id.clone()) {
                    let stored = self.stored.remove(&record.id);
                    self.note_quarantined(stored.as_ref());
                }
            }
            if !more {
                break;
            }
            if self.met.len() == met_before {
                let message = format!("page {page} brings nothing that was not on the pages before");
                return Err(Failure::new(FailureKind::Unstable, message).into());
            }
        }
        Ok(())
    }

    /// Pages that end early, or without a row, would make everything after them look as if it were gone.
    async fn hold_against_the_count(&mut self) -> Result<(), VerifyError> {
        if !self.subject.entity.countable {
            return Ok(());
        }
        let window = self.window();
        let request = CountRequest {
            entity: self.subject.entity,
            window: &window,
            changed_since: None,
        };
        let count = self
            .subject
            .upstream
            .ask(async |connector, target| connector.count(&target, &request).await)
            .await?;
        let met = self.met.len() as u64;
        if count == met {
            return Ok(());
        }
        let message =
            format!("the source counts {count} and its pages show {met}: it moves, or does not show all");
        Err(Failure::new(FailureKind::Unstable, message).into())
    }

    fn window(&self) -> Window {
        match self.days {
            Some(days) => Window::Dates { days },
            None => Window::Whole,
        }
    }

    async fn meet_all(&mut self, records: &[Record]) -> Result<(), VerifyError> {
        let mut unknown: Vec<&Record> = Vec::new();
        for record in records {
            if self.met.insert(record.id.clone()) && !self.meet(record) {
                unknown.push(record);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = unknown.iter().map(|record| record.id.clone()).collect();
        let slice = slice(self.subject, Which::Ids(&ids));
        let elsewhere = self.subject.ledger.summaries(&slice, None).await?;
        let elsewhere: HashSet<&str> = elsewhere
            .iter()
            .filter(|summary| !summary.deleted)
            .map(|summary| summary.id.as_str())
            .collect();
        for record in unknown {
            let explained = self.explains(record);
            let tally = self.tally(record);
            if elsewhere.contains(record.id.as_str()) {
                tally.different += 1;
            } else {
                tally.missing += 1;
            }
            tally.unexplained += u64::from(!explained);
        }
        Ok(())
    }

    /// Holds a record of the source against the stored one; false if nothing is stored under its id and day.
    fn meet(&mut self, record: &Record) -> bool {
        let total = self
            .subject
            .entity
            .total
            .and_then(|name| member(&record.payload, name));
        self.tally(record).source.add(total);
        let Some(stored) = self.stored.remove(&record.id) else {
            return false;
        };
        if stored.deleted || stored.payload_hash != record.payload_hash {
            self.note_difference(&stored, record);
        }
        true
    }

    fn explains(&self, record: &Record) -> bool {
        let day = self.subject.day_of(record.document_date);
        self.subject.is_explained(day, record.source_updated_at)
    }

    /// Asks for what is stored and was on no page.
    async fn ask_for_the_rest(&mut self) -> Result<(), VerifyError> {
        let rest: Vec<RecordSummary> = self
            .stored
            .drain()
            .map(|(_, summary)| summary)
            .filter(|summary| !summary.deleted)
            .collect();
        for summary in rest {
            let entity = self.subject.entity;
            let found = self
                .subject
                .upstream
                .ask(async |connector, target| connector.record(&target, entity, &summary.id).await)
                .await?;
            match found {
                None => {
                    let day = self.subject.day_of(summary.document_date);
                    let tally = self.tallies.entry(day).or_default();
                    tally.gone += 1;
                    tally.unexplained += 1;
                }
                Some(Served::Quarantined(_)) => self.note_quarantined(Some(&summary)),
                Some(Served::Record(record)) if self.holds(&record) => {
                    let id = summary.id.clone();
                    self.stored.insert(id, summary);
                    self.meet(&record);
                }
                Some(Served::Record(record)) => self.note_difference(&summary, &record),
            }
        }
        Ok(())
    }

    /// Whether a record belongs to this portion.
    fn holds(&self, record: &Record) -> bool {
        let Some(Days { from, to }) = self.days else {
            return true;
        };
        record.document_date.is_some_and(|date| from <= date && date < to)
    }

    /// A record of the source that cannot be stored as it is differs from any older version that is stored, and is missing
    /// where none is. Its own date may be what is wrong with it.
    fn note_quarantined(&mut self, stored: Option<&RecordSummary>) {
        let date = stored
            .and_then(|stored| stored.document_date)
            .or(self.days.map(|days| days.from));
        let tally = self.tallies.entry(self.subject.day_of(date)).or_default();
        tally.source.add(None);
        if stored.is_some_and(|stored| !stored.deleted) {
            tally.different += 1;
        } else {
            tally.missing += 1;
        }
        tally.unexplained += 1;
    }

    /// A record that lies on another day by now counts for both days.
    fn note_difference(&mut self, stored: &RecordSummary, record: &Record) {
        let explained = self.explains(record);
        let there = self.subject.day_of(record.document_date);
        let here = self.subject.day_of(stored.document_date);
        let mut days = vec![there];
        if !stored.deleted && here != there {
            days.push(here);
        }
        for day in days {
            let tally = self.tallies.entry(day).or_default();
            if stored.deleted {
                tally.missing += 1;
            } else {
                tally.different += 1;
            }
            tally.unexplained += u64::from(!explained);
        }
    }
}

fn slice<'a>(subject: &'a Subject<'_>, which: Which<'a>) -> Slice<'a> {
    Slice {
        connection: subject.upstream.connection.id,
        table: subject.entity.table,
        which,
    }
}

/// The text of a member of a JSON object.
fn member<'a>(payload: &'a str, name: &str) -> Option<&'a str> {
    let members: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(payload).ok()?;
    members.get(name).map(|value| value.get())
}
