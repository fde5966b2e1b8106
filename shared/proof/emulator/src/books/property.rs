//! A property: something that statements can filter and order by, and its values.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::blueprint::Blueprint;
use super::head::Head;
use crate::money::Money;

/// Something that a statement can filter and order by.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) read: fn(&Blueprint, &Head) -> Scalar,
}

impl Property {
    pub(crate) const fn new(name: &'static str, kind: Kind, read: fn(&Blueprint, &Head) -> Scalar) -> Self {
        Self { name, kind, read }
    }

    pub(crate) const fn text(name: &'static str, read: fn(&Blueprint, &Head) -> Scalar) -> Self {
        Self::new(name, Kind::Text, read)
    }

    pub(crate) const fn number(name: &'static str, read: fn(&Blueprint, &Head) -> Scalar) -> Self {
        Self::new(name, Kind::Number, read)
    }
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
    CREATED,
    UPDATED,
];

/// The same for records whose id is a text.
pub(crate) const COMMON_WITHOUT_ID: &[Property] = &[CREATED, UPDATED];

const CREATED: Property = Property {
    name: "MetaData.CreateTime",
    kind: Kind::Instant,
    read: |_, head| Scalar::instant(head.created),
};

const UPDATED: Property = Property {
    name: "MetaData.LastUpdatedTime",
    kind: Kind::Instant,
    read: |_, head| Scalar::instant(head.updated),
};

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

/// Members that no statement can compare, of documents …
pub(super) const DOCUMENT_CLOSED: &[&str] = &[
    "SyncToken",
    "Line",
    "TxnTaxDetail",
    "LinkedTxn",
    "CurrencyRef",
    "ExchangeRate",
    "DepartmentRef",
    "ClassRef",
    "PrivateNote",
    "CustomField",
    "BillAddr",
    "ShipAddr",
    "VendorAddr",
    "PrintStatus",
    "EmailStatus",
    "domain",
    "sparse",
];

/// … and of lists.
pub(super) const LIST_CLOSED: &[&str] = &[
    "SyncToken",
    "ParentRef",
    "Description",
    "CurrencyRef",
    "BillAddr",
    "PrimaryAddr",
    "PrimaryPhone",
    "PrimaryEmailAddr",
    "domain",
    "sparse",
];
