//! Documents on the wire: heads that are the sums of their lines, and what was collected of them.

use super::pen::{Pen, edited, may_say, nulls};
use super::{lines, parties};
use crate::contifico::books::document::{Line, Outline, Totals, lines as lines_of, totals};
use crate::contifico::books::ecuador::{authorisation, day_of};
use crate::contifico::books::plan::Plan;
use crate::contifico::books::settlement::{Collection, collections};
use crate::contifico::books::{Record, document};
use crate::contifico::resource::Table;
use crate::contifico::switches::Toggle;
use crate::json::Json;

/// A document with all that follows from it.
pub(super) struct Facts {
    pub(super) outline: Outline,
    pub(super) lines: Vec<Line>,
    pub(super) totals: Totals,
    pub(super) collections: Vec<Collection>,
}

pub(super) fn facts(plan: &Plan, record: &Record) -> Facts {
    let date = record.date.unwrap_or(plan.as_of);
    let mut outline = document::outline(plan, record.ordinal, date);
    if record.state.birth.is_some() {
        outline.created = day_of(record.created);
    }
    let lines = lines_of(plan, &outline, record.state.editions);
    let totals = totals(&lines);
    let collections = collections(plan, &outline, totals.total, &record.state.payments);
    Facts {
        outline,
        lines,
        totals,
        collections,
    }
}

impl Facts {
    /// What is not collected yet, in cents.
    pub(super) fn balance(&self) -> i64 {
        if self.outline.annulled {
            return 0;
        }
        let collected: i64 = self.collections.iter().map(|collection| collection.cents).sum();
        self.totals.total - collected
    }

    /// `A` annulled, `C` collected, `G` paid or closed, `P` pending, `E` issued, `F` invoiced.
    pub(super) fn standing(&self) -> &'static str {
        let kind = self.outline.kind;
        match (kind.code, kind.register, kind.paid) {
            _ if self.outline.annulled => "A",
            ("COT", ..) => ["E", "P"][usize::from(self.outline.ordinal % 2 == 1)],
            ("PRE" | "OCV", ..) => ["P", "F"][usize::from(self.outline.ordinal % 2 == 1)],
            ("DAC", ..) => ["C", "G"][usize::from(self.outline.ordinal % 2 == 1)],
            (_, _, false) => "G",
            _ if self.balance() > 0 => "P",
            (_, "CLI", _) => "C",
            _ => "G",
        }
    }

    /// Whether something is left to be paid.
    pub(super) fn is_open(&self) -> bool {
        self.outline.kind.paid && !self.outline.annulled && self.balance() > 0
    }
}

pub(super) fn number(outline: &Outline) -> String {
    let point = 1 + outline.ordinal % 3;
    format!("001-{point:03}-{:09}", outline.ordinal + 1)
}

pub(super) fn document(pen: &Pen<'_>, record: &Record, json: &mut Json) {
    let facts = facts(pen.plan(), record);
    let outline = &facts.outline;
    pen.id(record, json);
    json.quoted("documento", number(outline));
    json.quoted("tipo_documento", outline.kind.code);
    json.quoted("tipo_registro", outline.kind.register);
    json.quoted("estado", facts.standing());
    json.value("anulado", outline.annulled);
    json.value("entregado", outline.ordinal.is_multiple_of(2));
    tax_office(pen, record, outline, json);
    Pen::day("fecha_creacion", outline.created, json);
    Pen::day("fecha_emision", outline.date, json);
    Pen::day("fecha_vencimiento", outline.due, json);
    let minutes = outline.ordinal % 60;
    if pen.is_v2() {
        json.quoted(
            "hora_emision",
            format!("{:02}:{minutes:02}", 8 + outline.ordinal % 12),
        );
    } else {
        json.quoted(
            "hora_emision",
            format!("{:02}:{minutes:02}:00", 8 + outline.ordinal % 12),
        );
    }
    amounts(pen, &facts, json);
    json.text(
        "descripcion",
        &edited(&format!("{} {}", outline.kind.code, outline.ordinal + 1), record),
    );
    json.quoted("referencia", "");
    json.quoted("adicional1", "");
    json.quoted("adicional2", "");
    party(pen, outline, json);
    rest(outline, json);
    if pen.is_v2() {
        second_version(pen, record, outline, json);
    }
    json.array("detalles", |json| {
        for (place, line) in facts.lines.iter().enumerate() {
            lines::line(pen, outline, line, place, json);
        }
    });
    collected(pen, &facts, json);
}

