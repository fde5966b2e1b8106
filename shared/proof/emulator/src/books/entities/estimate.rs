//! An estimate: a quote, which an accepted one's invoice repeats a week later.

use chrono::TimeDelta;

use super::invoice;
use super::members::Link;
use super::sale::{Sale, Topics, known_at, sale_properties};
use super::sale_text::{self, Paper};
use crate::books::blueprint::Blueprint;
use crate::books::entity::Entity;
use crate::books::flow::{Stream, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "estimate",
    api: "Estimate",
    streams: &[Stream {
        source: &invoice::ENTITY,
        lag: -7,
        share: (40, 60),
        group: 1,
    }],
    properties: &[COMMON, DOCUMENT, sale_properties!(sale, number)],
    linked: Some((&invoice::ENTITY, "Invoice")),
    write,
    total: |plan, head| Some(sale(plan, head).total),
    ..Entity::DOCUMENT
};

fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let Some(origin) = origin(plan, &ENTITY, head.ordinal) else {
        return Sale::drawn(plan, head, Topics("estimate", "estimate lines"), known_at(head));
    };
    let invoice = plan.head(&invoice::ENTITY, origin.ordinals[0]);
    // What it quotes is what the invoice says, whatever either of them was changed to later.
    invoice::sale(
        plan,
        &Head {
            editions: head.editions,
            ..invoice
        },
    )
}

fn number(head: &Head) -> String {
    format!("E-{}", 1000 + head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let invoice = origin(plan, &ENTITY, head.ordinal).map(|origin| origin.ordinals[0]);
    let status = match (invoice, head.ordinal % 3) {
        (Some(_), _) => "Closed",
        (None, 0) => "Rejected",
        (None, _) => "Pending",
    };
    json.text("TxnStatus", status);
    json.quoted("ExpirationDate", head.date + TimeDelta::days(30));
    let paper = Paper {
        entity: &ENTITY,
        sale: &sale(plan, head),
        number: number(head),
        links: invoice
            .map(|ordinal| Link::to(ordinal, "Invoice"))
            .into_iter()
            .collect(),
    };
    sale_text::write(plan, head, &paper, json);
}
