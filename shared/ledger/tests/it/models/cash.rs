//! What documents move on bank and card accounts, worked out from the emulator's records: both sides of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::books::{COMPANIES, records};
use super::database::Database;
use super::ties::{at_home, lines, text};

/// Documents that name an account: where, the amount, and its direction.
const MOVES: [(&str, &str, &str, i128); 13] = [
    ("invoice", "/DepositToAccountRef/value", "/Deposit", 1),
    ("payment", "/DepositToAccountRef/value", "/TotalAmt", 1),
    ("sales_receipt", "/DepositToAccountRef/value", "/TotalAmt", 1),
    ("refund_receipt", "/DepositToAccountRef/value", "/TotalAmt", -1),
    ("deposit", "/DepositToAccountRef/value", "/TotalAmt", 1),
    ("deposit", "/CashBack/AccountRef/value", "/CashBack/Amount", 1),
    (
        "bill_payment",
        "/CheckPayment/BankAccountRef/value",
        "/TotalAmt",
        -1,
    ),
    (
        "bill_payment",
        "/CreditCardPayment/CCAccountRef/value",
        "/TotalAmt",
        -1,
    ),
    ("transfer", "/FromAccountRef/value", "/Amount", -1),
    ("transfer", "/ToAccountRef/value", "/Amount", 1),
    ("credit_card_payment", "/BankAccountRef/value", "/Amount", -1),
    ("credit_card_payment", "/CreditCardAccountRef/value", "/Amount", 1),
    ("purchase", "/AccountRef/value", "/TotalAmt", -1),
];

/// Lines that name an account: of which documents, where in their details, and the direction of their amounts.
const LINES: [(&str, &str, i128); 8] = [
    ("purchase", "/AccountBasedExpenseLineDetail/AccountRef/value", 1),
    ("bill", "/AccountBasedExpenseLineDetail/AccountRef/value", 1),
    (
        "vendor_credit",
        "/AccountBasedExpenseLineDetail/AccountRef/value",
        -1,
    ),
    ("deposit", "/DepositLineDetail/AccountRef/value", -1),
    ("invoice", "/SalesItemLineDetail/ItemAccountRef/value", -1),
    ("sales_receipt", "/SalesItemLineDetail/ItemAccountRef/value", -1),
    ("credit_memo", "/SalesItemLineDetail/ItemAccountRef/value", 1),
    ("refund_receipt", "/SalesItemLineDetail/ItemAccountRef/value", 1),
];

/// Which way a document's amounts go: the other for a refund to a card.
fn turn(document: &Value) -> i128 {
    if document["Credit"] == Value::Bool(true) {
        -1
    } else {
        1
    }
}

/// What documents move on accounts, in cents of the home currency, by account.
async fn movements(company: &str) -> BTreeMap<String, i128> {
    let mut moved: BTreeMap<String, i128> = BTreeMap::new();
    let mut add = |document: &Value, account: Option<&Value>, amount: Option<&Value>, sign: i128| {
        if let (Some(account), Some(amount)) = (account, amount) {
            *moved.entry(text(account)).or_default() += sign * turn(document) * at_home(document, amount);
        }
    };
    for (entity, account, amount, sign) in MOVES {
        for document in records(company, entity).await {
            add(
                &document,
                document.pointer(account),
                document.pointer(amount),
                sign,
            );
        }
    }
    for (entity, account, sign) in LINES {
        for document in records(company, entity).await {
            for line in lines(&document) {
                add(&document, line.pointer(account), line.get("Amount"), sign);
            }
        }
    }
    for document in records(company, "journal_entry").await {
        for line in lines(&document) {
            let detail = &line["JournalEntryLineDetail"];
            let sign = if detail["PostingType"] == "Debit" { 1 } else { -1 };
            add(
                &document,
                detail.pointer("/AccountRef/value"),
                line.get("Amount"),
                sign,
            );
        }
    }
    moved
}

pub(super) async fn cash_by_account_is_what_documents_move_on_bank_and_card_accounts(database: &Database) {
    for company in COMPANIES {
        let accounts = records(company, "account").await;
        let is_cash =
            |account: &Value| ["Bank", "Credit Card"].contains(&account["AccountType"].as_str().unwrap());
        let cash: BTreeSet<String> = accounts
            .iter()
            .filter(|account| is_cash(account))
            .map(|account| text(&account["Id"]))
            .collect();
        let mut expected = movements(company).await;
        expected.retain(|account, _| cash.contains(account));
        let which: Vec<String> = expected
            .keys()
            .map(|account| format!("account_id = '{account}'"))
            .collect();
        for amount in ["net", "cash_in - cash_out"] {
            let asked: Vec<(&str, &str)> = which.iter().map(|which| (amount, which.as_str())).collect();
            let said = database.sums(company, "cash_by_account", &asked).await;
            let right: Vec<i128> = expected.values().copied().collect();
            assert_eq!(said, right, "{company}: {amount} where {which:?}");
        }
        let all: i128 = expected.values().sum();
        assert_eq!(
            database.cents(company, "cash_by_account", "net", "1 = 1").await,
            all,
            "{company}"
        );
    }
}
