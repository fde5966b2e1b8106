//! A refund receipt: a sale taken back and paid back.

use super::paper::{PAPER, Paper};
use super::prelude::*;
use super::sale::{Sale, Topics, known_at};
use super::word_lists::PAYMENT_METHODS;
use crate::books::accounts::CHECKING;

pub(crate) static ENTITY: Entity = Entity::document(Name::RefundReceipt, &REFUND_RECEIPT).voidable(4, 0);

static REFUND_RECEIPT: Table<Paper> = Table {
    content: |plan, head| Paper::of(plan, head, Name::RefundReceipt, sale(plan, head), None),
    members: &[
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |paper| format!("RR-{}", paper.head.id()))),
        Shared(PAPER),
        Always(r#""Balance":0"#),
        Ref("PaymentMethodRef", |paper| {
            PAYMENT_METHODS.known(paper.plan, paper.head)
        }),
        AccountRef("DepositToAccountRef", |_| &CHECKING),
    ],
    total: |plan, head| Some(sale(plan, head).total),
};

fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("refund receipt", "refund receipt lines");
    Sale::drawn(plan, head, topics, known_at(head))
}
