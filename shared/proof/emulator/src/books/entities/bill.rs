//! A bill: what a vendor wants. It may follow from an order, and a bill payment may follow from it.

use chrono::TimeDelta;

use super::prelude::*;
use super::sale::known_at;
use super::settlement::{is_paid_by_card, part_of_bill};
use super::spending::{Spending, Wares};
use super::word_lists::TERMS;
use crate::books::accounts::PAYABLE;
use crate::books::flow::follower;

pub(crate) static ENTITY: Entity = Entity::document(Name::Bill, &BILL)
    .per_day([4, 40, 2_000])
    .needing(Need::Essentials)
    .linked(Name::BillPayment, "BillPaymentCheck");

static BILL: Table<Spending> = Table {
    content: spending,
    members: &[
        Asked(&Date("DueDate", |bill| bill.head.date + TimeDelta::days(30))),
        Asked(&Amount("Balance", balance)),
        When(
            has_currencies,
            &[Amount("HomeBalance", |bill| bill.at_home(balance(bill)))],
        ),
        Member::HEAD,
        // A vendor's own number, where it has one.
        Asked(&Optional("DocNumber", |bill| {
            (bill.head.ordinal % 5 != 2).then(|| format!("F/{}-É", 700 + bill.head.id()))
        })),
        Member::TXN_DATE,
        Member::CURRENCY,
        Note(|bill| bill.head.ordinal.is_multiple_of(7).then_some("payé en \"2×\"?")),
        Links(links),
        Member::SPENT,
        Member::VENDOR,
        AccountRef("APAccountRef", |_| &PAYABLE),
        Ref("SalesTermRef", |bill| TERMS.known(bill.plan, bill.head)),
        Member::TOTAL_SPENT,
    ],
    total: |plan, head| Some(spending(plan, head).total),
};

/// Long enough before a bill that its order, too, came after whatever existed then.
const BEFORE_THE_ORDER: i64 = 14 * 86_400;

pub(super) fn spending(plan: &Blueprint, head: &Head) -> Spending {
    let (known_at, wares) = match follower(plan, Name::PurchaseOrder, Name::Bill, head.ordinal) {
        Some(_) => (known_at(head) - BEFORE_THE_ORDER, Wares::Items),
        None => (known_at(head), Wares::Both),
    };
    Spending::drawn(plan, head, "bill", wares, known_at)
}

/// What is left to pay.
fn balance(bill: &Record<'_, Spending>) -> Money {
    let (plan, head, total) = (bill.plan, bill.head, bill.total);
    let Some(payment) = follower(plan, Name::BillPayment, Name::Bill, head.ordinal) else {
        return total;
    };
    let then = if head.editions == 0 {
        total
    } else {
        spending(plan, &plan.head(Name::Bill, head.ordinal)).total
    };
    total - part_of_bill(plan, payment, then)
}

/// The order before it and the payment after it, whose link is named by how it was paid.
fn links(bill: &Record<'_, Spending>) -> Vec<Link> {
    let follower = |name| follower(bill.plan, name, Name::Bill, bill.head.ordinal);
    let order = follower(Name::PurchaseOrder).map(|ordinal| Link::to(ordinal, "PurchaseOrder"));
    let payment = follower(Name::BillPayment).map(|ordinal| {
        let by_card = is_paid_by_card(bill.plan, ordinal);
        Link::to(
            ordinal,
            if by_card {
                "BillPaymentCreditCard"
            } else {
                "BillPaymentCheck"
            },
        )
    });
    order.into_iter().chain(payment).collect()
}
