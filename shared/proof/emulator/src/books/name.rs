//! A name: which entity is meant, and nothing of what it consists of. Blueprints, streams and links need no more.

macro_rules! names {
    ($($name:ident $product:literal),+ $(,)?) => {
        /// Every entity, in the order of the product's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Name { $($name),+ }

        impl Name {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Self::$name),+].len();

            /// The product's: snake_case, singular.
            pub(crate) const fn product(self) -> &'static str {
                match self { $(Self::$name => $product),+ }
            }

            /// Upstream's, in statements and, in lower case, in paths.
            pub(crate) const fn api(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

names! {
    Account "account",
    Attachable "attachable",
    Bill "bill",
    BillPayment "bill_payment",
    Budget "budget",
    Class "class",
    CompanyCurrency "company_currency",
    CompanyInfo "company_info",
    CreditCardPayment "credit_card_payment",
    CreditMemo "credit_memo",
    Customer "customer",
    CustomerType "customer_type",
    Department "department",
    Deposit "deposit",
    Employee "employee",
    Estimate "estimate",
    ExchangeRate "exchange_rate",
    InventoryAdjustment "inventory_adjustment",
    Invoice "invoice",
    Item "item",
    JournalCode "journal_code",
    JournalEntry "journal_entry",
    Payment "payment",
    PaymentMethod "payment_method",
    Preferences "preferences",
    Purchase "purchase",
    PurchaseOrder "purchase_order",
    RecurringTransaction "recurring_transaction",
    RefundReceipt "refund_receipt",
    ReimburseCharge "reimburse_charge",
    SalesReceipt "sales_receipt",
    TaxAgency "tax_agency",
    TaxCode "tax_code",
    TaxRate "tax_rate",
    Term "term",
    TimeActivity "time_activity",
    Transfer "transfer",
    Vendor "vendor",
    VendorCredit "vendor_credit",
}

impl Name {
    /// The topic under which its records are thrown.
    pub(crate) const fn topic(self) -> u64 {
        crate::dice::topic(self.product())
    }
}
