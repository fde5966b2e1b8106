//! A transfer: money moved between two accounts of the company.

use super::members::{write_account, write_note};
use crate::books::accounts::{CHECKING, SAVINGS};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Voiding};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "transfer",
    api: "Transfer",
    properties: &[
        COMMON,
        DOCUMENT,
        &[Property::number("Amount", |plan, head| {
            Scalar::money(amount(plan, head))
        })],
    ],
    voiding: Voiding::Possible {
        percent: 5,
        beyond: 0,
    },
    write,
    total: |plan, head| Some(amount(plan, head)),
    ..Entity::DOCUMENT
};

fn amount(plan: &Blueprint, head: &Head) -> Money {
    if head.is_voided() {
        return Money::ZERO;
    }
    let drawn = plan.dice("transfer", head.ordinal).between(1_000, 500_000);
    Money::cents(drawn + 100 * i64::from(head.editions))
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let (from, to) = if head.ordinal.is_multiple_of(3) {
        (&SAVINGS, &CHECKING)
    } else {
        (&CHECKING, &SAVINGS)
    };
    write_account(plan, "FromAccountRef", from, json);
    write_account(plan, "ToAccountRef", to, json);
    json.value("Amount", amount(plan, head));
    head.write(json);
    json.quoted("TxnDate", head.date);
    currency::write(plan, None, head.date, json);
    write_note(
        head,
        head.ordinal.is_multiple_of(4).then_some("réserve d'impôts"),
        json,
    );
}
