//! An estimate: a quote, which an accepted one's invoice repeats a week later.

use chrono::TimeDelta;

use super::invoice;
use super::paper::{PAPER, Paper};
use super::prelude::*;
use super::sale::{Sale, Topics, known_at};
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity::document(Name::Estimate, &ESTIMATE)
    .following(&[Stream::from(Name::Invoice, -7, (40, 60))])
    .linked(Name::Invoice, "Invoice");

static ESTIMATE: Table<Paper> = Table {
    content,
    members: &[
        Word("TxnStatus", |paper| {
            match (paper.links.is_empty(), paper.head.ordinal % 3) {
                (false, _) => "Closed",
                (true, 0) => "Rejected",
                (true, _) => "Pending",
            }
        }),
        Date("ExpirationDate", |paper| paper.head.date + TimeDelta::days(30)),
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |paper| {
            format!("E-{}", 1000 + paper.head.id())
        })),
        Shared(PAPER),
    ],
    total: |plan, head| Some(sale(plan, head).total),
};

fn content(plan: &Blueprint, head: &Head) -> Paper {
    let link = invoice_of(plan, head).map(|ordinal| Link::to(ordinal, "Invoice"));
    Paper::of(plan, head, Name::Estimate, sale(plan, head), link)
}

/// The invoice of an accepted one.
fn invoice_of(plan: &Blueprint, head: &Head) -> Option<u64> {
    origin(plan, Name::Estimate, head.ordinal).map(|origin| origin.ordinals[0])
}

/// What it quotes is what the invoice says, whatever either of them was changed to later.
fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let Some(ordinal) = invoice_of(plan, head) else {
        return Sale::drawn(plan, head, Topics("estimate", "estimate lines"), known_at(head));
    };
    let editions = head.editions;
    let invoice = plan.head(Name::Invoice, ordinal);
    invoice::sale(plan, &Head { editions, ..invoice })
}
