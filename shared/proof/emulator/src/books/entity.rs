//! An entity: one kind of record (invoice, customer). Its file says how many there are, what can be asked and how one reads.

use super::blueprint::Blueprint;
use super::flow::Stream;
use super::head::Head;
use super::property::{COMMON, DOCUMENT, DOCUMENT_CLOSED, LIST, LIST_CLOSED, Lookup, Property};
use crate::dice::topic;
use crate::json::Json;
use crate::money::Money;

/// The definition of an entity; adding one is a file in `entities/` and a line in its list.
pub(crate) struct Entity {
    /// The product's name: snake_case, singular.
    pub(crate) name: &'static str,
    /// Upstream's name in statements and, in lower case, in paths.
    pub(crate) api: &'static str,
    /// Upstream's name in answers, where that is another one.
    pub(crate) answer_key: Option<&'static str>,
    pub(crate) population: Population,
    /// The documents from which some of these follow.
    pub(crate) streams: &'static [Stream],
    pub(crate) need: Need,
    pub(crate) asking: Asking,
    pub(crate) changes: Changes,
    pub(crate) removal: Removal,
    pub(crate) voiding: Voiding,
    pub(crate) key: Key,
    /// What statements may filter and order by, in groups: those shared with other entities and its own.
    pub(crate) properties: &'static [&'static [Property]],
    /// Members that exist and cannot be asked for.
    pub(crate) not_queryable: &'static [&'static str],
    /// Members that a query answers only when they are named beside the `*`.
    pub(crate) only_projected: &'static [&'static str],
    /// Members that differ at every answer and are no part of the truth.
    pub(crate) volatile: &'static [Volatile],
    /// The text with which the custom fields beyond the third begin; they end with their list.
    pub(crate) beyond_three: Option<&'static str>,
    /// What a `link` mutation adds a link to, and the link's type.
    pub(crate) linked: Option<(&'static Entity, &'static str)>,
    /// Writes the members of the complete record.
    pub(crate) write: fn(&Blueprint, &Head, &mut Json),
    /// The record's control total, where it has one.
    pub(crate) total: fn(&Blueprint, &Head) -> Option<Money>,
}

/// How many records there are, by size.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Population {
    /// Dated documents; so many a day stand for themselves, others follow from a stream.
    Documents { per_day: [u64; 3] },
    /// Dated records, exactly so many every day.
    Daily { per_day: u64 },
    /// Entries of a list.
    List {
        count: [u64; 3],
        inactive: Inactive,
        opened: Opened,
    },
    /// Exactly one.
    Single,
}

/// Which entries of a list are inactive from the start; the first never is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inactive {
    None,
    /// So many of a hundred, by chance.
    Percent(u64),
    /// The last so many.
    Last(u64),
}

/// When the entries of a list were made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opened {
    /// All within the year that began so many years before the first customer came.
    YearsBefore(u32),
    /// One after the other until the books close.
    Throughout,
    /// The same, from the first day of documents on: whatever they refer to is years older.
    WithDocuments,
}

/// What a company must have for the entity to exist there; without it upstream answers with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// The plan `essentials` or a larger one.
    Essentials,
    /// The plan `plus`.
    Plus,
    /// More than one currency.
    Currencies,
    /// A client that upstream lets: refused with this code unless a switch serves it.
    Favour(u32),
    /// Read-only and perhaps not queryable: served unless a switch refuses it.
    Luck,
}

/// What statements about the entity may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    Anything,
    /// No `ORDERBY`.
    Unordered,
    /// No `WHERE`, no `ORDERBY`, no count; clients do page it.
    Bare,
}

/// Whether change data capture tells of the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changes {
    Told,
    /// Documented or proven not to.
    Untold,
    /// Nobody has said so, a switch decides.
    Uncertain,
}

/// What the deletion of a record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    Vanishes,
    /// Upstream never deletes names.
    BecomesInactive,
    Impossible,
}

