//! Accounts: the chart that documents post to. It is a short list without records of its own in this stage.

use crate::options::Region;

/// An account's id and its names, English and French.
pub(crate) struct Account {
    pub(crate) id: u64,
    names: [&'static str; 2],
}

impl Account {
    pub(crate) fn name(&self, region: Region) -> &'static str {
        match region {
            Region::Us => self.names[0],
            Region::Ca => self.names[1],
        }
    }
}

const fn account(id: u64, english: &'static str, french: &'static str) -> Account {
    Account {
        id,
        names: [english, french],
    }
}

/// Where sales go.
pub(crate) const SALES: Account = account(79, "Sales of Product Income", "Ventes de produits");
/// Where services go.
pub(crate) const SERVICES: Account = account(1, "Services", "Services rendus");
/// Where discounts go.
pub(crate) const DISCOUNTS: Account = account(86, "Discounts given", "Remises accordées");
/// Where the cost of stock goes.
pub(crate) const COST_OF_GOODS: Account = account(80, "Cost of Goods Sold", "Coût des marchandises vendues");
/// Where stock stands.
pub(crate) const INVENTORY: Account = account(81, "Inventory Asset", "Stocks");

/// What journal entries move between.
pub(crate) const JOURNAL: &[Account] = &[
    account(35, "Checking", "Compte chèques"),
    account(36, "Savings", "Épargne"),
    account(37, "Truck:Depreciation", "Camion:Amortissement"),
    account(43, "Loan Payable", "Emprunt à payer"),
    account(
        55,
        "Insurance:Workers' Compensation",
        "Assurance:Accidents du travail",
    ),
    account(64, "Utilities", "Services publics"),
    account(72, "Rent or Lease", "Loyer"),
    account(90, "Prepaid Expenses", "Charges payées d'avance"),
];
