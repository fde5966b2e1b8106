//! An entity: one kind of record (invoice, customer). Its file says how many there are, what can be asked and of which
//! members one consists.

use super::blueprint::Blueprint;
use super::census::{Census, Inactive, Need, Opened, Population, Stream, Voiding};
use super::head::Head;
use super::name::Name;
use super::property::{COMMON, DOCUMENT, DOCUMENT_CLOSED, LIST, LIST_CLOSED, Lookup, Property, Read};
use super::record::Form;
use crate::json::Json;
use crate::money::Money;

/// The definition of an entity; adding one is a name, a file in `entities/` and a line in its list.
pub(crate) struct Entity {
    pub(crate) census: Census,
    /// The product's name: snake_case, singular.
    pub(crate) name: &'static str,
    /// Upstream's name in statements and, in lower case, in paths.
    pub(crate) api: &'static str,
    /// Upstream's name in answers, where that is another one.
    pub(crate) answer_key: Option<&'static str>,
    pub(crate) asking: Asking,
    pub(crate) changes: Changes,
    pub(crate) removal: Removal,
    pub(crate) key: Key,
    /// What its records consist of.
    pub(crate) form: &'static (dyn Form + Sync),
    /// What statements may filter and order by besides the members that its form marks as asked, in groups.
    pub(crate) properties: &'static [&'static [Property]],
    /// Members that exist and cannot be asked for, with blanks between them.
    pub(crate) not_queryable: &'static str,
    /// Members that a query answers only when they are named beside the `*`.
    pub(crate) only_projected: &'static [&'static str],
    /// Members that differ at every answer and are no part of the truth.
    pub(crate) volatile: &'static [Volatile],
    /// The text with which the custom fields beyond the third begin; they end with their list.
    pub(crate) beyond_three: Option<&'static str>,
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
    /// A document with a `TxnDate`, deleted for good; it can be said otherwise.
    pub(crate) const fn document(name: Name, form: &'static (dyn Form + Sync)) -> Self {
        Self {
            census: Census {
                name,
                population: Population::Documents {
                    per_day: [1, 10, 1_000],
                },
                streams: &[],
                need: Need::Nothing,
                voiding: Voiding::Impossible,
                linked: None,
            },
            name: name.product(),
            api: name.api(),
            answer_key: None,
            asking: Asking::Anything,
            changes: Changes::Told,
            removal: Removal::Vanishes,
            key: Key::Number,
            form,
            properties: &[COMMON, DOCUMENT],
            not_queryable: DOCUMENT_CLOSED,
            only_projected: &[],
            volatile: &[],
            beyond_three: None,
        }
    }

    /// A list of names: never deleted, only made inactive.
    pub(crate) const fn list(name: Name, form: &'static (dyn Form + Sync)) -> Self {
        let document = Self::document(name, form);
        Self {
            removal: Removal::BecomesInactive,
            properties: &[COMMON, LIST],
            not_queryable: LIST_CLOSED,
            ..document
        }
        .counting([12, 30, 200], Inactive::Percent(10), Opened::Throughout)
    }

    /// One record about the company.
    pub(crate) const fn single(name: Name, form: &'static (dyn Form + Sync)) -> Self {
        let document = Self::document(name, form);
        Self {
            census: Census {
                population: Population::Single,
                ..document.census
            },
            asking: Asking::Bare,
            changes: Changes::Uncertain,
            removal: Removal::Impossible,
            properties: &[COMMON],
            not_queryable: "",
            ..document
        }
    }

    /// So many documents a day, by size, that follow from nothing.
    pub(crate) const fn per_day(mut self, per_day: [u64; 3]) -> Self {
        self.census.population = Population::Documents { per_day };
        self
    }

    /// So many entries, by size.
    pub(crate) const fn counting(mut self, count: [u64; 3], inactive: Inactive, opened: Opened) -> Self {
        self.census.population = Population::List {
            count,
            inactive,
            opened,
        };
        self
    }

    /// Some or all follow from other documents.
    pub(crate) const fn following(mut self, streams: &'static [Stream]) -> Self {
        self.census.streams = streams;
        self
    }

    /// Only some companies have it.
    pub(crate) const fn needing(mut self, need: Need) -> Self {
        self.census.need = need;
        self
    }

    /// So many percent of those beyond a share of their day are void from the start.
    pub(crate) const fn voidable(mut self, percent: u64, beyond: u64) -> Self {
        self.census.voiding = Voiding::Possible { percent, beyond };
        self
    }

    /// What a `link` mutation adds a link to, and the link's type.
    pub(crate) const fn linked(mut self, to: Name, kind: &'static str) -> Self {
        self.census.linked = Some((to, kind));
        self
    }

    /// Whether its records lie on days.
    pub(crate) fn is_dated(&self) -> bool {
        self.census.is_dated()
    }

    /// Writes the members of the complete record.
    pub(crate) fn write(&self, plan: &Blueprint, head: &Head, json: &mut Json) {
        self.form.write(plan, &self.census, head, json);
    }

    /// The record's control total, where it has one.
    pub(crate) fn total(&self, plan: &Blueprint, head: &Head) -> Option<Money> {
        self.form.total(plan, head)
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

    /// How a property of that name can be used.
    pub(crate) fn lookup(&'static self, name: &str) -> Lookup {
        let named = |property: &&Property| property.name.eq_ignore_ascii_case(name);
        let groups = self.properties.iter().flat_map(|group| group.iter());
        if let Some(property) = groups.into_iter().find(named) {
            return Lookup::Queryable(*property);
        }
        if let Some((name, kind)) = self.form.asked(name) {
            return Lookup::Queryable(Property {
                name,
                kind,
                read: Read::Member(self.form, &self.census),
            });
        }
        let root = name.split('.').next().unwrap_or(name);
        let known = |member: &str| member.eq_ignore_ascii_case(name) || member.eq_ignore_ascii_case(root);
        if self.not_queryable.split_whitespace().any(known) {
            Lookup::NotQueryable
        } else {
            Lookup::Unknown
        }
    }
}
