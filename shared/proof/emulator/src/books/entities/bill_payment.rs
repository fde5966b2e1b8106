//! A bill payment: a bill paid, or half of it, by check or by card.

use super::bill;
use super::members::{Link, write_account, write_links, write_note};
use super::spending::write_vendor;
use crate::books::accounts::{CARDS, CHECKING, PAYABLE};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Need, Population, Voiding};
use crate::books::flow::{Stream, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "bill_payment",
    api: "BillPayment",
    population: Population::Documents { per_day: [0, 0, 0] },
    streams: &[after(14, 0, 35), after(28, 35, 60)],
    need: Need::Essentials,
    properties: &[
        COMMON,
        DOCUMENT,
        &[
            Property::text("DocNumber", |_, head| Scalar::text(&number(head))),
            Property::text("VendorRef", |plan, head| {
                let vendor = bill_of(plan, head).map(|(_, spending)| spending.vendor);
                vendor.map_or(Scalar::Null, |vendor| Scalar::Text((vendor + 1).to_string()))
            }),
            Property::number("TotalAmt", |plan, head| Scalar::money(total(plan, head))),
        ],
    ],
    voiding: Voiding::Possible {
        percent: 0,
        beyond: 100,
    },
    linked: Some((&bill::ENTITY, "Bill")),
    write,
    total: |plan, head| Some(total(plan, head)),
    ..Entity::DOCUMENT
};

const fn after(lag: i64, from: u64, to: u64) -> Stream {
    Stream {
        source: &bill::ENTITY,
        lag,
        share: (from, to),
        group: 1,
    }
}

/// The bill that it pays. One that a mutation made pays the first bill there is, a little.
fn bill_of(plan: &Blueprint, head: &Head) -> Option<(u64, super::spending::Spending)> {
    let origin = origin(plan, &ENTITY, head.ordinal).map(|origin| origin.ordinals[0]);
    let ordinal = origin.or_else(|| (plan.planned(&bill::ENTITY) > 0).then_some(0))?;
    Some((ordinal, bill::spending(plan, &plan.head(&bill::ENTITY, ordinal))))
}

fn total(plan: &Blueprint, head: &Head) -> Money {
    if head.is_voided() {
        return Money::ZERO;
    }
    let more = Money::cents(100 * i64::from(head.editions));
    let bill = bill_of(plan, head).map_or(Money::ZERO, |(_, spending)| spending.total);
    part(plan, head.ordinal, bill) + more
}

/// How much of a bill its payment covers: one in ten leaves half of it open.
pub(super) fn part(plan: &Blueprint, ordinal: u64, of: Money) -> Money {
    if plan.dice("part of a bill", ordinal).chance(10) {
        Money::cents(of.in_cents() / 2)
    } else {
        of
    }
}

/// Upstream names links to it by how it was paid.
pub(super) fn link_kind(plan: &Blueprint, ordinal: u64) -> &'static str {
    if by_card(plan, ordinal) {
        "BillPaymentCreditCard"
    } else {
        "BillPaymentCheck"
    }
}

fn by_card(plan: &Blueprint, ordinal: u64) -> bool {
    plan.dice("bill payment", ordinal).chance(30)
}

fn number(head: &Head) -> String {
    (300 + head.id()).to_string()
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let bill = bill_of(plan, head);
    let total = total(plan, head);
    if let Some((_, spending)) = &bill {
        write_vendor(plan, spending, json);
    }
    write_account(plan, "APAccountRef", &PAYABLE, json);
    if by_card(plan, head.ordinal) {
        json.text("PayType", "CreditCard");
        json.object("CreditCardPayment", |json| {
            write_account(plan, "CCAccountRef", &CARDS[0], json);
        });
    } else {
        json.text("PayType", "Check");
        json.object("CheckPayment", |json| {
            write_account(plan, "BankAccountRef", &CHECKING, json);
            json.text("PrintStatus", "NotSet");
        });
    }
    json.value("TotalAmt", total);
    head.write(json);
    json.text("DocNumber", &number(head));
    json.quoted("TxnDate", head.date);
    let currency = bill.as_ref().and_then(|(_, spending)| spending.currency);
    currency::write(plan, currency, head.date, json);
    write_note(head, None, json);
    if head.links > 0 {
        write_links(plan, &ENTITY, head, &[], json);
    }
    json.array("Line", |json| {
        if let Some((bill, _)) = bill.filter(|_| !head.is_voided()) {
            json.element(|json| {
                json.value("Amount", total);
                json.array("LinkedTxn", |json| Link::to(bill, "Bill").write(json));
            });
        }
    });
}
