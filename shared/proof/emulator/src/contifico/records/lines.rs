//! The parts of a document: its lines and its collections.

use super::pen::{Pen, nulls};
use crate::contifico::books::amount::Amount;
use crate::contifico::books::document::{Line, Outline};
use crate::contifico::books::settlement::Collection;
use crate::contifico::resource::Table;
use crate::json::Json;

pub(super) fn line(pen: &Pen<'_>, outline: &Outline, line: &Line, place: usize, json: &mut Json) {
    json.element(|json| {
        pen.may_refer("producto_id", Table::Products, line.product, json);
        if pen.is_v2() {
            nulls(&["cuenta_id", "centro_costo_id"], json);
        }
        pen.line_amount("cantidad", line.quantity, place, json);
        pen.line_amount("precio", line.price, place, json);
        match line.vat {
            Some(rate) => json.value("porcentaje_iva", rate),
            None => nulls(&["porcentaje_iva"], json),
        }
        pen.line_amount(
            "porcentaje_descuento",
            Amount::cents(line.discount * 100),
            place,
            json,
        );
        let (untaxed, taxed, outside) = match line.vat {
            Some(0) => (line.base, 0, 0),
            Some(_) => (0, line.base, 0),
            None => (0, 0, line.base),
        };
        pen.line_amount("base_cero", Amount::cents(untaxed), place, json);
        pen.line_amount("base_gravable", Amount::cents(taxed), place, json);
        pen.line_amount("base_no_gravable", Amount::cents(outside), place, json);
        nulls(&["porcentaje_ice", "serie", "descripcion"], json);
        pen.line_amount("valor_ice", Amount::default(), place, json);
        pen.line_amount("ibpnr", Amount::default(), place, json);
        match line.product {
            Some(_) => nulls(&["nombre_manual"], json),
            None => json.text(
                "nombre_manual",
                &format!("Varios según nota {}", outline.ordinal + 1),
            ),
        }
        if !pen.is_v2() {
            json.array("formula", |_| {});
            nulls(
                &["url_", "promocion_integracionId", "color_id", "peso", "volumen"],
                json,
            );
        }
    });
}

pub(super) fn collection(pen: &Pen<'_>, collection: &Collection, json: &mut Json) {
    json.element(|json| {
        let id = collection.document * 64 + u64::from(collection.number);
        json.quoted("id", pen.plan().id(Table::Transactions, (1 << 36) + id));
        json.quoted("forma_cobro", collection.form);
        pen.cents("monto", collection.cents, json);
        Pen::day("fecha", collection.date, json);
        pen.may_refer("cuenta_bancaria_id", Table::BankAccounts, collection.bank, json);
        if collection.form == "CQ" {
            json.quoted("numero_cheque", format!("{:06}", id % 1_000_000));
            Pen::day("fecha_cheque", collection.date, json);
        } else {
            nulls(&["numero_cheque", "fecha_cheque"], json);
        }
        if collection.form == "TC" {
            json.quoted("tipo_ping", "D");
            json.quoted("lote", format!("{:04}", id % 10_000));
        } else {
            nulls(&["tipo_ping", "lote"], json);
        }
        nulls(
            &[
                "numero_comprobante",
                "caja_id",
                "numero_tarjeta",
                "nombre_tarjeta",
                "bin_tarjeta",
            ],
            json,
        );
        nulls(&["tipo_banco", "monto_propina"], json);
    });
}
