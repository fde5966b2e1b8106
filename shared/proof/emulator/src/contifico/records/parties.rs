//! Persons on the wire, alone and inside of documents.

use super::pen::{Pen, edited, may_say, nulls};
use crate::contifico::books::person::{Person, person as facts};
use crate::contifico::books::{Record, ecuador};
use crate::contifico::resource::Table;
use crate::json::Json;
use chrono::DateTime;

pub(super) fn person(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let person = facts(pen.plan(), record.ordinal);
    pen.id(record, json);
    identity(&person, json);
    json.text("direccion", &edited(&person.address, record));
    contact(&person, json);
    standing(&person, record.ordinal, json);
    if pen.is_v2() {
        second_version(pen, record, json);
    } else {
        json.value("aplicar_cupo", false);
        nulls(&["id_categoria", "categoria_nombre"], json);
    }
}

fn identity(person: &Person, json: &mut Json) {
    json.quoted("tipo", person.kind);
    json.quoted("cedula", &person.cedula);
    may_say("ruc", person.ruc.as_deref(), json);
    nulls(&["placa"], json);
    json.text("razon_social", &person.name);
    json.text(
        "nombre_comercial",
        if person.kind == "J" { &person.name } else { "" },
    );
}

fn contact(person: &Person, json: &mut Json) {
    json.quoted("telefonos", &person.phone);
    json.text("email", &person.email);
}

fn standing(person: &Person, ordinal: u64, json: &mut Json) {
    json.value("es_cliente", !person.is_provider);
    json.value("es_proveedor", person.is_provider);
    json.value("es_empleado", person.is_employee);
    json.value("es_vendedor", person.is_employee);
    json.value("es_extranjero", person.kind == "P");
    if ordinal.is_multiple_of(3) {
        nulls(&["es_corporativo"], json);
    } else {
        json.value("es_corporativo", false);
    }
    json.quoted("porcentaje_descuento", "0.0");
    for key in [
        "adicional1_cliente",
        "adicional2_cliente",
        "adicional3_cliente",
        "adicional4_cliente",
    ] {
        json.quoted(key, "");
    }
    nulls(
        &[
            "adicional1_proveedor",
            "adicional2_proveedor",
            "adicional3_proveedor",
            "adicional4_proveedor",
        ],
        json,
    );
    nulls(
        &[
            "personaasociada_id",
            "banco_codigo_id",
            "tipo_cuenta",
            "numero_tarjeta",
            "origen",
        ],
        json,
    );
}

fn second_version(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    json.quoted("aplicar_cupo", "false");
    nulls(&["categoria_id", "sueldo"], json);
    json.quoted("pvp_default", "pvp1");
    json.value("dias_credito", record.ordinal % 4 * 15);
    pen.cents("cupo_credito", 0, json);
    for (key, account) in [("cuenta_por_cobrar_id", 3), ("cuenta_por_pagar_id", 14)] {
        json.object(key, |json| {
            json.value("id", 90_000 + account);
            pen.reference("id_integracion", Table::Accounts, account, json);
        });
    }
    let local = ecuador::instant(ecuador::day_of(record.changed), 0);
    let clock = DateTime::from_timestamp(record.changed - local, 0).unwrap_or_default();
    let day = ecuador::day_of(record.changed);
    json.quoted(
        "fecha_modificacion",
        format!("{day}T{}", clock.format("%H:%M:%S")),
    );
    if record.ordinal % 8 == 5 {
        json.object("vendedor_asignado", |json| {
            pen.reference("id", Table::Persons, 0, json);
            json.text("nombre", &facts(pen.plan(), 0).name);
        });
    } else {
        nulls(&["vendedor_asignado"], json);
    }
}

/// The customer inside of a document, as version 2 has it.
pub(super) fn customer(pen: &Pen<'_>, ordinal: u64, json: &mut Json) {
    let person = facts(pen.plan(), ordinal);
    json.object("cliente", |json| {
        may_say("ruc", person.ruc.as_deref(), json);
        json.quoted("cedula", &person.cedula);
        json.text("razon_social", &person.name);
        json.quoted("telefonos", &person.phone);
        json.text("direccion", &person.address);
        json.quoted("tipo", person.kind);
        json.text("email", &person.email);
        json.value("es_extranjero", person.kind == "P");
    });
}

/// The whole person inside of a document, as version 1 has it; of a provider's document it is often empty.
pub(super) fn embedded(pen: &Pen<'_>, ordinal: u64, is_empty: bool, json: &mut Json) {
    json.object("persona", |json| {
        if is_empty {
            return;
        }
        let person = facts(pen.plan(), ordinal);
        if pen.hides_ids(Table::Persons) {
            nulls(&["id"], json);
        } else {
            pen.reference("id", Table::Persons, ordinal, json);
        }
        identity(&person, json);
        json.text("direccion", &person.address);
        contact(&person, json);
        standing(&person, ordinal, json);
        json.quoted("pvp_default", "pvp1");
    });
}
