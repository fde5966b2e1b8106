//! A purchase: an expense paid at once, in cash, by check or by card; a customer may have to pay it back.

use super::members::{Link, write_account, write_links, write_note};
use super::sale::known_at;
use super::spending::{Spending, Wares, write_lines};
use super::words::{DEPARTMENT, DEPARTMENTS, PAYMENT_METHODS};
use super::{customer, reimburse_charge, vendor};
use crate::books::accounts::{Account, CARDS, CHECKING};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Population, Voiding};
use crate::books::flow::follower;
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "purchase",
    api: "Purchase",
    population: Population::Documents {
        per_day: [3, 30, 1_500],
    },
    properties: &[
        COMMON,
        DOCUMENT,
        &[
            Property::text("DocNumber", |_, head| Scalar::text(&number(head))),
            Property::text("PaymentType", |plan, head| {
                Scalar::text(way(plan, head.ordinal).0)
            }),
            Property::number("TotalAmt", |plan, head| Scalar::money(spending(plan, head).total)),
        ],
    ],
    voiding: Voiding::Possible {
        percent: 4,
        beyond: 25,
    },
    linked: Some((&reimburse_charge::ENTITY, "ReimburseCharge")),
    write,
    total: |plan, head| Some(spending(plan, head).total),
    ..Entity::DOCUMENT
};

pub(super) fn spending(plan: &Blueprint, head: &Head) -> Spending {
    let known_at = known_at(head);
    let charge = follower(plan, &reimburse_charge::ENTITY, &ENTITY, head.ordinal);
    let mut spending = Spending::drawn(plan, head, "purchase", Wares::Accounts, known_at);
    spending.billed_to = charge.map(|_| {
        let mut dice = plan.dice("billed to", head.ordinal);
        dice.below(plan.existing(&customer::ENTITY, known_at))
    });
    spending
}

/// What the books say a purchase is worth at home.
pub(super) fn worth(plan: &Blueprint, head: &Head) -> Money {
    let spending = spending(plan, head);
    currency::at_home(plan, spending.currency, head.date, spending.total)
}

/// The `PaymentType`, the number upstream has for it, and the account that paid.
fn way(plan: &Blueprint, ordinal: u64) -> (&'static str, &'static str, &'static Account) {
    match plan.dice("way of purchase", ordinal).below(10) {
        0..3 => ("Check", "3", &CHECKING),
        3..6 => ("Cash", "54", &CHECKING),
        _ => (
            "CreditCard",
            "54",
            &CARDS[usize::try_from(ordinal % 2).unwrap_or(0)],
        ),
    }
}

/// One charge on a card in eight is a refund.
fn is_refund(way: &str, head: &Head) -> bool {
    way == "CreditCard" && head.ordinal % 8 == 5
}

fn number(head: &Head) -> String {
    (5000 + head.id()).to_string()
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let spending = spending(plan, head);
    let (way, kind, account) = way(plan, head.ordinal);
    write_account(plan, "AccountRef", account, json);
    json.text("PaymentType", way);
    json.object("EntityRef", |json| {
        json.quoted("value", spending.vendor + 1);
        json.text("name", &vendor::planned_name(plan, spending.vendor));
        json.text("type", "Vendor");
    });
    if way == "Cash" {
        PAYMENT_METHODS.refer(plan, head.ordinal, known_at(head), json);
    }
    if plan.has(&DEPARTMENT) && head.ordinal.is_multiple_of(4) {
        DEPARTMENTS.refer(plan, head.ordinal, known_at(head), json);
    }
    json.value("Credit", is_refund(way, head));
    json.value("TotalAmt", spending.total);
    json.text(
        "PrintStatus",
        if way == "Check" { "NeedToPrint" } else { "NotSet" },
    );
    json.object("PurchaseEx", |json| {
        json.array("any", |json| {
            json.element(|json| {
                json.raw_member(r#""name":"{http://schema.intuit.com/finance/v3}NameValue""#);
                json.object("value", |json| {
                    json.text("Name", "TxnType");
                    json.text("Value", kind);
                });
            });
        });
    });
    head.write(json);
    json.array("CustomField", |_| {});
    json.text("DocNumber", &number(head));
    json.quoted("TxnDate", head.date);
    currency::write(plan, spending.currency, head.date, json);
    write_note(
        head,
        head.ordinal.is_multiple_of(5).then_some("Reçu perdu 🧾"),
        json,
    );
    let charge = follower(plan, &reimburse_charge::ENTITY, &ENTITY, head.ordinal);
    let link = charge.map(|ordinal| Link::to(ordinal, "ReimburseCharge"));
    write_links(plan, &ENTITY, head, link.as_slice(), json);
    write_lines(plan, &spending, json);
}
