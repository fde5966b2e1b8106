//! Inventory movements on the wire.

use std::collections::BTreeMap;

use super::pen::{Pen, edited, nulls};
use crate::contifico::books::Record;
use crate::contifico::books::amount::Amount;
use crate::contifico::books::movement::{Movement, of_source, planned};
use crate::contifico::books::plan::Plan;
use crate::contifico::books::source::MovementSource;
use crate::contifico::resource::Table;
use crate::json::Json;

/// The movement behind a record; an edition more is a unit more of its first line.
pub(super) fn facts(plan: &Plan, record: &Record) -> Movement {
    let mut movement = match record.state.birth {
        Some((birth, _)) => of_source(plan, record.ordinal, birth.day, MovementSource::Adjustment),
        None => planned(plan, record.ordinal),
    };
    if let Some(first) = movement.lines.first_mut() {
        let more = Amount::millionths(i64::from(record.state.editions) * 1_000_000);
        first.quantity = first.quantity.plus(more);
    }
    movement
}

/// What of a product lies in which warehouse, in millionths.
pub(in crate::contifico) fn lying(pen: &Pen<'_>, product: u64) -> BTreeMap<u64, i64> {
    let mut lying: BTreeMap<u64, i64> = BTreeMap::new();
    for ordinal in pen.sight.ordinals(Table::Movements, None, None) {
        let Some(record) = pen.sight.record(Table::Movements, ordinal) else {
            continue;
        };
        let movement = facts(pen.plan(), &record);
        let moved = movement.lines.iter().filter(|line| line.product == product);
        let moved: i64 = moved.map(|line| line.quantity.in_millionths()).sum();
        if moved == 0 {
            continue;
        }
        let out = movement.kind == "EGR" || movement.to.is_some();
        *lying.entry(movement.warehouse).or_default() += if out { -moved } else { moved };
        if let Some(to) = movement.to {
            *lying.entry(to).or_default() += moved;
        }
    }
    lying
}

pub(super) fn movement(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let movement = facts(pen.plan(), record);
    pen.id(record, json);
    json.text("codigo", &movement.code);
    json.quoted("tipo", movement.kind);
    pen.doubtful_day("fecha", movement.date, json);
    json.quoted("estado", "G");
    pen.reference("bodega_id", Table::Warehouses, movement.warehouse, json);
    pen.may_refer("bodega_destino_id", Table::Warehouses, movement.to, json);
    json.text("descripcion", &edited("Movimiento de bodega", record));
    pen.cents("total", movement.total(), json);
    json.value("generar_asiento", movement.posts());
    nulls(&["pos", "codigo_interno"], json);
    if pen.is_v2() {
        nulls(&["cuenta_id", "proyecto"], json);
    }
    json.array("detalles", |json| {
        for (place, line) in movement.lines.iter().enumerate() {
            json.element(|json| {
                pen.reference("producto_id", Table::Products, line.product, json);
                pen.line_amount("cantidad", line.quantity, place, json);
                pen.line_amount("precio", line.price, place, json);
                nulls(&["serie", "edicion"], json);
                if pen.is_v2() {
                    pen.line_amount(
                        "costo_promedio",
                        Amount::cents(line.price.in_cents()),
                        place,
                        json,
                    );
                    json.quoted("unidad", "UNIDAD0000000000");
                }
            });
        }
    });
}
