//! Bank accounts and what moved on them.

use chrono::{Datelike, NaiveDate};

use super::pen::{Pen, edited, nulls};
use crate::contifico::books::amount::Amount;
use crate::contifico::books::settlement::Collection;
use crate::contifico::books::{Record, Sight, document, settlement};
use crate::contifico::resource::Table;
use crate::json::Json;

/// An account's number; some begin with zeros.
pub(super) fn account_number(ordinal: u64) -> String {
    format!("{:010}", ordinal * 1_204_567 + 89)
}

pub(super) fn account(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let dice = &mut pen.plan().dice("bank account", record.ordinal);
    pen.id(record, json);
    json.text(
        "nombre",
        &edited(&format!("BANCO DEL PÁRAMO {}", record.ordinal + 1), record),
    );
    json.quoted("numero", account_number(record.ordinal));
    json.quoted(
        "tipo_cuenta",
        if record.ordinal.is_multiple_of(2) {
            "CC"
        } else {
            "CA"
        },
    );
    pen.cents("saldo_inicial", dice.between(0, 5_000_000), json);
    Pen::day("fecha_corte", pen.plan().first_day, json);
    json.quoted("estado", if record.ordinal % 5 == 4 { "I" } else { "A" });
    pen.reference("cuenta_contable", Table::Accounts, 4, json);
    if pen.is_v2() {
        json.text("nombre_banco", "BANCO DEL PÁRAMO");
    }
}

/// The collection behind a bank movement; none for a fee.
fn shown(sight: &Sight<'_>, record: &Record) -> Option<Collection> {
    match record.state.birth {
        Some(_) => None,
        None => settlement::of_transaction(sight.plan, sight.plan.banked(record.ordinal)?),
    }
}

/// In cents.
pub(super) fn total(sight: &Sight<'_>, record: &Record) -> i64 {
    let fee = i64::try_from(35 + record.ordinal % 400).unwrap_or(0);
    let cents = shown(sight, record).map_or(fee, |collection| collection.cents);
    cents + i64::from(record.state.editions)
}

pub(super) fn receipt(record: &Record, date: NaiveDate) -> String {
    format!("{:04}{:02}{:06}", date.year(), date.month(), record.ordinal + 1)
}

pub(super) fn movement(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let plan = pen.plan();
    let date = record.date.unwrap_or(plan.as_of);
    let collection = shown(pen.sight, record);
    let outline = collection.as_ref().and_then(|collection| {
        let date = plan.date(Table::Documents, collection.document)?;
        Some(document::outline(plan, collection.document, date))
    });
    let income = outline.is_some_and(|outline| outline.kind.register == "CLI");
    let kind = match (income, collection.as_ref().map(|collection| collection.form)) {
        (true, Some("CQ")) => "D",
        (true, _) => "N",
        (false, Some("CQ")) => "C",
        (false, _) => "T",
    };
    pen.id(record, json);
    json.quoted("numero_comprobante", receipt(record, date));
    json.quoted("tipo", kind);
    json.quoted("tipo_registro", if income { "I" } else { "E" });
    pen.may_refer(
        "persona",
        Table::Persons,
        outline.map(|outline| outline.person),
        json,
    );
    let bank = collection
        .as_ref()
        .and_then(|collection| collection.bank)
        .unwrap_or(0);
    pen.reference("cuenta_bancaria_id", Table::BankAccounts, bank, json);
    Pen::day("fecha_emision", date, json);
    json.array("detalles", |json| {
        json.element(|json| {
            pen.amount("monto", Amount::cents(total(pen.sight, record)), json);
            nulls(&["cuenta_id", "centro_costo_id"], json);
        });
    });
}
