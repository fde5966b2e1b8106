//! Broken mappings: each of these mistakes in columns, measures or views makes a tie fail. A tie that nothing breaks would
//! say nothing.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures::FutureExt;
use ledgerfleet_analysis::{Layout, sqlite};
use sqlx::{AssertSqlSafe, Executor};

use super::database::Database;
use super::{books, cash, columns, made, ties};

const COLUMNS: &str = include_str!("../../../../analysis/columns/quickbooks.tsv");

const MEASURES: [&str; 10] = [
    include_str!("../../../../analysis/measures/quickbooks/sold_line.sql"),
    include_str!("../../../../analysis/measures/quickbooks/revenue.sql"),
    include_str!("../../../../analysis/measures/quickbooks/revenue_by_month.sql"),
    include_str!("../../../../analysis/measures/quickbooks/receivables_by_age.sql"),
    include_str!("../../../../analysis/measures/quickbooks/payables_by_age.sql"),
    include_str!("../../../../analysis/measures/quickbooks/top_customers.sql"),
    include_str!("../../../../analysis/measures/quickbooks/sales_by_item.sql"),
    include_str!("../../../../analysis/measures/quickbooks/cash_by_account.sql"),
    include_str!("../../../../analysis/measures/quickbooks/account_tree.sql"),
    include_str!("../../../../analysis/measures/quickbooks/tax_collected.sql"),
];

type Tie = for<'a> fn(&'a Database) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A tie as a value.
macro_rules! tie {
    ($tie:path) => {
        |database| Box::pin($tie(database))
    };
}

/// A mistake: what stands there, what stands there instead, and the tie that sees it.
const MUTANTS: &[(&str, &str, &str, Tie)] = &[
    (
        "a total is the tax",
        "*sale\ttotal_amount\tnumeric\t\tTotalAmt\t",
        "*sale\ttotal_amount\tnumeric\t\tTxnTaxDetail.TotalTax\t",
        tie!(ties::the_totals_of_documents_are_the_emulators_own),
    ),
    (
        "one list of documents without transfers' amounts",
        "\tTotalAmt | Amount\t",
        "\tTotalAmt\t",
        tie!(ties::the_totals_of_documents_are_the_emulators_own),
    ),
    (
        "the amount of a line is its price",
        "*sales_line\tamount\tnumeric\t\tAmount\t",
        "*sales_line\tamount\tnumeric\t\tSalesItemLineDetail.UnitPrice\t",
        tie!(ties::the_lines_of_documents_are_those_of_their_records),
    ),
    (
        "lines are not worked out in the home currency",
        "\tAmount * ^ExchangeRate\t",
        "\tAmount\t",
        tie!(ties::the_lines_of_documents_are_those_of_their_records),
    ),
    (
        "places are counted from 1",
        "l1.key AS _index",
        "l1.key + 1 AS _index",
        tie!(ties::the_lines_of_documents_are_those_of_their_records),
    ),
    (
        "tax is not worked out in the home currency",
        "\tTxnTaxDetail.TotalTax * ExchangeRate\t",
        "\tTxnTaxDetail.TotalTax\t",
        tie!(ties::revenue_by_month_and_by_customer_is_what_documents_come_to_without_tax),
    ),
    (
        "credits count as sales",
        "CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END\n        * (",
        "(",
        tie!(ties::revenue_by_month_and_by_customer_is_what_documents_come_to_without_tax),
    ),
    (
        "tax is revenue",
        " - CASE WHEN total_tax IS NULL THEN 0 ELSE home_total_tax END",
        "",
        tie!(ties::revenue_by_month_and_by_customer_is_what_documents_come_to_without_tax),
    ),
    (
        "payments that are not applied are forgotten",
        "WHERE unapplied_amount <> 0",
        "WHERE unapplied_amount < 0",
        tie!(ties::what_is_open_is_what_documents_leave_open),
    ),
    (
        "what is open of a bill is all of it",
        "bill\tbalance\tnumeric\t\tBalance\t",
        "bill\tbalance\tnumeric\t\tTotalAmt\t",
        tie!(ties::what_is_open_is_what_documents_leave_open),
    ),
    (
        "an item is its account",
        "\tSalesItemLineDetail.ItemRef.value | ",
        "\tSalesItemLineDetail.ItemAccountRef.value | ",
        tie!(ties::sales_by_item_are_the_lines_that_sell),
    ),
    (
        "lines that add up others are sold",
        "s.detail_type IN ('SalesItemLineDetail', 'GroupLineDetail')",
        "s.detail_type IN ('SalesItemLineDetail', 'SubTotalLineDetail')",
        tie!(ties::sales_by_item_are_the_lines_that_sell),
    ),
    (
        "tax taken back counts as collected",
        "CASE WHEN kind IN ('invoice', 'sales_receipt') THEN 1 ELSE -1 END AS sign\n    FROM quickbooks_document_tax_line",
        "1 AS sign\n    FROM quickbooks_document_tax_line",
        tie!(ties::tax_collected_is_the_tax_lines_of_sales),
    ),
    (
        "a refund to a card goes out of it",
        "CASE WHEN credit THEN {home",
        "CASE WHEN credit THEN -{home",
        tie!(cash::cash_by_account_is_what_documents_move_on_bank_and_card_accounts),
    ),
    (
        "transfers go the other way",
        "transfer\tfrom_account_id\ttext\t\tFromAccountRef.value",
        "transfer\tfrom_account_id\ttext\t\tToAccountRef.value",
        tie!(cash::cash_by_account_is_what_documents_move_on_bank_and_card_accounts),
    ),
    (
        "accounts have no parents",
        "account\tparent_account_id\ttext\t\tParentRef.value",
        "account\tparent_account_id\ttext\t\tParentRef.name",
        tie!(ties::the_account_tree_has_every_account_once_with_its_way_from_the_top),
    ),
    (
        "deleted records are there",
        " WHERE NOT _fivetran_deleted",
        "",
        tie!(columns::a_table_has_the_records_that_are_there_and_its_history_the_deleted_one_too),
    ),
    (
        "lines of deleted records are there",
        " AND r.deleted_at_utc IS NULL",
        "",
        tie!(ties::the_lines_of_documents_are_those_of_their_records),
    ),
    (
        "lines do not say what they are",
        "*sales_line\tdetail_type\ttext\t\tDetailType\t",
        "*sales_line\tdetail_type\ttext\t\tDetail\t",
        tie!(ties::a_document_comes_to_the_lines_that_its_columns_say_count),
    ),
];

