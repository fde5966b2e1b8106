//! Accounts: the part of the chart that documents post to. Its entries are as old as the books and never inactive.

use crate::json::Json;
use crate::options::Region;

/// An account's id, its names with those of its parents, English and French, and its class.
pub(crate) struct Account {
    pub(crate) id: u64,
    names: [&'static str; 2],
    pub(crate) class: Class,
}

/// An account's `Classification`, `AccountType` and `AccountSubType`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Class(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

impl Account {
    /// Writes a reference to it.
    pub(crate) fn refer(&self, key: &str, region: Region, json: &mut Json) {
        json.reference(key, self.id, self.name(region));
    }

    pub(crate) fn name(&self, region: Region) -> &'static str {
        match region {
            Region::Us => self.names[0],
            Region::Ca => self.names[1],
        }
    }
}

const fn account(id: u64, class: Class, english: &'static str, french: &'static str) -> Account {
    Account {
        id,
        names: [english, french],
        class,
    }
}

const BANK: Class = Class("Asset", "Bank", "Checking");
const CARD: Class = Class("Liability", "Credit Card", "CreditCard");
const ASSET: Class = Class("Asset", "Other Current Asset", "PrepaidExpenses");
const FIXED: Class = Class("Asset", "Fixed Asset", "Vehicles");
const INCOME: Class = Class("Revenue", "Income", "SalesOfProductIncome");
const COST: Class = Class("Expense", "Cost of Goods Sold", "SuppliesMaterialsCogs");
const LOAN: Class = Class("Liability", "Long Term Liability", "NotesPayable");
const EQUITY: Class = Class("Equity", "Equity", "RetainedEarnings");
/// What every account is that documents do not name.
pub(crate) const EXPENSE: Class = Class("Expense", "Expense", "OfficeGeneralAdministrativeExpenses");

/// Where services go.
pub(crate) const SERVICES: Account = account(1, INCOME, "Services", "Services rendus");
/// Where money waits for its deposit.
pub(crate) const UNDEPOSITED: Account = account(
    4,
    Class("Asset", "Other Current Asset", "UndepositedFunds"),
    "Undeposited Funds",
    "Fonds non déposés",
);
/// Where most money is.
pub(crate) const CHECKING: Account = account(35, BANK, "Checking", "Compte chèques");
/// Where some more is.
pub(crate) const SAVINGS: Account = account(36, BANK, "Savings", "Épargne");
/// What is owed to vendors.
pub(crate) const PAYABLE: Account = account(
    33,
    Class("Liability", "Accounts Payable", "AccountsPayable"),
    "Accounts Payable (A/P)",
    "Comptes fournisseurs (C/F)",
);
/// What customers owe.
pub(crate) const RECEIVABLE: Account = account(
    84,
    Class("Asset", "Accounts Receivable", "AccountsReceivable"),
    "Accounts Receivable (A/R)",
    "Comptes clients (C/C)",
);
/// What is bought by card.
pub(crate) const CARDS: &[Account] = &[
    account(41, CARD, "Company Card", "Carte de l'entreprise"),
    account(42, CARD, "Fuel Card", "Carte d'essence"),
];
/// Where sales go.
pub(crate) const SALES: Account = account(79, INCOME, "Sales of Product Income", "Ventes de produits");
/// Where discounts go.
pub(crate) const DISCOUNTS: Account = account(86, INCOME, "Discounts given", "Remises accordées");
/// Where the cost of stock goes.
pub(crate) const COST_OF_GOODS: Account =
    account(80, COST, "Cost of Goods Sold", "Coût des marchandises vendues");
/// Where stock stands.
pub(crate) const INVENTORY: Account = account(
    81,
    Class("Asset", "Other Current Asset", "Inventory"),
    "Inventory Asset",
    "Stocks",
);
/// What the bank pays.
pub(crate) const INTEREST: Account = account(
    25,
    Class("Revenue", "Other Income", "InterestEarned"),
    "Interest Earned",
    "Intérêts gagnés",
);

/// What journal entries move between.
pub(crate) const JOURNAL: &[Account] = &[
    CHECKING,
    SAVINGS,
    account(37, FIXED, "Truck:Depreciation", "Camion:Amortissement"),
    account(43, LOAN, "Loan Payable", "Emprunt à payer"),
    account(
        55,
        EXPENSE,
        "Insurance:Workers' Compensation",
        "Assurance:Accidents du travail",
    ),
    account(64, EXPENSE, "Utilities", "Services publics"),
    account(72, EXPENSE, "Rent or Lease", "Loyer"),
    account(90, ASSET, "Prepaid Expenses", "Charges payées d'avance"),
];

/// What money is spent on.
pub(crate) const EXPENSES: &[Account] = &[
    account(7, EXPENSE, "Advertising", "Publicité"),
    account(12, EXPENSE, "Legal & Professional Fees", "Honoraires"),
    account(13, EXPENSE, "Meals – Café", "Repas et café"),
    account(15, EXPENSE, "Office Expenses", "Frais de bureau"),
    account(56, EXPENSE, "Automobile:Fuel", "Automobile:Essence"),
    account(64, EXPENSE, "Utilities", "Services publics"),
    account(72, EXPENSE, "Rent or Lease", "Loyer"),
];

/// Those that nothing is posted to but that have others below them.
const PARENTS: &[Account] = &[
    account(2, EQUITY, "Retained Earnings", "Bénéfices non répartis"),
    account(11, EXPENSE, "Insurance", "Assurance"),
    account(30, FIXED, "Truck", "Camion"),
    account(34, EXPENSE, "Automobile", "Automobile"),
];

/// The account of that id, if documents name it.
pub(crate) fn known(id: u64) -> Option<&'static Account> {
    const ALONE: &[Account] = &[
        SERVICES,
        UNDEPOSITED,
        PAYABLE,
        RECEIVABLE,
        SALES,
        DISCOUNTS,
        COST_OF_GOODS,
        INVENTORY,
        INTEREST,
    ];
    let lists = [ALONE, JOURNAL, EXPENSES, CARDS, PARENTS];
    lists.into_iter().flatten().find(|account| account.id == id)
}

/// The account of that whole English name, if documents name it.
pub(crate) fn parent_of(account: &Account) -> Option<&'static Account> {
    let (parent, _) = account.names[0].rsplit_once(':')?;
    PARENTS.iter().find(|known| known.names[0] == parent)
}