/// The authorisation; a document that a mutation made has none until the tax office answers.
fn tax_office(pen: &Pen<'_>, record: &Record, outline: &Outline, json: &mut Json) {
    let electronic = outline.is_electronic();
    let authorised = electronic && (record.state.birth.is_none() || record.state.authorised);
    json.value("electronico", electronic);
    json.value("firmado", authorised);
    let series = format!("001{:03}", 1 + outline.ordinal % 3);
    let number = authorised.then(|| {
        let plan = pen.plan();
        authorisation(
            outline.date,
            &plan.ruc,
            &series,
            outline.ordinal + 1,
            plan.seed ^ outline.ordinal,
        )
    });
    json.quoted("autorizacion", number.as_deref().unwrap_or(""));
    for (key, kind) in [("url_ride", "pdf"), ("url_xml", "xml")] {
        let address = number
            .as_ref()
            .map(|number| format!("https://archivos.contifico.example/{number}.{kind}"));
        may_say(key, address.as_deref(), json);
    }
}

fn amounts(pen: &Pen<'_>, facts: &Facts, json: &mut Json) {
    let totals = facts.totals;
    pen.cents("subtotal_0", totals.untaxed, json);
    pen.cents("subtotal_12", totals.taxed, json);
    if pen.is_v2() {
        pen.cents("subtotal", totals.untaxed + totals.taxed, json);
    }
    pen.cents("iva", totals.vat, json);
    pen.cents("ice", 0, json);
    pen.cents("servicio", 0, json);
    pen.cents("total", totals.total, json);
    pen.cents("saldo", facts.balance(), json);
    pen.cents("saldo_anticipo", 0, json);
}

fn party(pen: &Pen<'_>, outline: &Outline, json: &mut Json) {
    pen.reference("persona_id", Table::Persons, outline.person, json);
    if pen.is_v2() {
        parties::customer(pen, outline.person, json);
    } else {
        let is_empty = outline.kind.register == "PRO" && !outline.ordinal.is_multiple_of(3);
        parties::embedded(pen, outline.person, is_empty, json);
    }
    if outline.ordinal.is_multiple_of(5) {
        let seller = outline.ordinal % (pen.plan().scale.persons / 25) * 25;
        pen.reference("vendedor_id", Table::Persons, seller, json);
    } else {
        nulls(&["vendedor_id"], json);
    }
    nulls(&["vendedor", "vendedor_identificacion"], json);
}

fn rest(outline: &Outline, json: &mut Json) {
    nulls(
        &[
            "pos",
            "caja_id",
            "tipo_descuento",
            "tipo_domicilio",
            "orden_domicilio_id",
            "placa",
            "pax",
        ],
        json,
    );
    nulls(
        &[
            "fecha_evento",
            "hora_evento",
            "direccion_evento",
            "logistica",
            "tarjeta_consumo_id",
        ],
        json,
    );
    nulls(&["reserva_relacionada", "documento_relacionado_id"], json);
    json.value("reembolso", outline.kind.code == "LQR");
}

fn second_version(pen: &Pen<'_>, record: &Record, outline: &Outline, json: &mut Json) {
    let authorised = outline.is_electronic() && (record.state.birth.is_none() || record.state.authorised);
    json.value("autorizado_sri", authorised);
    json.value("enviado_sri", authorised);
    json.value("correo_enviado", authorised);
    json.value("numero_cuotas", 0);
    json.array("retenciones", |_| {});
    if pen.switches.document_changes == Toggle::On {
        json.quoted("fecha_modificacion", day_of(record.changed));
    }
}

/// What was collected; where there is nothing, an empty array or null.
fn collected(pen: &Pen<'_>, facts: &Facts, json: &mut Json) {
    let twin = pen.is_v2() && pen.switches.twin_collections == Toggle::On;
    for key in ["cobros", "cobros_read_only"].iter().take(1 + usize::from(twin)) {
        if facts.collections.is_empty() && facts.outline.ordinal % 2 == 1 {
            nulls(&[key], json);
            continue;
        }
        json.array(key, |json| {
            for collection in &facts.collections {
                lines::collection(pen, collection, json);
            }
        });
    }
}
