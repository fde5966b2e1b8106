//! A transfer: money moved between two accounts of the company.

use super::prelude::*;
use crate::books::accounts::{CHECKING, SAVINGS};

pub(crate) static ENTITY: Entity = Entity::document(Name::Transfer, &TRANSFER).voidable(5, 0);

static TRANSFER: Table<()> = Table {
    content: |_, _| (),
    members: &[
        AccountRef("FromAccountRef", |transfer| {
            if is_back(transfer.head) {
                &SAVINGS
            } else {
                &CHECKING
            }
        }),
        AccountRef("ToAccountRef", |transfer| {
            if is_back(transfer.head) {
                &CHECKING
            } else {
                &SAVINGS
            }
        }),
        Asked(&Amount("Amount", |transfer| amount(transfer.plan, transfer.head))),
        Member::HEAD,
        Member::TXN_DATE,
        Member::AT_HOME,
        Note(|transfer| {
            transfer
                .head
                .ordinal
                .is_multiple_of(4)
                .then_some("réserve d'impôts")
        }),
    ],
    total: |plan, head| Some(amount(plan, head)),
};

/// Every third comes back from the savings.
fn is_back(head: &Head) -> bool {
    head.ordinal.is_multiple_of(3)
}

fn amount(plan: &Blueprint, head: &Head) -> Money {
    if head.is_voided() {
        return Money::ZERO;
    }
    let drawn = plan.dice("transfer", head.ordinal).between(1_000, 500_000);
    Money::cents(drawn + 100 * i64::from(head.editions))
}