/// Mistakes that the company made by hand sees, likewise.
const MADE_MUTANTS: &[(&str, &str, &str)] = &[
    (
        "what is owed until it is used is revenue",
        "WHERE classification <> 'Revenue'",
        "WHERE classification = 'None'",
    ),
    (
        "an item's own account is not asked",
        "coalesce(l.account_id, i.income_account_id) AS",
        "l.account_id AS",
    ),
    ("a bundle counts beside its lines", " AND b.kind IS NULL", ""),
    (
        "the lines of bundles are not sold",
        "AND detail_type = 'SalesItemLineDetail'\n) AS l",
        "AND detail_type = 'None'\n) AS l",
    ),
    (
        "the other side of deposits comes in",
        "CASE WHEN kind IN ('deposit', 'vendor_credit')",
        "CASE WHEN kind IN ('vendor_credit')",
    ),
    (
        "the line of a refund to a card goes into the account",
        " OR credit THEN -home_amount",
        " THEN -home_amount",
    ),
    (
        "deposits on invoices are forgotten",
        "{home deposit, home_rate}",
        "{home balance, home_rate}",
    ),
    (
        "the money of a deleted account is gone",
        "JOIN {table account_history} AS a ON {same a m}",
        "JOIN {table account} AS a ON {same a m}",
    ),
    (
        "products are those of binary fractions",
        "h*p+(l+w/2)/w",
        "CAST(round(a*b*100) AS INTEGER)",
    ),
    (
        "a rate that cannot be read is 1",
        " END END AS \"home_rate\"",
        " ELSE '1' END END AS \"home_rate\"",
    ),
    (
        "a class of the document is not that of its lines",
        " | DiscountLineDetail.ClassRef.value | ^ClassRef.value",
        "",
    ),
    (
        "a credit is the last sale",
        "max(CASE WHEN kind IN ('invoice', 'sales_receipt') THEN transaction_date END)",
        "max(transaction_date)",
    ),
];

#[tokio::test]
async fn every_broken_mapping_is_seen_by_a_tie() {
    let database = Database::sqlite().await;
    books::stored(&database).await;
    for (mistake, right, wrong, tie) in MUTANTS {
        is_seen(&database, mistake, (right, wrong), *tie).await;
    }
    lay_out(&database, "", "").await;
    ties::the_totals_of_documents_are_the_emulators_own(&database).await;
}

#[tokio::test]
async fn every_broken_mapping_of_what_was_made_by_hand_is_seen() {
    let database = Database::sqlite().await;
    made::stored(&database).await;
    for (mistake, right, wrong) in MADE_MUTANTS {
        let tie: Tie = tie!(made::figures_are_what_was_booked);
        is_seen(&database, mistake, (right, wrong), tie).await;
    }
}

async fn is_seen(database: &Database, mistake: &str, (right, wrong): (&str, &str), tie: Tie) {
    let changed = lay_out(database, right, wrong).await;
    assert!(changed, "{mistake}: there is no `{right}`");
    let outcome = AssertUnwindSafe(tie(database)).catch_unwind().await;
    assert!(outcome.is_err(), "{mistake}: the tie holds");
}

/// Makes the views anew with a mistake in them. Answers whether anything is different.
async fn lay_out(database: &Database, right: &str, wrong: &str) -> bool {
    let mistaken = |text: &str| {
        if right.is_empty() {
            text.to_owned()
        } else {
            text.replace(right, wrong)
        }
    };
    let measures = MEASURES.map(mistaken);
    let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
    let layout = Layout::parse("quickbooks", "qbo_", &mistaken(COLUMNS), &measures).unwrap();
    let Database::Sqlite(world, _) = database else {
        panic!("the views of a file are the ones that are changed");
    };
    let mut file = world.sql().await;
    let mut changed = false;
    for (view, good) in sqlite::views(&layout)
        .iter()
        .zip(sqlite::views(Database::layout()))
    {
        let statement = mistaken(&view.statement);
        changed |= statement != good.statement;
        let make = format!("DROP VIEW {}; {statement}", view.name);
        file.execute(sqlx::raw_sql(AssertSqlSafe(make))).await.unwrap();
    }
    changed
}
