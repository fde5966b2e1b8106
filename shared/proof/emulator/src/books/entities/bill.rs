//! A bill: what a vendor wants. It may follow from an order, and a bill payment may follow from it.

use chrono::{NaiveDate, TimeDelta};

use super::members::{Link, write_account, write_links, write_note};
use super::sale::known_at;
use super::spending::{Spending, Wares, write_lines, write_vendor};
use super::words::TERMS;
use super::{bill_payment, purchase_order};
use crate::books::accounts::PAYABLE;
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Need, Population};
use crate::books::flow::follower;
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "bill",
    api: "Bill",
    population: Population::Documents {
        per_day: [4, 40, 2_000],
    },
    need: Need::Essentials,
    properties: &[
        COMMON,
        DOCUMENT,
        &[
            Property::text("DocNumber", |_, head| {
                number(head).map_or(Scalar::Null, |number| Scalar::text(&number))
            }),
            Property::text("VendorRef", |plan, head| {
                Scalar::Text((spending(plan, head).vendor + 1).to_string())
            }),
            Property::new("DueDate", Kind::Date, |_, head| Scalar::Date(due_date(head))),
            Property::number("TotalAmt", |plan, head| Scalar::money(spending(plan, head).total)),
            Property::number("Balance", |plan, head| {
                Scalar::money(balance(plan, head, spending(plan, head).total))
            }),
        ],
    ],
    linked: Some((&bill_payment::ENTITY, "BillPaymentCheck")),
    write,
    total: |plan, head| Some(spending(plan, head).total),
    ..Entity::DOCUMENT
};

/// Long enough before a bill that its order, too, came after whatever existed then.
const BEFORE_THE_ORDER: i64 = 14 * 86_400;

pub(super) fn spending(plan: &Blueprint, head: &Head) -> Spending {
    let (known_at, wares) = match follower(plan, &purchase_order::ENTITY, &ENTITY, head.ordinal) {
        Some(_) => (known_at(head) - BEFORE_THE_ORDER, Wares::Items),
        None => (known_at(head), Wares::Both),
    };
    Spending::drawn(plan, head, "bill", wares, known_at)
}

/// What is left to pay.
fn balance(plan: &Blueprint, head: &Head, total: Money) -> Money {
    let Some(payment) = follower(plan, &bill_payment::ENTITY, &ENTITY, head.ordinal) else {
        return total;
    };
    let then = if head.editions == 0 {
        total
    } else {
        spending(plan, &plan.head(&ENTITY, head.ordinal)).total
    };
    total - bill_payment::part(plan, payment, then)
}

/// A vendor's own number, where it has one.
fn number(head: &Head) -> Option<String> {
    (head.ordinal % 5 != 2).then(|| format!("F/{}-É", 700 + head.id()))
}

fn due_date(head: &Head) -> NaiveDate {
    head.date + TimeDelta::days(30)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let spending = spending(plan, head);
    let balance = balance(plan, head, spending.total);
    json.quoted("DueDate", due_date(head));
    json.value("Balance", balance);
    currency::write_at_home(plan, spending.currency, head.date, ("HomeBalance", balance), json);
    head.write(json);
    if let Some(number) = number(head) {
        json.text("DocNumber", &number);
    }
    json.quoted("TxnDate", head.date);
    currency::write(plan, spending.currency, head.date, json);
    write_note(
        head,
        head.ordinal.is_multiple_of(7).then_some("payé en \"2×\"?"),
        json,
    );
    write_links(plan, &ENTITY, head, &links(plan, head), json);
    write_lines(plan, &spending, json);
    write_vendor(plan, &spending, json);
    write_account(plan, "APAccountRef", &PAYABLE, json);
    TERMS.refer(plan, head.ordinal, known_at(head), json);
    json.value("TotalAmt", spending.total);
}

/// The order before it and the payment after it.
fn links(plan: &Blueprint, head: &Head) -> Vec<Link> {
    let order = follower(plan, &purchase_order::ENTITY, &ENTITY, head.ordinal);
    let payment = follower(plan, &bill_payment::ENTITY, &ENTITY, head.ordinal);
    let order = order.map(|ordinal| Link::to(ordinal, "PurchaseOrder"));
    let payment = payment.map(|ordinal| Link::to(ordinal, bill_payment::link_kind(plan, ordinal)));
    order.into_iter().chain(payment).collect()
}
