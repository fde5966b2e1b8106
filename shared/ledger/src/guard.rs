//! The guard of the records: whether an observation replaces what is stored.
//!
//! Pages arrive in any order: attempts are repeated, passes overlap, a sync runs beside a backfill. The guard makes
//! the order not matter: no record ever goes back to an older version. It is pure; every ledger asks it, or does
//! the same in SQL and is compared with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ledgerfleet_model::Record;

use crate::clocks::PLAUSIBLE;

/// `last_seen_utc` moves only when it is older than this: otherwise a re-read of unchanged books would write
/// every row.
pub const LAST_SEEN_STEP: TimeDelta = TimeDelta::days(1);

/// What decides which of two observations of one object is the newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The source's counter, where it has one.
    pub source_version: Option<i64>,
    /// The source's time of the last change, where it has one.
    pub source_updated_at: Option<DateTime<Utc>>,
    /// The ledger's time just before the request was sent.
    pub observed_at: DateTime<Utc>,
    /// Whether the observation says that the object is gone.
    pub deleted: bool,
    /// The payload's hash.
    pub payload_hash: [u8; 32],
}

impl Version {
    /// The version that `record` shows, seen at `observed_at`. Instants are cut to microseconds, which is what
    /// ledgers store: what was stored must not look older than itself.
    pub fn of(record: &Record, observed_at: DateTime<Utc>) -> Self {
        Self {
            source_version: record.source_version,
            source_updated_at: record.source_updated_at.map(|at| at.trunc_subsecs(6)),
            observed_at: observed_at.trunc_subsecs(6),
            deleted: record.deleted,
            payload_hash: record.payload_hash,
        }
    }

    /// Whether this is newer than `other`: by the source's version, its time of the last change and the time of
    /// observation, each where both know it and they differ. Where either says that the object is gone, the time
    /// of observation alone decides, because a deletion has no version of its own.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        let by_time = self.observed_at.cmp(&other.observed_at);
        if self.deleted || other.deleted {
            return by_time.is_gt();
        }
        let by_version = both(self.source_version, other.source_version);
        let by_change = both(self.source_updated_at, other.source_updated_at);
        by_version.then(by_change).then(by_time).is_gt()
    }

    /// Whether both say the same of the object: both that it is gone, or both the same content.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.deleted == other.deleted && (self.deleted || self.payload_hash == other.payload_hash)
    }
}

fn both<T: Ord>(one: Option<T>, other: Option<T>) -> std::cmp::Ordering {
    one.zip(other)
        .map_or(std::cmp::Ordering::Equal, |(one, other)| one.cmp(&other))
}

/// What is stored of a record, as far as the guard needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its version.
    pub version: Version,
    /// When it was last seen, to within [`LAST_SEEN_STEP`].
    pub last_seen: DateTime<Utc>,
}

/// A stored instant as it counts. One that no right clock can have written by `now` counts for nothing: whatever is seen
/// from now on is newer.
pub fn plausible(stored: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    if stored > now + PLAUSIBLE {
        DateTime::UNIX_EPOCH
    } else {
        stored
    }
}

/// What is to be done with an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is stored under its id: store it.
    Store,
    /// It is newer than what is stored: replace that.
    Replace,
    /// The object is gone: mark what is stored, which keeps its last payload.
    Bury,
    /// It says what is stored, which was last noted long ago: note that it is still there.
    Note,
    /// It is older than what is stored, or says the same: write nothing.
    Keep,
}

/// What is to be done with `incoming`, given what is stored under its id.
pub fn judge(incoming: &Version, stored: Option<&Stored>) -> Verdict {
    let Some(stored) = stored else {
        return Verdict::Store;
    };
    if incoming.says_the_same_as(&stored.version) {
        let noted_long_ago = incoming.observed_at - stored.last_seen > LAST_SEEN_STEP;
        return if noted_long_ago {
            Verdict::Note
        } else {
            Verdict::Keep
        };
    }
    if !incoming.is_newer_than(&stored.version) {
        return Verdict::Keep;
    }
    match incoming.deleted {
        // It was seen alive after this said it was gone.
        true if incoming.observed_at <= stored.last_seen => Verdict::Keep,
        true => Verdict::Bury,
        false => Verdict::Replace,
    }
}

/// The records of a page by id, of two with one id the newer; of equal ones the first.
pub fn newest_of_each(records: &[Record], observed_at: DateTime<Utc>) -> Vec<&Record> {
    let mut newest: HashMap<&str, &Record> = HashMap::with_capacity(records.len());
    for record in records {
        match newest.entry(&record.id) {
            Entry::Vacant(entry) => {
                entry.insert(record);
            }
            Entry::Occupied(mut entry) => {
                let kept = Version::of(entry.get(), observed_at);
                if Version::of(record, observed_at).is_newer_than(&kept) {
                    entry.insert(record);
                }
            }
        }
    }
    let mut records: Vec<&Record> = newest.into_values().collect();
    // One order of locking for everybody who writes.
    records.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    records
}
