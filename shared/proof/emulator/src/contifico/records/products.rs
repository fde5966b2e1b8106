//! Products: what the company sells. Their stock is the sum of the movements.

use super::pen::{Pen, edited, may_say, nulls};
use crate::contifico::books::amount::Amount;
use crate::contifico::books::document::{price, vat};
use crate::contifico::books::ecuador::day_of;
use crate::contifico::books::movement::is_good;
use crate::contifico::books::plan::Plan;
use crate::contifico::books::{Record, movement, words};
use crate::contifico::resource::Table;
use crate::json::Json;

pub(super) fn code(ordinal: u64) -> String {
    format!("{:05}", ordinal + 1)
}

pub(super) fn name(plan: &Plan, record: &Record) -> String {
    let dice = &mut plan.dice("product", record.ordinal);
    edited(&words::good(dice, record.ordinal), record)
}

/// `A`, or `I` for one in thirty.
pub(super) fn standing(ordinal: u64) -> &'static str {
    if ordinal % 30 == 29 { "I" } else { "A" }
}

/// What the movements left, those of mutations included.
fn stock(pen: &Pen<'_>, product: u64) -> Amount {
    let mut stock = pen.plan().stock(product);
    for ordinal in pen.sight.touched(Table::Movements) {
        let was =
            (ordinal < pen.plan().planned(Table::Movements)).then(|| movement::planned(pen.plan(), ordinal));
        let is = pen
            .sight
            .record(Table::Movements, ordinal)
            .map(|record| super::movements::facts(pen.plan(), &record));
        let effect = |movement: &movement::Movement| -> i64 {
            let lines = movement.lines.iter().filter(|line| line.product == product);
            lines
                .map(|line| movement.direction() * line.quantity.in_millionths())
                .sum()
        };
        stock += is.as_ref().map_or(0, effect) - was.as_ref().map_or(0, effect);
    }
    Amount::millionths(stock)
}

pub(super) fn product(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let (plan, ordinal) = (pen.plan(), record.ordinal);
    let dice = &mut plan.dice("product members", ordinal);
    pen.id(record, json);
    json.text("codigo", &code(ordinal));
    json.text("nombre", &name(plan, record));
    json.text(
        "descripcion",
        if dice.chance(30) {
            "Hecho a mano; tallas según tabla"
        } else {
            ""
        },
    );
    json.quoted("tipo", if is_good(ordinal) { "PRO" } else { "SER" });
    json.quoted("tipo_producto", "SIM");
    json.quoted("estado", standing(ordinal));
    let category = dice.chance(95).then(|| dice.below(plan.scale.categories));
    pen.may_refer("categoria_id", Table::Categories, category, json);
    let brand = dice.chance(40).then(|| dice.below(plan.scale.brands));
    pen.may_refer("marca_id", Table::Brands, brand, json);
    may_say("marca_nombre", brand.map(words::maker).as_deref(), json);
    let barcode = dice
        .chance(60)
        .then(|| format!("786{:010}", dice.below(10_000_000_000)));
    may_say("codigo_barra", barcode.as_deref(), json);
    nulls(&["codigo_proveedor"], json);
    match vat(plan, ordinal, plan.as_of) {
        Some(rate) => json.value("porcentaje_iva", rate),
        None => nulls(&["porcentaje_iva"], json),
    }
    prices(pen, record, json);
    json.value("pvp_manual", dice.chance(5));
    pen.amount("minimo", Amount::cents(dice.between(0, 5) * 100), json);
    pen.amount("cantidad_stock", stock(pen, ordinal), json);
    json.value("para_pos", dice.chance(80));
    json.value("generacion_automatica", false);
    pen.reference("cuenta_venta_id", Table::Accounts, 21, json);
    pen.reference("cuenta_compra_id", Table::Accounts, 25, json);
    pen.reference("cuenta_costo_id", Table::Accounts, 25, json);
    variants(pen, record, json);
    nulls(
        &[
            "id_integracion_proveedor",
            "producto_base_id",
            "nombre_producto_base",
            "personalizado1",
            "personalizado2",
        ],
        json,
    );
    nulls(&["lead_time", "peso_desde", "peso_hasta", "pvp_peso"], json);
    json.quoted("imagen", "");
    pen.doubtful_day("fecha_creacion", day_of(record.created), json);
    if pen.is_v2() {
        second_version(record, json);
    }
}

fn prices(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let first = price(pen.plan(), record.ordinal).plus(Amount::cents(i64::from(record.state.editions)));
    pen.amount("pvp1", first, json);
    pen.amount("pvp2", first.share(95), json);
    pen.amount("pvp3", first.share(90), json);
    nulls(&["pvp4"], json);
    if record.ordinal.is_multiple_of(7) {
        nulls(&["costo_maximo"], json);
    } else {
        pen.amount("costo_maximo", first.share(60), json);
    }
}

fn variants(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    nulls(&["variantes"], json);
    json.array("detalle_variantes", |json| {
        if record.ordinal % 9 == 4 {
            json.element(|json| {
                pen.reference("variante_id", Table::Variants, 0, json);
                pen.reference("valor_id", Table::Variants, 1_000_001, json);
            });
        }
    });
}

fn second_version(record: &Record, json: &mut Json) {
    nulls(
        &["codigo_auxiliar", "porcentaje_ice", "valor_ice", "campo_catalogo"],
        json,
    );
    json.quoted("unidad", format!("UNIDAD{:010}", record.ordinal % 3));
    json.value("maneja_nombremanual", record.ordinal.is_multiple_of(11));
    json.value("porcentaje_servicio", false);
}
