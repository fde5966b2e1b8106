//! A reimburse charge: an expense that a customer will be billed for. Upstream makes it; nobody else writes one.

use super::members::{Link, write_links, write_note};
use super::sale::known_at;
use super::{customer, purchase};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Changes, Entity, Need, Population};
use crate::books::flow::{Stream, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "reimburse_charge",
    api: "ReimburseCharge",
    population: Population::Documents { per_day: [0, 0, 0] },
    streams: &[Stream {
        source: &purchase::ENTITY,
        lag: 7,
        share: (0, 25),
        group: 1,
    }],
    need: Need::Luck,
    changes: Changes::Uncertain,
    properties: &[
        COMMON,
        DOCUMENT,
        &[Property::number("Amount", |plan, head| {
            Scalar::money(Content::of(plan, head).amount)
        })],
    ],
    linked: Some((&purchase::ENTITY, "Purchase")),
    write,
    total: |plan, head| Some(Content::of(plan, head).amount),
    ..Entity::DOCUMENT
};

struct Content {
    customer: u64,
    purchase: Option<u64>,
    /// In the home currency.
    amount: Money,
}

impl Content {
    fn of(plan: &Blueprint, head: &Head) -> Self {
        let more = Money::cents(100 * i64::from(head.editions));
        let Some(origin) = origin(plan, &ENTITY, head.ordinal) else {
            let customers = plan.existing(&customer::ENTITY, known_at(head));
            return Self {
                customer: head.ordinal % customers,
                purchase: None,
                amount: Money::cents(2_500) + more,
            };
        };
        let purchase = plan.head(&purchase::ENTITY, origin.ordinals[0]);
        Self {
            customer: purchase::spending(plan, &purchase).billed_to.unwrap_or(0),
            purchase: Some(purchase.ordinal),
            amount: purchase::worth(plan, &purchase) + more,
        }
    }
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let content = Content::of(plan, head);
    let name = customer::planned_name(plan, content.customer);
    json.reference("CustomerRef", content.customer + 1, &name);
    json.value("HasBeenInvoiced", false);
    json.value("Amount", content.amount);
    head.write(json);
    json.quoted("TxnDate", head.date);
    currency::write(plan, None, head.date, json);
    write_note(head, None, json);
    let link = content.purchase.map(|ordinal| Link::to(ordinal, "Purchase"));
    write_links(plan, &ENTITY, head, link.as_slice(), json);
    json.array("Line", |json| {
        json.element(|json| {
            json.raw_member(r#""Id":"1","LineNum":1"#);
            json.value("Amount", content.amount);
            json.raw_member(r#""DetailType":"ReimburseLineDetail","ReimburseLineDetail":{}"#);
        });
    });
}
