//! The records as the API writes them: one file a kind, and for each what filters know of it.

mod bank;
mod cards;
mod catalogue;
mod documents;
mod guides;
mod journals;
mod lines;
mod movements;
mod parties;
mod pen;
mod products;
mod transactions;

pub(super) use cards::{card, open_balance, total};
pub(super) use catalogue::sells;
pub(super) use movements::lying;
pub(super) use pen::Pen;

use super::books::Record;
use super::resource::Table;
use crate::json::Json;

/// Writes a record as the next element of a list.
pub(super) fn write(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    json.element(|json| match record.table {
        Table::Categories => catalogue::category(pen, record, json),
        Table::Brands => catalogue::brand(pen, record, json),
        Table::Variants => catalogue::variant(pen, record, json),
        Table::Warehouses => catalogue::warehouse(pen, record, json),
        Table::CostCenters => catalogue::cost_center(pen, record, json),
        Table::Accounts => catalogue::account(pen, record, json),
        Table::Products => products::product(pen, record, json),
        Table::Movements => movements::movement(pen, record, json),
        Table::Guides => guides::guide(pen, record, json),
        Table::Documents => documents::document(pen, record, json),
        Table::Transactions => transactions::transaction(pen, record, json),
        Table::Persons => parties::person(pen, record, json),
        Table::Journals => journals::journal(pen, record, json),
        Table::BankAccounts => bank::account(pen, record, json),
        Table::BankMovements => bank::movement(pen, record, json),
    });
}

/// A record's complete text without insignificant whitespace.
pub(super) fn text(pen: &Pen<'_>, record: &Record) -> String {
    let mut json = Json::with_capacity(2_048);
    write(pen, record, &mut json);
    json.into_string()
}
