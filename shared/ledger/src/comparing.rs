//! Comparing: what is stored, in a form to be held against the source.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{ConnectionId, SegmentId, Window};

use crate::LedgerError;

/// A part of a company's table.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    /// Of this connection.
    pub connection: ConnectionId,
    /// Of this table: `qbo_invoice`.
    pub table: &'a str,
    /// Which of its records.
    pub which: Which<'a>,
    /// Which share of them.
    pub share: Share,
}

/// A share of records, by their ids: what does not fit into memory is read share by share, on both sides the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which one, from 0.
    pub number: u64,
    /// How many there are; at least 1.
    pub of: u64,
}

impl Share {
    /// Everything.
    pub const ALL: Self = Self { number: 0, of: 1 };

    /// Whether the record with this id belongs to it. The shares of a number of shares are about equally large.
    pub fn has(&self, id: &str) -> bool {
        const PRIME: u64 = 0x0100_0000_01b3;
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        // The low bits of this hash repeat those of the text.
        (hash >> 32) % self.of.max(1) == self.number
    }
}

/// Which records of a table.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// All of them.
    All,
    /// Those dated on these days, both included.
    Days {
        /// First day.
        from: NaiveDate,
        /// Last day.
        to: NaiveDate,
    },
    /// Those with these ids.
    Ids(&'a [String]),
}

/// What of a record is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSummary {
    /// The upstream's id.
    pub id: String,
    /// BLAKE3-256 of its payload.
    pub payload_hash: [u8; 32],
    /// The source's version number, where it has one.
    pub source_version: Option<i64>,
    /// When the source says that it was changed.
    pub source_updated_at: Option<DateTime<Utc>>,
    /// The date on the document.
    pub document_date: Option<NaiveDate>,
    /// The member that was asked for as the total, as text with all its digits: never a float. An amount may stand in the
    /// payload as a number or as a text; null is no amount.
    pub total: Option<String>,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

/// How many records a day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// The date on the documents.
    pub day: NaiveDate,
    /// Records of that date, tombstones included.
    pub records: u64,
}

/// Which records a reading of a window did not bring.
#[derive(Debug, Clone, Copy)]
pub struct NotSeen<'a> {
    /// Of this connection.
    pub connection: ConnectionId,
    /// Of this table: `qbo_invoice`.
    pub table: &'a str,
    /// Which holds this entity: `invoice`.
    pub entity: &'a str,
    /// What was read.
    pub window: &'a Window,
    /// What it brought.
    pub seen: Seen<'a>,
    /// When the reading began: what was observed later is nothing that it could have brought.
    pub since: DateTime<Utc>,
}

/// What a reading of a window brought.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// These ids.
    Ids(&'a [&'a str]),
    /// The ids that are remembered of a pass.
    Pass {
        /// The segment.
        segment: SegmentId,
        /// Its pass.
        pass: u32,
    },
}

/// Reading what is stored, to compare it with the source, and having it written again where it was spoilt.
#[async_trait]
pub trait Comparing: Send + Sync {
    /// The records of a slice, tombstones included, in no order; `total` names the payload's member that is told as
    /// the total. All at once: slice and share are chosen so that they fit into memory, and no more than these is held.
    async fn summaries(
        &self,
        slice: &Slice<'_>,
        total: Option<&str>,
    ) -> Result<Vec<RecordSummary>, LedgerError>;

    /// Has the next reading of these records store them again, although the source shows the version that was stored:
    /// their hash becomes one that no payload has. For payloads that somebody else has changed. Answers how many live
    /// records that are.
    async fn distrust(
        &self,
        connection: ConnectionId,
        table: &str,
        ids: &[String],
    ) -> Result<u64, LedgerError>;

    /// How many records a table has, tombstones included.
    async fn record_count(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError>;

    /// How many records each day has, tombstones included, first day first, of days that have any.
    async fn day_counts(
        &self,
        connection: ConnectionId,
        table: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<DayCount>, LedgerError>;

    /// Ids of live records that by what is stored lie in the window and that the reading did not bring, in the order of
    /// their text: at most `limit` of those that come after the id `after`. They may be deleted, or have moved to another day, or have been missed: absence alone tells nothing.
    /// So are those of records in quarantine that a segment of this window, or of a part of it, saw last.
    /// Of windows on instants none are told, because a record that changes leaves them all the time.
    async fn not_seen(
        &self,
        query: &NotSeen<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, LedgerError>;

    /// Whether one of these ids is none that a pass over a segment's window has brought already.
    async fn brings_new(&self, segment: SegmentId, pass: u32, ids: &[&str]) -> Result<bool, LedgerError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_in_one_share_and_shares_are_about_equal() {
        let ids: Vec<String> = (1..=9_000).map(|id| id.to_string()).collect();
        assert!(ids.iter().all(|id| Share::ALL.has(id)));
        let of = 3;
        let shares = (0..of).map(|number| Share { number, of });
        let sizes: Vec<usize> = shares
            .map(|share| ids.iter().filter(|id| share.has(id)).count())
            .collect();
        assert_eq!(sizes.iter().sum::<usize>(), ids.len());
        assert!(
            sizes.iter().all(|size| (2_700..=3_300).contains(size)),
            "{sizes:?}"
        );
    }
}
