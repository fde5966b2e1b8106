//! A credit memo: money that a customer is owed, part of which may have been used.

use super::invoice;
use super::sale::{Sale, Topics, known_at, sale_properties};
use super::sale_text::{self, Paper};
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Voiding};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "credit_memo",
    api: "CreditMemo",
    properties: &[
        COMMON,
        DOCUMENT,
        sale_properties!(sale, number),
        &[Property::number("Balance", |plan, head| {
            Scalar::money(left(head, &sale(plan, head)))
        })],
    ],
    voiding: Voiding::Possible {
        percent: 4,
        beyond: 0,
    },
    linked: Some((&invoice::ENTITY, "Invoice")),
    write,
    total: |plan, head| Some(sale(plan, head).total),
    ..Entity::DOCUMENT
};

fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("credit memo", "credit memo lines");
    Sale::drawn(plan, head, topics, known_at(head))
}

fn number(head: &Head) -> String {
    format!("CM-{}", head.id())
}

/// All of it, half of it or nothing.
fn left(head: &Head, sale: &Sale) -> Money {
    match head.ordinal % 3 {
        0 => sale.total,
        1 => Money::cents(sale.total.in_cents() / 2),
        _ => Money::ZERO,
    }
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let sale = sale(plan, head);
    let paper = Paper {
        entity: &ENTITY,
        sale: &sale,
        number: number(head),
        links: Vec::new(),
    };
    sale_text::write(plan, head, &paper, json);
    json.value("RemainingCredit", left(head, &sale));
    json.value("Balance", left(head, &sale));
}
