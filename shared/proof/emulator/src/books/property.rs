//! A property: something that statements can filter and order by.

use super::blueprint::Blueprint;
use super::census::Census;
use super::head::Head;
use super::record::Form;
use super::scalar::{Kind, Scalar};

/// Something that a statement can filter and order by.
#[derive(Clone, Copy)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) read: Read,
}

/// Where a property's value comes from.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// Worked out for itself.
    Apart(fn(&Blueprint, &Head) -> Scalar),
    /// The value of the record's member of that name.
    Member(&'static (dyn Form + Sync), &'static Census),
}

impl Property {
    pub(crate) const fn new(name: &'static str, kind: Kind, read: fn(&Blueprint, &Head) -> Scalar) -> Self {
        let read = Read::Apart(read);
        Self { name, kind, read }
    }

    pub(crate) fn read(&self, plan: &Blueprint, head: &Head) -> Scalar {
        match self.read {
            Read::Apart(read) => read(plan, head),
            Read::Member(form, census) => form.read(plan, census, head, self.name),
        }
    }
}

/// How a property of that name can be used.
pub(crate) enum Lookup {
    Queryable(Property),
    NotQueryable,
    Unknown,
}

/// What every record can be asked for.
pub(crate) const COMMON: &[Property] = &[
    Property::new("Id", Kind::Id, |_, head| Scalar::whole(head.id())),
    CREATED,
    UPDATED,
];

/// The same for records whose id is a text.
pub(crate) const COMMON_WITHOUT_ID: &[Property] = &[CREATED, UPDATED];

const CREATED: Property = Property::new("MetaData.CreateTime", Kind::Instant, |_, head| {
    Scalar::instant(head.created)
});

const UPDATED: Property = Property::new("MetaData.LastUpdatedTime", Kind::Instant, |_, head| {
    Scalar::instant(head.updated)
});

/// What every document can be asked for besides.
pub(crate) const DOCUMENT: &[Property] = &[Property::new("TxnDate", Kind::Date, |_, head| {
    Scalar::Date(head.date)
})];

/// What every list entry can be asked for besides.
pub(crate) const LIST: &[Property] = &[Property::new("Active", Kind::Flag, |_, head| {
    Scalar::Flag(head.is_active())
})];

/// Members that no statement can compare, of documents …
pub(super) const DOCUMENT_CLOSED: &str = "SyncToken Line TxnTaxDetail LinkedTxn CurrencyRef ExchangeRate DepartmentRef \
    ClassRef PrivateNote CustomField BillAddr ShipAddr VendorAddr PrintStatus EmailStatus domain sparse";

/// … and of lists.
pub(super) const LIST_CLOSED: &str = "SyncToken ParentRef Description CurrencyRef BillAddr PrimaryAddr PrimaryPhone \
    PrimaryEmailAddr domain sparse";
