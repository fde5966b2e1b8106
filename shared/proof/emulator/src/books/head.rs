//! A head: what is true of every record whatever its entity: id, version, dates, standing. Its content hangs on it.

use chrono::NaiveDate;

use super::name::Name;
use super::oddity::Odd;
use crate::json::Json;
use crate::pacific::Pacific;

/// The head of one record as it stands at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// From 0; the id is one more.
    pub(crate) ordinal: u64,
    /// The document's date; of a list's entry the day it was created, which it does not show.
    pub(crate) date: NaiveDate,
    /// Unix seconds.
    pub(crate) created: i64,
    /// Unix seconds.
    pub(crate) updated: i64,
    /// The `SyncToken`.
    pub(crate) version: u32,
    /// How often a mutation rewrote the content.
    pub(crate) editions: u32,
    /// How many links a mutation added without any other trace.
    pub(crate) links: u32,
    pub(crate) standing: Standing,
    /// The record that a mutation tied to this one, at both ends.
    pub(crate) companion: Option<Companion>,
    /// What a mutation made strange about its text.
    pub(crate) odd: Option<Odd>,
    /// With what upstream answers wherever it would have to serve the record.
    pub(crate) spoilt: Option<Spoilt>,
}

/// A record that upstream cannot serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoilt {
    pub(crate) status: u16,
    pub(crate) code: u32,
}

/// A record of another entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Companion {
    pub(crate) entity: Name,
    pub(crate) ordinal: u64,
}

/// Whether a record is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Live,
    /// A document whose amounts were taken out.
    Voided,
    /// A list's entry that was made inactive: upstream's way to delete a name.
    Inactive,
}

impl Head {
    pub(crate) fn id(&self) -> u64 {
        self.ordinal + 1
    }

    pub(crate) fn is_voided(&self) -> bool {
        self.standing == Standing::Voided
    }

    /// What stands behind the name of an inactive entry.
    pub(crate) fn suffix(&self) -> &'static str {
        if self.is_active() { "" } else { " (deleted)" }
    }

    /// What shows that an entry was renamed: one for each time.
    pub(crate) fn asterisks(&self) -> String {
        "*".repeat(usize::try_from(self.editions).unwrap_or(0))
    }

    pub(crate) fn is_active(&self) -> bool {
        self.standing != Standing::Inactive
    }

    /// The members that every record has.
    pub(crate) fn write(&self, json: &mut Json) {
        json.raw_member(r#""domain":"QBO","sparse":false"#);
        json.quoted("Id", self.id());
        self.write_versions(json);
    }

    /// The same after the id.
    pub(crate) fn write_versions(&self, json: &mut Json) {
        json.quoted("SyncToken", self.version);
        json.object("MetaData", |json| {
            // A time of day in a zone is the costliest text of a record, and most records are as they were entered.
            let created = Pacific(self.created).to_string();
            json.quoted("CreateTime", &created);
            if self.updated == self.created {
                json.quoted("LastUpdatedTime", &created);
            } else {
                json.quoted("LastUpdatedTime", Pacific(self.updated));
            }
        });
    }
}
