//! Entities: what can be copied out of QuickBooks. Adding one is adding a constant and its name to [`ENTITIES`].

use crate::{EntityKind, EntitySpec};

/// Every entity, by name.
pub const ENTITIES: &[EntitySpec] = &[CUSTOMER, INVOICE, ITEM, JOURNAL_ENTRY];

/// A transaction: it has a `TxnDate` and is deleted for good.
const DOCUMENT: EntitySpec = EntitySpec {
    name: "",
    upstream: "",
    answer_key: None,
    table: "",
    kind: EntityKind::Document,
    hides_inactive: false,
    projection: "*",
    countable: true,
    orderable: true,
    in_all: true,
    total: Some("TotalAmt"),
};

/// A name list: it is never deleted, only made inactive, and a query leaves inactive rows out unless it asks
/// for them.
const LIST: EntitySpec = EntitySpec {
    kind: EntityKind::List,
    hides_inactive: true,
    total: None,
    ..DOCUMENT
};

/// People and companies that are sold to, with their sub-customers, jobs and projects.
pub const CUSTOMER: EntitySpec = EntitySpec {
    name: "customer",
    upstream: "Customer",
    table: "qbo_customer",
    ..LIST
};

/// Invoices.
pub const INVOICE: EntitySpec = EntitySpec {
    name: "invoice",
    upstream: "Invoice",
    table: "qbo_invoice",
    ..DOCUMENT
};

/// Products and services. `*` leaves `Sku` out (python-quickbooks, changelog of 0.9.12).
pub const ITEM: EntitySpec = EntitySpec {
    name: "item",
    upstream: "Item",
    table: "qbo_item",
    projection: "*, Sku",
    ..LIST
};

/// Journal entries. A company with one currency gets no `TotalAmt` on them.
pub const JOURNAL_ENTRY: EntitySpec = EntitySpec {
    name: "journal_entry",
    upstream: "JournalEntry",
    table: "qbo_journal_entry",
    total: None,
    ..DOCUMENT
};

impl EntitySpec {
    /// The member of an answer that holds this entity's rows.
    pub(super) fn rows_key(&self) -> &'static str {
        self.answer_key.unwrap_or(self.upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quickbooks::ENTRY;

    #[test]
    fn every_entity_has_a_name_a_table_and_a_spelling_of_its_own() {
        for entity in ENTITIES {
            assert_eq!(entity.table, format!("qbo_{}", entity.name));
            let squeezed = entity.name.replace('_', "");
            assert_eq!(squeezed, entity.upstream.to_ascii_lowercase());
            assert_eq!(crate::find_entity(&ENTRY, entity.upstream), Some(entity));
        }
        let mut names: Vec<_> = ENTITIES.iter().map(|entity| entity.name).collect();
        names.dedup();
        assert!(names.is_sorted());
        assert_eq!(names.len(), ENTITIES.len());
    }
}
