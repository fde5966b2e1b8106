//! A sales receipt: a sale that was paid at once.

use super::paper::{PAPER, Paper};
use super::prelude::*;
use super::sale::{Sale, Topics, known_at};
use super::settlement::deposit_of;
use super::word_lists::PAYMENT_METHODS;
use crate::books::accounts::{CHECKING, UNDEPOSITED};

pub(crate) static ENTITY: Entity = Entity::document(Name::SalesReceipt, &SALES_RECEIPT)
    .per_day([3, 30, 2_000])
    .voidable(6, 70)
    .linked(Name::Deposit, "Deposit");

static SALES_RECEIPT: Table<Paper> = Table {
    content: |plan, head| {
        let deposit = deposit_of(plan, Name::SalesReceipt, head);
        let link = deposit.map(|ordinal| Link::to(ordinal, "Deposit"));
        Paper::of(plan, head, Name::SalesReceipt, sale(plan, head), link)
    },
    members: &[
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |paper| {
            format!("SR-{}", 2000 + paper.head.id())
        })),
        Shared(PAPER),
        Always(r#""Balance":0"#),
        Ref("PaymentMethodRef", |paper| {
            PAYMENT_METHODS.known(paper.plan, paper.head)
        }),
        AccountRef("DepositToAccountRef", |paper| {
            if paper.links.is_empty() {
                &CHECKING
            } else {
                &UNDEPOSITED
            }
        }),
    ],
    total: |plan, head| Some(sale(plan, head).total),
};

pub(super) fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let topics = Topics("sales receipt", "sales receipt lines");
    Sale::drawn(plan, head, topics, known_at(head))
}
