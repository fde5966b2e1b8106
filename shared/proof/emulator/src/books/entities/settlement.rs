//! Settlement: how much of a document what follows from it covers, and in which form; both of them show it.

use crate::books::blueprint::Blueprint;
use crate::books::flow::follower;
use crate::books::head::Head;
use crate::books::name::Name;
use crate::money::Money;

/// How much of an invoice its payment covers.
pub(super) fn part_of_invoice(plan: &Blueprint, payment: u64, of: Money) -> Money {
    part(plan, "part payment", payment, of)
}

/// How much of a bill its payment covers.
pub(super) fn part_of_bill(plan: &Blueprint, payment: u64, of: Money) -> Money {
    part(plan, "part of a bill", payment, of)
}

/// One payment in ten leaves half of it open.
fn part(plan: &Blueprint, topic: &str, payment: u64, of: Money) -> Money {
    if plan.dice(topic, payment).chance(10) {
        Money::cents(of.in_cents() / 2)
    } else {
        of
    }
}

/// Whether a bill was paid by card; by check otherwise.
pub(super) fn is_paid_by_card(plan: &Blueprint, payment: u64) -> bool {
    plan.dice("bill payment", payment).chance(30)
}

/// The deposit that was made of a payment or a receipt, by the books or by a mutation.
pub(super) fn deposit_of(plan: &Blueprint, source: Name, head: &Head) -> Option<u64> {
    let made = head.companion.map(|companion| companion.ordinal);
    follower(plan, Name::Deposit, source, head.ordinal).or(made)
}
