//! Journal entries on the wire: debits equal credits.

use super::pen::{Pen, edited, nulls};
use super::transactions;
use crate::contifico::books::Record;
use crate::contifico::books::amount::Amount;
use crate::contifico::books::journal::{self, Journal, source_of};
use crate::contifico::resource::Table;
use crate::json::Json;

/// The entry behind a record.
pub(super) fn facts(pen: &Pen<'_>, record: &Record) -> Journal {
    let plan = pen.plan();
    let of = record.state.birth.and_then(|(birth, _)| birth.of);
    match of.and_then(|(document, number)| transactions::late(pen.sight, document, number)) {
        Some(collection) => journal::of_late_collection(plan, &collection),
        None => journal::journal(plan, source_of(plan, record.ordinal).1),
    }
}

pub(super) fn journal(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let entry = facts(pen, record);
    pen.id(record, json);
    Pen::day("fecha", record.date.unwrap_or(pen.plan().as_of), json);
    json.text("glosa", &edited(&entry.text, record));
    json.array("detalles", |json| {
        for (place, posting) in entry.postings.iter().enumerate() {
            json.element(|json| {
                pen.reference("cuenta_id", Table::Accounts, posting.account, json);
                match posting.center {
                    Some(center) => pen.reference("centro_costo_id", Table::CostCenters, center, json),
                    None if place == 1 => json.quoted("centro_costo_id", ""),
                    None => nulls(&["centro_costo_id"], json),
                }
                json.quoted("tipo", if posting.is_debit { "D" } else { "H" });
                pen.amount("valor", Amount::cents(posting.cents), json);
            });
        }
    });
}
