//! A purchase order: what was ordered from a vendor; the bill of a filled one repeats it a week later.

use super::bill;
use super::prelude::*;
use super::sale::known_at;
use super::spending::{Spending, Wares};
use crate::books::accounts::PAYABLE;
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity::document(Name::PurchaseOrder, &PURCHASE_ORDER)
    .following(&[Stream::from(Name::Bill, -7, (50, 80))])
    .needing(Need::Plus)
    .linked(Name::Bill, "Bill");

static PURCHASE_ORDER: Table<Spending> = Table {
    content: spending,
    members: &[
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |order| {
            format!("PO-{}", 1000 + order.head.id())
        })),
        Member::TXN_DATE,
        Member::CURRENCY,
        Member::NO_NOTE,
        Links(|order| {
            let bill = bill_of(order.plan, order.head);
            bill.map(|ordinal| Link::to(ordinal, "Bill"))
                .into_iter()
                .collect()
        }),
        Member::SPENT,
        Member::VENDOR,
        AccountRef("APAccountRef", |_| &PAYABLE),
        Member::TOTAL_SPENT,
        Always(r#""EmailStatus":"NotSet""#),
        Word("POStatus", |order| match bill_of(order.plan, order.head) {
            Some(_) => "Closed",
            None => "Open",
        }),
    ],
    total: |plan, head| Some(spending(plan, head).total),
};

/// The bill of a filled one.
fn bill_of(plan: &Blueprint, head: &Head) -> Option<u64> {
    origin(plan, Name::PurchaseOrder, head.ordinal).map(|origin| origin.ordinals[0])
}

fn spending(plan: &Blueprint, head: &Head) -> Spending {
    let Some(ordinal) = bill_of(plan, head) else {
        return Spending::drawn(plan, head, "purchase order", Wares::Items, known_at(head));
    };
    let editions = head.editions;
    let bill = plan.head(Name::Bill, ordinal);
    bill::spending(plan, &Head { editions, ..bill })
}
