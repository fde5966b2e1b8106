//! The tables in which people read the records: that they are there for every connection, that no value takes one down, and
//! that what they add up to is what the source knows.

mod books;
mod cash;
mod columns;
mod database;
mod made;
mod mutants;
mod odd;
mod schemas;
mod ties;
mod typed;

use database::Database;

#[tokio::test]
async fn what_the_tables_of_a_file_say_is_what_the_source_knows() {
    what_tables_say_is_what_the_source_knows(Database::sqlite().await).await;
}

#[tokio::test]
async fn what_the_tables_of_a_fleet_say_is_what_the_source_knows() {
    what_tables_say_is_what_the_source_knows(Database::postgres().await).await;
}

#[tokio::test]
async fn what_tables_say_of_documents_made_by_hand_is_what_was_booked() {
    for database in database::both().await {
        made::stored(&database).await;
        made::figures_are_what_was_booked(&database).await;
        made::ages_are_counted_from_the_day_of_the_company(&database).await;
    }
}

/// The books are stored once: they are what takes time.
async fn what_tables_say_is_what_the_source_knows(database: Database) {
    books::stored(&database).await;
    let database = &database;
    columns::a_table_has_the_records_that_are_there_and_its_history_the_deleted_one_too(database).await;
    ties::the_totals_of_documents_are_the_emulators_own(database).await;
    ties::the_lines_of_documents_are_those_of_their_records(database).await;
    ties::revenue_by_month_and_by_customer_is_what_documents_come_to_without_tax(database).await;
    ties::what_is_open_is_what_documents_leave_open(database).await;
    ties::sales_by_item_are_the_lines_that_sell(database).await;
    ties::tax_collected_is_the_tax_lines_of_sales(database).await;
    ties::a_document_comes_to_the_lines_that_its_columns_say_count(database).await;
    cash::cash_by_account_is_what_documents_move_on_bank_and_card_accounts(database).await;
    ties::the_account_tree_has_every_account_once_with_its_way_from_the_top(database).await;
    typed::copies_are_what_the_views_are(database, &["demo-ca"]).await;
    columns::every_view_answers_and_every_column_has_a_value_or_a_reason_to_have_none(database).await;
}
