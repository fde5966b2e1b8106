//! The small lists: categories, brands, variants, warehouses, cost centers and accounts.

use super::pen::{Pen, edited, may_say, nulls};
use crate::contifico::books::accounts::{CENTERS, CHART};
use crate::contifico::books::{Record, words};
use crate::contifico::resource::Table;
use crate::json::Json;

pub(super) fn category_name(record: &Record) -> String {
    edited(&words::family(record.ordinal), record)
}

pub(super) fn category(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    pen.id(record, json);
    json.text("nombre", &category_name(record));
    if pen.is_v2() {
        // A number of the web site, and no id.
        json.value("cuenta_venta", 4_100 + record.ordinal);
        return;
    }
    // Every fourth is the parent of the three after it; one parent in the list is not listed itself.
    let parent = (!record.ordinal.is_multiple_of(4)).then(|| record.ordinal / 4 * 4);
    let parent = if record.ordinal == 7 {
        Some(1_000_003)
    } else {
        parent
    };
    pen.may_refer("padre_id", Table::Categories, parent, json);
    may_say(
        "tipo_producto",
        [Some("PROD"), Some("SERV"), None][index(record.ordinal, 3)],
        json,
    );
    json.value("agrupar", record.ordinal.is_multiple_of(4));
    let account = |place: u64| (record.ordinal % 5 != 2).then_some(place);
    pen.may_refer("cuenta_venta", Table::Accounts, account(21), json);
    pen.may_refer("cuenta_compra", Table::Accounts, account(25), json);
    pen.may_refer("cuenta_inventario", Table::Accounts, account(5), json);
}

pub(super) fn brand(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    pen.id(record, json);
    json.text("nombre", &edited(&words::maker(record.ordinal), record));
}

pub(super) fn variant(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let (name, values) = words::feature(record.ordinal);
    pen.id(record, json);
    json.text("nombre", &edited(&name, record));
    json.array("valores", |json| {
        for (number, value) in (0..).zip(values) {
            json.element(|json| {
                json.quoted(
                    "id",
                    pen.plan()
                        .id(Table::Variants, 1_000_000 + record.ordinal * 100 + number),
                );
                json.text("valor", value);
            });
        }
    });
}

pub(super) fn warehouse_code(record: &Record) -> String {
    format!("BOD{:03}", record.ordinal + 1)
}

/// Whether a warehouse belongs to a point of sale.
pub(in crate::contifico) fn sells(warehouse: u64) -> bool {
    warehouse % 3 != 2
}

pub(super) fn warehouse(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    pen.id(record, json);
    json.text("codigo", &warehouse_code(record));
    json.text(
        "nombre",
        &edited(&format!("BODEGA {}", record.ordinal + 1), record),
    );
    json.value("venta", sells(record.ordinal));
    json.value("compra", record.ordinal.is_multiple_of(2));
    json.value("produccion", false);
}

/// The code, name and kind of an account; of one that a mutation made, numbers.
pub(super) fn account_facts(record: &Record) -> (String, String, &'static str) {
    match CHART.get(index(record.ordinal, usize::MAX)) {
        Some((code, name, kind)) => ((*code).to_owned(), (*name).to_owned(), kind),
        None => (
            format!("5.2.{}", record.ordinal),
            format!("GASTO {}", record.ordinal),
            "C",
        ),
    }
}

pub(super) fn account(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let (code, name, kind) = account_facts(record);
    pen.id(record, json);
    json.text("codigo", &code);
    json.text("nombre", &edited(&name, record));
    json.quoted("tipo", kind);
}

/// The code, name and kind of a cost center, and its parent's place.
pub(super) fn center_facts(record: &Record) -> (String, String, &'static str, Option<u64>) {
    match CENTERS.get(index(record.ordinal, usize::MAX)) {
        Some((code, name, kind, parent)) => ((*code).to_owned(), (*name).to_owned(), kind, *parent),
        None => (
            format!("2.{}", record.ordinal),
            format!("CENTRO {}", record.ordinal),
            "T",
            Some(4),
        ),
    }
}

pub(super) fn cost_center(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let (code, name, kind, parent) = center_facts(record);
    pen.id(record, json);
    json.text("codigo", &code);
    json.text("nombre", &edited(&name, record));
    json.quoted("tipo", kind);
    json.quoted("estado", "A");
    match parent {
        Some(parent) => pen.reference("padre_id", Table::CostCenters, parent, json),
        None => nulls(&["padre_id"], json),
    }
}

fn index(ordinal: u64, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    usize::try_from(ordinal % length).unwrap_or(usize::MAX)
}
