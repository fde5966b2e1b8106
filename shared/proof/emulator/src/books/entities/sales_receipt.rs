//! A sales receipt: a sale that was paid at once.

use super::deposit;
use super::members::{Link, write_account};
use super::sale::{Sale, Topics, known_at, sale_properties};
use super::sale_text::{self, Paper};
use super::words::PAYMENT_METHODS;
use crate::books::accounts::{CHECKING, UNDEPOSITED};
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Population, Voiding};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "sales_receipt",
    api: "SalesReceipt",
    population: Population::Documents {
        per_day: [3, 30, 2_000],
    },
    properties: &[COMMON, DOCUMENT, sale_properties!(sale, number)],
    voiding: Voiding::Possible {
        percent: 6,
        beyond: 70,
    },
    linked: Some((&deposit::ENTITY, "Deposit")),
    write,
    total: |plan, head| Some(sale(plan, head).total),
    ..Entity::DOCUMENT
};

pub(super) fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("sales receipt", "sales receipt lines");
    Sale::drawn(plan, head, topics, known_at(head))
}

fn number(head: &Head) -> String {
    format!("SR-{}", 2000 + head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let deposit = deposit::of(plan, &ENTITY, head);
    let paper = Paper {
        entity: &ENTITY,
        sale: &sale(plan, head),
        number: number(head),
        links: deposit
            .map(|ordinal| Link::to(ordinal, "Deposit"))
            .into_iter()
            .collect(),
    };
    sale_text::write(plan, head, &paper, json);
    json.raw_member(r#""Balance":0"#);
    PAYMENT_METHODS.refer(plan, head.ordinal, known_at(head), json);
    let account = if deposit.is_some() {
        &UNDEPOSITED
    } else {
        &CHECKING
    };
    write_account(plan, "DepositToAccountRef", account, json);
}
