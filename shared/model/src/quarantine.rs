//! Quarantine: where a record goes that cannot be stored as it is, so that the rest of its page can be.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Failure, Position, Record, Window, words};

/// What the ids of rows begin with that were not served.
const UNSERVED: &str = "unserved:";

/// A record that the upstream served and that cannot be stored as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The upstream's id, unique per connection and entity.
    pub id: String,
    /// Why it cannot be stored.
    pub reason: QuarantineReason,
    /// Its text as served: all of it, or the first [`Quarantined::KEPT`] bytes of what is longer.
    pub original: Box<[u8]>,
    /// How many bytes the text has in all.
    pub length: u64,
    /// The date on the document, where it has one that can be read.
    pub document_date: Option<NaiveDate>,
    /// When the upstream says it was last changed, where that can be read.
    pub source_updated_at: Option<DateTime<Utc>>,
}

impl Quarantined {
    /// The most bytes that are kept of a text: as many as a record may have, so that only what is too long is cut.
    pub const KEPT: usize = Record::LONGEST;

    /// Puts a record's text away.
    pub fn new(id: String, reason: QuarantineReason, text: impl AsRef<[u8]>) -> Self {
        let served = text.as_ref();
        Self {
            id,
            reason,
            original: served[..served.len().min(Self::KEPT)].into(),
            length: served.len() as u64,
            document_date: None,
            source_updated_at: None,
        }
    }

    /// The row at a position of a window, which the upstream fails on: its fault takes the place of its text, and where it
    /// stands that of its id.
    pub fn unserved(window: &Window, position: &Position, fault: &Failure) -> Self {
        let id = format!("{UNSERVED}{window}@{position}");
        let told =
            |name: &str, what: Option<&str>| what.map(|what| format!("; {name} {what}")).unwrap_or_default();
        let text = format!(
            "{fault}{}{}{}",
            told("code", fault.upstream_code.as_deref()),
            told("transaction", fault.transaction_id.as_deref()),
            told("asked", fault.request.as_deref()),
        );
        Self::new(id, QuarantineReason::Unservable, text)
    }

    /// Whether an id stands for a row that was not served: no record has it, so nobody can be asked for it.
    pub fn is_unserved(id: &str) -> bool {
        id.starts_with(UNSERVED)
    }

    /// The same with what could be read of its times all the same.
    #[must_use]
    pub fn dated(self, document_date: Option<NaiveDate>, source_updated_at: Option<DateTime<Utc>>) -> Self {
        Self {
            document_date,
            source_updated_at,
            ..self
        }
    }
}

/// Why a record cannot be stored as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuarantineReason {
    /// It is longer than [`Record::LONGEST`].
    TooLong,
    /// It is nested deeper than [`Record::DEEPEST`].
    TooDeep,
    /// One of its numbers is beyond what a database's decimals hold, or all of them written out are too long.
    NumberOutOfRange,
    /// What tells when it was made and changed is not what it should be, or lies outside of the years 1 to 9999.
    UnreadableTimes,
    /// Its document date is none, or lies outside of the years 1 to 9999.
    UnreadableDate,
    /// Its version is neither a text nor a number.
    UnreadableVersion,
    /// One of the members that are read out of it stands there twice.
    MemberTwice,
    /// Neither an id nor anything else tells it from others.
    NoId,
    /// Some of its bytes are not UTF-8.
    NotUtf8,
    /// The database refuses its text for a reason of its own.
    Refused,
    /// The upstream has it and cannot serve it: neither its id nor its text is known.
    Unservable,
}
words!(QuarantineReason {
    TooLong => "too_long",
    TooDeep => "too_deep",
    NumberOutOfRange => "number_out_of_range",
    UnreadableTimes => "unreadable_times",
    UnreadableDate => "unreadable_date",
    UnreadableVersion => "unreadable_version",
    MemberTwice => "member_twice",
    NoId => "no_id",
    NotUtf8 => "not_utf8",
    Refused => "refused",
    Unservable => "unservable",
});

/// A record as the upstream served it: one that can be stored, or one that cannot. Both exist upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// It can be stored.
    Record(Record),
    /// It cannot, and goes to quarantine.
    Quarantined(Quarantined),
}

impl Served {
    /// The upstream's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Record(record) => &record.id,
            Self::Quarantined(quarantined) => &quarantined.id,
        }
    }
}
