//! Entities: what can be copied out of QuickBooks. Adding one is adding a row to [`ENTITIES`].

use ledgerfleet_model::Axis;

use super::source::{NAMES, OBJECT, ReadBy, RowShape, Source, TRANSACTION};
use crate::{EntityKind, EntitySpec, SourceSpec, Trust};

/// A transaction: it has a `TxnDate` and is deleted for good.
const DOCUMENT: EntitySpec = EntitySpec {
    name: "",
    upstream: "",
    table: "",
    kind: EntityKind::Document,
    axes: &[Axis::TxnDate, Axis::Created, Axis::Updated],
    ahead: false,
    trust: Trust::CountAndOverlap,
    optional: false,
    in_all: true,
    total: Some("TotalAmt"),
    source: SourceSpec::QuickBooks(TRANSACTION),
};

/// A name list: it is never deleted, only made inactive, and a query leaves inactive rows out unless it asks
/// for them.
const LIST: EntitySpec = EntitySpec {
    kind: EntityKind::List,
    axes: &[Axis::Created, Axis::Updated],
    total: None,
    source: SourceSpec::QuickBooks(NAMES),
    ..DOCUMENT
};

/// Exactly one object a company: it can be selected and nothing else.
const SINGLE: EntitySpec = EntitySpec {
    kind: EntityKind::Single,
    axes: &[],
    total: None,
    source: SourceSpec::QuickBooks(OBJECT),
    ..DOCUMENT
};

