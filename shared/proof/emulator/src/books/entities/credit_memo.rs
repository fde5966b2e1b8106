//! A credit memo: money that a customer is owed, part of which may have been used.

use super::paper::{PAPER, Paper};
use super::prelude::*;
use super::sale::{Sale, Topics, known_at};

pub(crate) static ENTITY: Entity = Entity::document(Name::CreditMemo, &CREDIT_MEMO)
    .voidable(4, 0)
    .linked(Name::Invoice, "Invoice");

static CREDIT_MEMO: Table<Paper> = Table {
    content: |plan, head| Paper::of(plan, head, Name::CreditMemo, sale(plan, head), None),
    members: &[
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |paper| format!("CM-{}", paper.head.id()))),
        Shared(PAPER),
        Amount("RemainingCredit", left),
        Asked(&Amount("Balance", left)),
    ],
    total: |plan, head| Some(sale(plan, head).total),
};

fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("credit memo", "credit memo lines");
    Sale::drawn(plan, head, topics, known_at(head))
}

/// All of it, half of it or nothing.
fn left(paper: &Record<'_, Paper>) -> Money {
    match paper.head.ordinal % 3 {
        0 => paper.sale.total,
        1 => Money::cents(paper.sale.total.in_cents() / 2),
        _ => Money::ZERO,
    }
}