/// Whether upstream can void a document of this kind, and how many are void from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voiding {
    /// `percent` of those that follow from nothing and that nothing follows from: the last of each day, from the share
    /// `beyond` on.
    Possible {
        percent: u64,
        beyond: u64,
    },
    Impossible,
}

/// What identifies a record.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// A number, one more than the ordinal.
    Number,
    /// A text; upstream does so for a few.
    Text(fn(&Blueprint, &Head) -> String),
}

/// A member that is made anew for every answer, written before another one; a record that has none writes nothing.
#[derive(Clone, Copy)]
pub(crate) struct Volatile {
    pub(crate) before: &'static str,
    pub(crate) write: fn(&Blueprint, &Head, u64, &mut Json),
}

impl Entity {
    pub(crate) fn topic(&self) -> u64 {
        topic(self.name)
    }

    /// What an entity is unless it says otherwise: a document with a `TxnDate`, deleted for good.
    pub(crate) const DOCUMENT: Self = Self {
        name: "",
        api: "",
        answer_key: None,
        population: Population::Documents {
            per_day: [1, 10, 1_000],
        },
        streams: &[],
        need: Need::Nothing,
        asking: Asking::Anything,
        changes: Changes::Told,
        removal: Removal::Vanishes,
        voiding: Voiding::Impossible,
        key: Key::Number,
        properties: &[COMMON, DOCUMENT],
        not_queryable: DOCUMENT_CLOSED,
        only_projected: &[],
        volatile: &[],
        beyond_three: None,
        linked: None,
        write: |_, head, json| head.write(json),
        total: |_, _| None,
    };

    /// A list of names: never deleted, only made inactive.
    pub(crate) const LIST: Self = Self {
        population: Population::List {
            count: [12, 30, 200],
            inactive: Inactive::Percent(10),
            opened: Opened::Throughout,
        },
        removal: Removal::BecomesInactive,
        properties: &[COMMON, LIST],
        not_queryable: LIST_CLOSED,
        ..Self::DOCUMENT
    };

    /// One record about the company.
    pub(crate) const SINGLE: Self = Self {
        population: Population::Single,
        asking: Asking::Bare,
        changes: Changes::Uncertain,
        removal: Removal::Impossible,
        properties: &[COMMON],
        not_queryable: &[],
        ..Self::DOCUMENT
    };

    /// Whether its records lie on days.
    pub(crate) fn is_dated(&self) -> bool {
        matches!(
            self.population,
            Population::Documents { .. } | Population::Daily { .. }
        )
    }

    /// The member of an answer that holds its records.
    pub(crate) fn rows_key(&self) -> &'static str {
        self.answer_key.unwrap_or(self.api)
    }

    /// The text that identifies a record.
    pub(crate) fn id(&self, plan: &Blueprint, head: &Head) -> String {
        match self.key {
            Key::Number => head.id().to_string(),
            Key::Text(text) => text(plan, head),
        }
    }

    /// Whether it is the same entity; there is one definition of each.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    /// Whether people mean this entity: any case, `-` and `_` or none, and upstream's own spelling.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        let letters = |text: &str| -> String {
            text.chars()
                .filter(|c| !matches!(c, '_' | '-'))
                .map(|c| c.to_ascii_lowercase())
                .collect()
        };
        letters(name) == letters(self.name)
    }

    pub(crate) fn lookup(&self, name: &str) -> Lookup {
        let named = |property: &&Property| property.name.eq_ignore_ascii_case(name);
        if let Some(property) = self.properties.iter().flat_map(|group| group.iter()).find(named) {
            return Lookup::Queryable(property);
        }
        let root = name.split('.').next().unwrap_or(name);
        let known = |member: &&str| member.eq_ignore_ascii_case(name) || member.eq_ignore_ascii_case(root);
        if self.not_queryable.iter().any(known) {
            Lookup::NotQueryable
        } else {
            Lookup::Unknown
        }
    }
}