/// Every entity, by name.
pub const ENTITIES: &[EntitySpec] = &[
    EntitySpec {
        name: "account",
        upstream: "Account",
        table: "qbo_account",
        ..LIST
    },
    EntitySpec {
        name: "attachable",
        upstream: "Attachable",
        table: "qbo_attachable",
        source: SourceSpec::QuickBooks(Source {
            hides_inactive: false,
            ..NAMES
        }),
        ..LIST
    },
    EntitySpec {
        name: "bill",
        upstream: "Bill",
        table: "qbo_bill",
        ..DOCUMENT
    },
    EntitySpec {
        name: "bill_payment",
        upstream: "BillPayment",
        table: "qbo_bill_payment",
        ..DOCUMENT
    },
    EntitySpec {
        name: "budget",
        upstream: "Budget",
        table: "qbo_budget",
        ..LIST
    },
    EntitySpec {
        name: "class",
        upstream: "Class",
        table: "qbo_class",
        ..LIST
    },
    EntitySpec {
        name: "company_currency",
        upstream: "CompanyCurrency",
        table: "qbo_company_currency",
        ..LIST
    },
    EntitySpec {
        name: "company_info",
        upstream: "CompanyInfo",
        table: "qbo_company_info",
        source: SourceSpec::QuickBooks(Source {
            read_by: ReadBy::Account,
            ..OBJECT
        }),
        ..SINGLE
    },
    // Its rows come under another name (python-quickbooks, objects/creditcardpayment_entity.py).
    EntitySpec {
        name: "credit_card_payment",
        upstream: "CreditCardPayment",
        table: "qbo_credit_card_payment",
        total: Some("Amount"),
        source: SourceSpec::QuickBooks(Source {
            answer_key: Some("CreditCardPaymentTxn"),
            ..TRANSACTION
        }),
        ..DOCUMENT
    },
    EntitySpec {
        name: "credit_memo",
        upstream: "CreditMemo",
        table: "qbo_credit_memo",
        ..DOCUMENT
    },
    EntitySpec {
        name: "customer",
        upstream: "Customer",
        table: "qbo_customer",
        ..LIST
    },
    // It has no `Active` to filter by.
    EntitySpec {
        name: "customer_type",
        upstream: "CustomerType",
        table: "qbo_customer_type",
        source: SourceSpec::QuickBooks(Source {
            hides_inactive: false,
            ..NAMES
        }),
        ..LIST
    },
    EntitySpec {
        name: "department",
        upstream: "Department",
        table: "qbo_department",
        ..LIST
    },
    EntitySpec {
        name: "deposit",
        upstream: "Deposit",
        table: "qbo_deposit",
        ..DOCUMENT
    },
    EntitySpec {
        name: "employee",
        upstream: "Employee",
        table: "qbo_employee",
        ..LIST
    },
    EntitySpec {
        name: "estimate",
        upstream: "Estimate",
        table: "qbo_estimate",
        ..DOCUMENT
    },
    // A query for it may be refused; a row has no `Id`, so it cannot be ordered by one.
    EntitySpec {
        name: "exchange_rate",
        upstream: "ExchangeRate",
        table: "qbo_exchange_rate",
        optional: true,
        in_all: false,
        source: SourceSpec::QuickBooks(Source {
            orderable: false,
            hides_inactive: false,
            rows: RowShape::Keyed(&["SourceCurrencyCode", "AsOfDate"]),
            read_by: ReadBy::Parameters(&["sourcecurrencycode", "asofdate"]),
            ..NAMES
        }),
        ..LIST
    },
    // Needs a higher tier of the API; a query may be refused otherwise.
    EntitySpec {
        name: "inventory_adjustment",
        upstream: "InventoryAdjustment",
        table: "qbo_inventory_adjustment",
        total: None,
        optional: true,
        in_all: false,
        ..DOCUMENT
    },
    EntitySpec {
        name: "invoice",
        upstream: "Invoice",
        table: "qbo_invoice",
        ..DOCUMENT
    },
    // `*` leaves `Sku` out (python-quickbooks, changelog of 0.9.12).
    EntitySpec {
        name: "item",
        upstream: "Item",
        table: "qbo_item",
        source: SourceSpec::QuickBooks(Source {
            projection: "*, Sku",
            ..NAMES
        }),
        ..LIST
    },
    // For French companies; a query may be refused.
    EntitySpec {
        name: "journal_code",
        upstream: "JournalCode",
        table: "qbo_journal_code",
        optional: true,
        in_all: false,
        ..LIST
    },
    // A company with one currency gets no `TotalAmt` on them.
    EntitySpec {
        name: "journal_entry",
        upstream: "JournalEntry",
        table: "qbo_journal_entry",
        total: None,
        ..DOCUMENT
    },
    EntitySpec {
        name: "payment",
        upstream: "Payment",
        table: "qbo_payment",
        ..DOCUMENT
    },
    EntitySpec {
        name: "payment_method",
        upstream: "PaymentMethod",
        table: "qbo_payment_method",
        ..LIST
    },
    EntitySpec {
        name: "preferences",
        upstream: "Preferences",
        table: "qbo_preferences",
        ..SINGLE
    },
    EntitySpec {
        name: "purchase",
        upstream: "Purchase",
        table: "qbo_purchase",
        ..DOCUMENT
    },
    EntitySpec {
        name: "purchase_order",
        upstream: "PurchaseOrder",
        table: "qbo_purchase_order",
        ..DOCUMENT
    },
    // A row wraps the transaction that it is a template of: the type is the member's name.
    EntitySpec {
        name: "recurring_transaction",
        upstream: "RecurringTransaction",
        table: "qbo_recurring_transaction",
        source: SourceSpec::QuickBooks(Source {
            hides_inactive: false,
            rows: RowShape::Wrapped,
            ..NAMES
        }),
        ..LIST
    },
    EntitySpec {
        name: "refund_receipt",
        upstream: "RefundReceipt",
        table: "qbo_refund_receipt",
        ..DOCUMENT
    },
    // Whether it can be queried is not certain.
    EntitySpec {
        name: "reimburse_charge",
        upstream: "ReimburseCharge",
        table: "qbo_reimburse_charge",
        total: Some("Amount"),
        optional: true,
        ..DOCUMENT
    },
    EntitySpec {
        name: "sales_receipt",
        upstream: "SalesReceipt",
        table: "qbo_sales_receipt",
        ..DOCUMENT
    },
    // It has no `Active` to filter by, and `ORDERBY` does not work on it.
    EntitySpec {
        name: "tax_agency",
        upstream: "TaxAgency",
        table: "qbo_tax_agency",
        source: SourceSpec::QuickBooks(Source {
            hides_inactive: false,
            orderable: false,
            ..NAMES
        }),
        ..LIST
    },
    EntitySpec {
        name: "tax_code",
        upstream: "TaxCode",
        table: "qbo_tax_code",
        // TAX and NON, in the United States.
        source: SourceSpec::QuickBooks(Source {
            has_word_ids: true,
            ..NAMES
        }),
        ..LIST
    },
    EntitySpec {
        name: "tax_rate",
        upstream: "TaxRate",
        table: "qbo_tax_rate",
        ..LIST
    },
    EntitySpec {
        name: "term",
        upstream: "Term",
        table: "qbo_term",
        ..LIST
    },
    EntitySpec {
        name: "time_activity",
        upstream: "TimeActivity",
        table: "qbo_time_activity",
        total: None,
        ..DOCUMENT
    },
    EntitySpec {
        name: "transfer",
        upstream: "Transfer",
        table: "qbo_transfer",
        total: Some("Amount"),
        ..DOCUMENT
    },
    EntitySpec {
        name: "vendor",
        upstream: "Vendor",
        table: "qbo_vendor",
        ..LIST
    },
    EntitySpec {
        name: "vendor_credit",
        upstream: "VendorCredit",
        table: "qbo_vendor_credit",
        ..DOCUMENT
    },
];

/// The entity of that name, for tests.
#[cfg(test)]
pub(crate) fn entity(name: &str) -> &'static EntitySpec {
    crate::find_entity(&crate::quickbooks::ENTRY, name).unwrap()
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
