//! A refund receipt: a sale taken back and paid back.

use super::members::write_account;
use super::sale::{Sale, Topics, known_at, sale_properties};
use super::sale_text::{self, Paper};
use super::words::PAYMENT_METHODS;
use crate::books::accounts::CHECKING;
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Voiding};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "refund_receipt",
    api: "RefundReceipt",
    properties: &[COMMON, DOCUMENT, sale_properties!(sale, number)],
    voiding: Voiding::Possible {
        percent: 4,
        beyond: 0,
    },
    write,
    total: |plan, head| Some(sale(plan, head).total),
    ..Entity::DOCUMENT
};

fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("refund receipt", "refund receipt lines");
    Sale::drawn(plan, head, topics, known_at(head))
}

fn number(head: &Head) -> String {
    format!("RR-{}", head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let paper = Paper {
        entity: &ENTITY,
        sale: &sale(plan, head),
        number: number(head),
        links: Vec::new(),
    };
    sale_text::write(plan, head, &paper, json);
    json.raw_member(r#""Balance":0"#);
    PAYMENT_METHODS.refer(plan, head.ordinal, known_at(head), json);
    write_account(plan, "DepositToAccountRef", &CHECKING, json);
}
