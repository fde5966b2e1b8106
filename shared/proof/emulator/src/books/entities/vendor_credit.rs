//! A vendor credit: money that a vendor owes.

use super::bill;
use super::members::{write_account, write_links, write_note};
use super::sale::known_at;
use super::spending::{Spending, Wares, write_lines, write_vendor};
use crate::books::accounts::PAYABLE;
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Need};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "vendor_credit",
    api: "VendorCredit",
    need: Need::Essentials,
    properties: &[
        COMMON,
        DOCUMENT,
        &[
            Property::text("DocNumber", |_, head| Scalar::text(&number(head))),
            Property::text("VendorRef", |plan, head| {
                Scalar::Text((spending(plan, head).vendor + 1).to_string())
            }),
            Property::number("TotalAmt", |plan, head| Scalar::money(spending(plan, head).total)),
        ],
    ],
    linked: Some((&bill::ENTITY, "Bill")),
    write,
    total: |plan, head| Some(spending(plan, head).total),
    ..Entity::DOCUMENT
};

fn spending(plan: &Blueprint, head: &Head) -> Spending {
    Spending::drawn(plan, head, "vendor credit", Wares::Both, known_at(head))
}

fn number(head: &Head) -> String {
    format!("AV {}", head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let spending = spending(plan, head);
    json.value("Balance", spending.total);
    head.write(json);
    json.text("DocNumber", &number(head));
    json.quoted("TxnDate", head.date);
    currency::write(plan, spending.currency, head.date, json);
    write_note(head, None, json);
    write_links(plan, &ENTITY, head, &[], json);
    write_lines(plan, &spending, json);
    write_vendor(plan, &spending, json);
    write_account(plan, "APAccountRef", &PAYABLE, json);
    json.value("TotalAmt", spending.total);
}
