//! Transactions of the register: what was collected and what was paid.

use super::pen::{Pen, edited, nulls};
use crate::contifico::books::document::{lines, totals};
use crate::contifico::books::settlement::{Collection, collections, of_transaction};
use crate::contifico::books::{Record, Sight, document};
use crate::contifico::resource::Table;
use crate::json::Json;

/// A collection that came by a mutation.
pub(super) fn late(sight: &Sight<'_>, document: u64, number: u8) -> Option<Collection> {
    let record = sight.former(Table::Documents, document);
    let outline = document::outline(sight.plan, document, record.date?);
    let total = totals(&lines(sight.plan, &outline, record.state.editions)).total;
    let all = collections(sight.plan, &outline, total, &record.state.payments);
    all.into_iter().find(|collection| collection.number == number)
}

/// The collection behind a record; none for an advance that belongs to no document.
pub(super) fn facts(sight: &Sight<'_>, record: &Record) -> Option<Collection> {
    match record.state.birth {
        Some((birth, _)) => birth
            .of
            .and_then(|(document, number)| late(sight, document, number)),
        None => of_transaction(sight.plan, record.ordinal),
    }
}

/// What an advance comes to, in cents.
fn advance(record: &Record) -> i64 {
    let cents = 1_000 + record.ordinal % 9_000 * 7;
    i64::try_from(cents).unwrap_or(0) + i64::from(record.state.editions)
}

/// In cents.
pub(super) fn total(sight: &Sight<'_>, record: &Record) -> i64 {
    facts(sight, record).map_or_else(|| advance(record), |collection| collection.cents)
}

pub(super) fn transaction(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let plan = pen.plan();
    let collection = facts(pen.sight, record);
    let outline = collection.as_ref().and_then(|collection| {
        let date = pen.sight.former(Table::Documents, collection.document).date?;
        Some(document::outline(plan, collection.document, date))
    });
    let paid = outline.is_some_and(|outline| outline.kind.register == "PRO");
    let form = match collection.as_ref().map(|collection| collection.form) {
        Some("EF") | None => "CAJA",
        Some("TC") => "TC",
        Some("CQ") => "CHEQUE",
        Some(_) => "TRANSF",
    };
    pen.id(record, json);
    json.quoted("tipo", if paid { "P" } else { "C" });
    Pen::day("fecha_emision", record.date.unwrap_or(plan.as_of), json);
    pen.cents("total", total(pen.sight, record), json);
    json.text(
        "numero_comprobante",
        &edited(&format!("{:08}", record.ordinal + 1), record),
    );
    json.quoted("forma", form);
    pen.may_refer(
        "persona_id",
        Table::Persons,
        outline.map(|outline| outline.person),
        json,
    );
    pen.may_refer(
        "documento_id",
        Table::Documents,
        outline.map(|outline| outline.ordinal),
        json,
    );
    json.array("detalles", |json| {
        json.element(|json| {
            pen.may_refer(
                "documento_id",
                Table::Documents,
                outline.map(|outline| outline.ordinal),
                json,
            );
            pen.cents("valor_pago", total(pen.sight, record), json);
            nulls(&["cuenta_id"], json);
        });
    });
}
