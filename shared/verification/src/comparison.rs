//! Comparison: a share of one portion, the source's pages against what is stored.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_connectors::{EntityKind, Page, Trust};
use ledgerfleet_ledger::{LedgerError, RecordSummary, Share, Slice, Which};
use ledgerfleet_model::{Failure, FailureKind, Quarantined, Record};
use ledgerfleet_upstream::{Learner, Pass, ids_of};

use crate::amount::{amount, is_same};
use crate::error::VerifyError;
use crate::portion::Portion;
use crate::subject::{Compared, Subject};
use crate::tally::{Place, Tally};

/// The comparison of one share of one portion.
pub(crate) struct Comparison<'a> {
    pub(crate) subject: &'a Subject<'a>,
    pub(crate) portion: &'a Portion,
    share: Share,
    /// What is stored and was not met at the source yet.
    pub(crate) stored: HashMap<String, RecordSummary>,
    /// Ids that were met at the source: a row may come twice.
    met: HashSet<String>,
    /// Hashes of all ids that the pages have shown, those of other shares too.
    shown: HashSet<u64>,
    pub(crate) compared: &'a mut Compared,
}

/// What the source's pages have shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// How many different records, of all shares.
    pub(crate) rows: u64,
    /// Whether they have shown their last row, and none after it.
    pub(crate) to_the_end: bool,
}

/// What kind of difference a record makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    Missing,
    Different,
    Gone,
}

impl<'a> Comparison<'a> {
    /// Loads what is stored.
    pub(crate) async fn of(
        subject: &'a Subject<'a>,
        portion: &'a Portion,
        share: Share,
        compared: &'a mut Compared,
    ) -> Result<Self, LedgerError> {
        let slice = Slice {
            connection: subject.asking.company().connection.id,
            table: subject.entity.table,
            which: portion.which(),
            share,
        };
        let summaries = subject.ledger.summaries(&slice, subject.entity.total).await?;
        let mut comparison = Self {
            subject,
            portion,
            share,
            stored: HashMap::with_capacity(summaries.len()),
            met: HashSet::with_capacity(summaries.len()),
            shown: HashSet::new(),
            compared,
        };
        for summary in summaries {
            if !summary.deleted {
                let tally = comparison.tally(summary.document_date);
                tally.stored.add(summary.total.as_deref());
            }
            comparison.stored.insert(summary.id.clone(), summary);
        }
        Ok(comparison)
    }

    fn tally(&mut self, date: Option<NaiveDate>) -> &mut Tally {
        let place = self.portion.place(date);
        self.compared.tallies.entry(place).or_default()
    }

    /// Meets every record of the source's pages, by the requests that it serves; the rows a page that it serves are kept in
    /// `page_size`. Where it counts more rows than they have shown, or does not count, more are looked for: what backfills
    /// have learned of its pages is what is to be proven.
    pub(crate) async fn read_source(
        &mut self,
        count: Option<u64>,
        page_size: &mut u32,
        learner: &mut Learner<'_>,
    ) -> Result<Shown, VerifyError> {
        let window = self.portion.window();
        let Subject { entity, asking, .. } = self.subject;
        let connector = &*asking.company().connector;
        let mut pass = Pass::new(connector, entity, &window, *page_size, learner.lessons().dialect);
        pass.counted = count;
        loop {
            let page = pass.next(asking, learner).await?.page;
            let brings_news = self.brings_news(&page);
            self.meet_all(&page).await?;
            if !pass.is_last(&page, brings_news) {
                continue;
            }
            let rows = self.shown.len() as u64;
            // Pages that announce how many rows there are tell it without another one; a count of fewer rows than came
            // tells nothing.
            let is_uncounted = count.is_none_or(|count| count < rows)
                && entity.kind != EntityKind::Single
                && entity.trust != Trust::UniqueIdsEqualCount;
            let lacks = pass.may_lack(rows, count) || is_uncounted;
            if lacks && pass.looks_further(connector, rows) {
                continue;
            }
            if pass.lacks(rows) && pass.grows() {
                return Err(moves(rows).into());
            }
            *page_size = pass.rows();
            return Ok(Shown {
                rows,
                to_the_end: rows > 0 && (!lacks || pass.has_shown_its_end()),
            });
        }
    }

    /// Whether a page shows a row that no page has shown before.
    fn brings_news(&mut self, page: &Page) -> bool {
        let known = self.shown.len();
        self.shown.extend(ids_of(page).map(hash));
        self.shown.len() > known
    }

    /// Meets the records of a page.
    async fn meet_all(&mut self, page: &Page) -> Result<(), VerifyError> {
        let mut unknown = Vec::new();
        for record in &page.records {
            if self.is_new(&record.id) && !self.meet(record) {
                unknown.push(record);
            }
        }
        self.note_unknown(&unknown).await?;
        let mut quarantined = Vec::new();
        for record in &page.quarantined {
            if !self.is_new(&record.id) {
                continue;
            }
            if Quarantined::is_unserved(&record.id) {
                self.note_unservable(None);
            } else {
                let stored = self.stored.remove(&record.id);
                quarantined.push((record, stored));
            }
        }
        self.note_quarantined(quarantined).await
    }

    /// A row that the source has and cannot serve is accounted for: nobody can have it.
    pub(crate) fn note_unservable(&mut self, date: Option<NaiveDate>) {
        let tally = self.tally(date);
        tally.source.add(None);
        tally.quarantined += 1;
    }

    /// Whether an id belongs to this share and was not met before.
    fn is_new(&mut self, id: &str) -> bool {
        self.share.has(id) && self.met.insert(id.to_owned())
    }

