//! A purchase order: what was ordered from a vendor; the bill of a filled one repeats it a week later.

use super::bill;
use super::members::{Link, write_account, write_links, write_note};
use super::sale::known_at;
use super::spending::{Spending, Wares, write_lines, write_vendor};
use crate::books::accounts::PAYABLE;
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Need};
use crate::books::flow::{Stream, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "purchase_order",
    api: "PurchaseOrder",
    streams: &[Stream {
        source: &bill::ENTITY,
        lag: -7,
        share: (50, 80),
        group: 1,
    }],
    need: Need::Plus,
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
    let Some(origin) = origin(plan, &ENTITY, head.ordinal) else {
        return Spending::drawn(plan, head, "purchase order", Wares::Items, known_at(head));
    };
    let bill = plan.head(&bill::ENTITY, origin.ordinals[0]);
    bill::spending(
        plan,
        &Head {
            editions: head.editions,
            ..bill
        },
    )
}

fn number(head: &Head) -> String {
    format!("PO-{}", 1000 + head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let spending = spending(plan, head);
    let bill = origin(plan, &ENTITY, head.ordinal).map(|origin| Link::to(origin.ordinals[0], "Bill"));
    head.write(json);
    json.array("CustomField", |_| {});
    json.text("DocNumber", &number(head));
    json.quoted("TxnDate", head.date);
    currency::write(plan, spending.currency, head.date, json);
    write_note(head, None, json);
    write_links(plan, &ENTITY, head, bill.as_slice(), json);
    write_lines(plan, &spending, json);
    write_vendor(plan, &spending, json);
    write_account(plan, "APAccountRef", &PAYABLE, json);
    json.value("TotalAmt", spending.total);
    json.text("EmailStatus", "NotSet");
    json.text("POStatus", if bill.is_some() { "Closed" } else { "Open" });
}
