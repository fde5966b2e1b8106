//! Remission guides: the papers of goods on the road.

use super::pen::{Pen, edited, may_say, nulls};
use crate::contifico::books::document::{Outline, lines};
use crate::contifico::books::{Record, document, ecuador, person};
use crate::contifico::resource::Table;
use crate::json::Json;

pub(super) fn number(ordinal: u64) -> String {
    format!("001-001-{:09}", ordinal + 1)
}

/// The document whose goods are sent.
fn sent(pen: &Pen<'_>, record: &Record) -> Outline {
    let plan = pen.plan();
    let document = plan
        .guided(record.ordinal)
        .unwrap_or(record.ordinal % plan.planned(Table::Documents).max(1));
    let date = plan.date(Table::Documents, document).unwrap_or(plan.as_of);
    document::outline(plan, document, date)
}

pub(super) fn guide(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let plan = pen.plan();
    let outline = sent(pen, record);
    let date = record.date.unwrap_or(outline.date);
    let driver = person::person(plan, record.ordinal % 6 * 25);
    let number = number(record.ordinal);
    let electronic = record.ordinal % 4 != 3;
    let authorised = electronic
        .then(|| ecuador::authorisation(date, &plan.ruc, "001001", record.ordinal + 1, record.ordinal));
    pen.id(record, json);
    json.quoted("numero_documento", &number);
    json.quoted("estado", "E");
    json.value("electronico", electronic);
    json.quoted("autorizacion", authorised.unwrap_or_default());
    Pen::day("fecha_emision", date, json);
    Pen::day("fecha_inicio", date, json);
    Pen::day("fecha_fin", date.succ_opt().unwrap_or(date), json);
    pen.reference("transportista_id", Table::Persons, record.ordinal % 6 * 25, json);
    pen.reference(
        "bodega_id",
        Table::Warehouses,
        record.ordinal % plan.scale.warehouses,
        json,
    );
    json.quoted("placa", format!("XQZ-{:04}", record.ordinal % 10_000));
    may_say("cedula_chofer", Some(&driver.cedula), json);
    may_say("nombre_chofer", Some(&driver.name), json);
    nulls(
        &[
            "nombre_despachador",
            "ordencompraventa_id",
            "pos",
            "adicional1",
            "adicional2",
        ],
        json,
    );
    json.text("descripcion", &edited("Entrega a domicilio", record));
    json.text("direccion_partida", "Bodega central");
    json.object("destinatario", |json| {
        pen.reference("destinatario_id", Table::Persons, outline.person, json);
        pen.reference("documento_id", Table::Documents, outline.ordinal, json);
        json.text("direccion", &person::person(plan, outline.person).address);
        json.text("ruta", "Única");
        json.text("motivo", "VENTA");
        json.quoted("codigo_destino", "001");
        json.array("detalle", |json| goods(pen, &outline, json));
    });
}

fn goods(pen: &Pen<'_>, outline: &Outline, json: &mut Json) {
    let all = lines(pen.plan(), outline, 0);
    for (place, line) in all.iter().enumerate() {
        let Some(product) = line.product else { continue };
        json.element(|json| {
            pen.reference("producto_id", Table::Products, product, json);
            pen.line_amount("cantidad", line.quantity, place, json);
            nulls(&["serie", "lote", "fecha_expiracion"], json);
            json.quoted("nombre_manual", "");
        });
    }
}