    /// Holds a record of the source against the stored one; false if nothing is stored under its id and day.
    pub(crate) fn meet(&mut self, record: &Record) -> bool {
        let total = self
            .subject
            .entity
            .total
            .and_then(|name| amount(&record.payload, name));
        self.tally(record.document_date).source.add(total.as_deref());
        let Some(stored) = self.stored.remove(&record.id) else {
            return false;
        };
        if stored.deleted || stored.payload_hash != record.payload_hash {
            self.note_difference(&stored, record);
        } else if !is_same(total.as_deref(), stored.total.as_deref()) {
            self.note_spoilt(record);
        }
        true
    }

    /// What has the hash of the source's version and another amount was changed by somebody else: nothing at the source
    /// explains it, and reading it again would write nothing.
    fn note_spoilt(&mut self, record: &Record) {
        let tally = self.tally(record.document_date);
        tally.different += 1;
        tally.unexplained += 1;
        self.compared.spoilt.push(record.id.clone());
    }

    /// Records that are not stored under their day are stored under another one, or not at all.
    async fn note_unknown(&mut self, unknown: &[&Record]) -> Result<(), VerifyError> {
        if unknown.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = unknown.iter().map(|record| record.id.clone()).collect();
        let slice = Slice {
            connection: self.subject.asking.company().connection.id,
            table: self.subject.entity.table,
            which: Which::Ids(&ids),
            share: Share::ALL,
        };
        let elsewhere = self.subject.ledger.summaries(&slice, None).await?;
        let elsewhere: HashSet<&str> = elsewhere
            .iter()
            .filter(|summary| !summary.deleted)
            .map(|summary| summary.id.as_str())
            .collect();
        for record in unknown {
            let difference = if elsewhere.contains(record.id.as_str()) {
                Difference::Different
            } else {
                Difference::Missing
            };
            let place = self.portion.place(record.document_date);
            self.note(place, difference, record.source_updated_at);
        }
        Ok(())
    }

    /// Records that cannot be stored as they are, each with what is stored of it, an older version. They are accounted for
    /// if they are in quarantine; else they differ like others, and reading them puts them there.
    pub(crate) async fn note_quarantined(
        &mut self,
        records: Vec<(&Quarantined, Option<RecordSummary>)>,
    ) -> Result<(), VerifyError> {
        if records.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = records.iter().map(|(record, _)| record.id.clone()).collect();
        let (connection, entity) = (
            self.subject.asking.company().connection.id,
            self.subject.entity.name,
        );
        let known = self
            .subject
            .ledger
            .in_quarantine(connection, entity, &ids)
            .await?;
        let known: HashSet<String> = known.into_iter().collect();
        for (record, stored) in records {
            let stored = stored.filter(|stored| !stored.deleted);
            let stored_on = stored.as_ref().and_then(|stored| stored.document_date);
            let there = self.portion.place(record.document_date.or(stored_on));
            self.compared.tallies.entry(there).or_default().source.add(None);
            let mut places = vec![there];
            if let Some(stored) = &stored {
                places.extend(Some(self.portion.place(stored.document_date)).filter(|here| *here != there));
            }
            for place in places {
                if known.contains(&record.id) {
                    self.compared.tallies.entry(place).or_default().quarantined += 1;
                } else if stored.is_some() {
                    self.note(place, Difference::Different, record.source_updated_at);
                } else {
                    self.note(place, Difference::Missing, record.source_updated_at);
                }
            }
        }
        Ok(())
    }

    /// A record that lies on another day by now counts for both days.
    pub(crate) fn note_difference(&mut self, stored: &RecordSummary, record: &Record) {
        let there = self.portion.place(record.document_date);
        let here = self.portion.place(stored.document_date);
        let changed_at = record.source_updated_at;
        if stored.deleted {
            return self.note(there, Difference::Missing, changed_at);
        }
        if has_no_trace(stored, record) {
            self.compared.untraced += 1;
            self.tally(stored.document_date).different += 1;
            return;
        }
        self.note(there, Difference::Different, changed_at);
        if here != there {
            self.note(here, Difference::Different, changed_at);
        }
    }

    /// Counts a difference of a record that was last changed then.
    pub(crate) fn note(&mut self, place: Place, difference: Difference, changed_at: Option<DateTime<Utc>>) {
        // When something was deleted, nothing tells.
        let is_explained = difference != Difference::Gone && self.subject.is_explained(place, changed_at);
        let tally = self.compared.tallies.entry(place).or_default();
        match difference {
            Difference::Missing => tally.missing += 1,
            Difference::Different => tally.different += 1,
            Difference::Gone => tally.gone += 1,
        }
        tally.unexplained += u64::from(!is_explained);
    }
}

fn moves(rows: u64) -> Failure {
    let message = format!("each reading of the source still shows other rows; {rows} so far");
    Failure::new(FailureKind::Unstable, message)
}

/// Whether the source serves another text under the version and the time under which it served the stored one: it has
/// changed there and says so nowhere. A link to a deposit comes so. The hash is that of what was served when it was
/// stored; whatever was changed here since has another amount or no such hash.
fn has_no_trace(stored: &RecordSummary, record: &Record) -> bool {
    const DISTRUSTED: [u8; 32] = [0; 32];
    stored.payload_hash != DISTRUSTED
        && record.source_updated_at.is_some()
        && stored.source_updated_at == record.source_updated_at
        && stored.source_version == record.source_version
        && stored.document_date == record.document_date
}

/// Sixteen bytes of memory a row, however long its id is. Of a million rows, no two have the same but once in 40 million
/// times; and then only a page of such rows alone would be taken for one without news.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
