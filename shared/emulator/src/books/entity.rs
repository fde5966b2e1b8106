//! An entity: one kind of record (invoice, customer). Its file says how many there are, what can be asked and how one reads.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::blueprint::Blueprint;
use super::head::Head;
use crate::dice::topic;
use crate::json::Json;
use crate::money::Money;

/// The definition of an entity; adding one is a file in `entities/` and a line in its list.
pub(crate) struct Entity {
    /// The product's name: snake_case, singular.
    pub(crate) name: &'static str,
    /// Upstream's name in statements.
    pub(crate) api: &'static str,
    /// Upstream's name in answers, which is another one here and there.
    pub(crate) answer_key: &'static str,
    pub(crate) population: Population,
    /// What statements may filter and order by, in groups: those shared with other entities and its own.
    pub(crate) properties: &'static [&'static [Property]],
    /// Members that exist and cannot be asked for.
    pub(crate) not_queryable: &'static [&'static str],
    /// Members that a query answers only when they are named beside the `*`.
    pub(crate) only_projected: &'static [&'static str],
    pub(crate) voiding: Voiding,
    /// Writes the members of the complete record.
    pub(crate) write: fn(&Blueprint, &Head, &mut Json),
    /// The record's control total, where it has one.
    pub(crate) total: fn(&Blueprint, &Head) -> Option<Money>,
}

/// How many records there are, by size.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Population {
    /// Dated documents.
    Documents { per_day: [u64; 3] },
    /// Entries of a list, of which some are inactive.
    List { count: [u64; 3], inactive_percent: u64 },
}

/// Whether upstream can void a document of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voiding {
    Possible,
    Impossible,
}

/// Something that a statement can filter and order by.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) read: fn(&Blueprint, &Head) -> Scalar,
}

/// What a property's values are, which decides how a literal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Date,
    Instant,
    Number,
    Text,
    Flag,
}

/// A property's value, or a literal to compare it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    Null,
    Flag(bool),
    /// In millionths.
    Number(i128),
    Date(NaiveDate),
    /// In microseconds of Unix time: records have seconds, literals may have more.
    Instant(i64),
    /// In lower case: upstream compares text without case.
    Text(String),
}

/// How a property of that name can be used.
pub(crate) enum Lookup {
    Queryable(&'static Property),
    NotQueryable,
    Unknown,
}

impl Entity {
    pub(crate) fn topic(&self) -> u64 {
        topic(self.name)
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.population, Population::List { .. })
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

impl Scalar {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }

    pub(crate) fn money(money: Money) -> Self {
        Self::Number(i128::from(money.in_cents()) * 10_000)
    }

    pub(crate) fn whole(number: u64) -> Self {
        Self::Number(i128::from(number) * 1_000_000)
    }

    fn instant(seconds: i64) -> Self {
        Self::Instant(seconds.saturating_mul(1_000_000))
    }

    /// The order of `ORDERBY`: nothing before something; values of one kind by size.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => (*a != Self::Null).cmp(&(*b != Self::Null)),
        }
    }
}

/// What every record can be asked for.
pub(crate) const COMMON: &[Property] = &[
    Property {
        name: "Id",
        kind: Kind::Id,
        read: |_, head| Scalar::whole(head.id()),
    },
    Property {
        name: "MetaData.CreateTime",
        kind: Kind::Instant,
        read: |_, head| Scalar::instant(head.created),
    },
    Property {
        name: "MetaData.LastUpdatedTime",
        kind: Kind::Instant,
        read: |_, head| Scalar::instant(head.updated),
    },
];

/// What every document can be asked for besides.
pub(crate) const DOCUMENT: &[Property] = &[Property {
    name: "TxnDate",
    kind: Kind::Date,
    read: |_, head| Scalar::Date(head.date),
}];

/// What every list entry can be asked for besides.
pub(crate) const LIST: &[Property] = &[Property {
    name: "Active",
    kind: Kind::Flag,
    read: |_, head| Scalar::Flag(head.is_active()),
}];
