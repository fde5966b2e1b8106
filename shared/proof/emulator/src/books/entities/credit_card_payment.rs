//! A credit card payment: a card paid down from the bank. Answers call it by another name than statements do.

use super::members::{write_account, write_note};
use super::sale::known_at;
use super::vendor;
use crate::books::accounts::{CARDS, CHECKING};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Changes, Entity};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "credit_card_payment",
    api: "CreditCardPayment",
    answer_key: Some("CreditCardPaymentTxn"),
    changes: Changes::Uncertain,
    properties: &[
        COMMON,
        DOCUMENT,
        &[Property::number("Amount", |plan, head| {
            Scalar::money(amount(plan, head))
        })],
    ],
    write,
    total: |plan, head| Some(amount(plan, head)),
    ..Entity::DOCUMENT
};

fn amount(plan: &Blueprint, head: &Head) -> Money {
    let drawn = plan
        .dice("credit card payment", head.ordinal)
        .between(5_000, 300_000);
    Money::cents(drawn + 100 * i64::from(head.editions))
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let card = &CARDS[usize::try_from(head.ordinal % 2).unwrap_or(0)];
    write_account(plan, "CreditCardAccountRef", card, json);
    write_account(plan, "BankAccountRef", &CHECKING, json);
    json.value("Amount", amount(plan, head));
    let vendor = head.ordinal % plan.existing(&vendor::ENTITY, known_at(head));
    json.reference("VendorRef", vendor + 1, &vendor::planned_name(plan, vendor));
    json.text("CheckNum", &(800 + head.id()).to_string());
    json.text("Memo", "solde du mois – «minimum»");
    head.write(json);
    json.quoted("TxnDate", head.date);
    currency::write(plan, None, head.date, json);
    write_note(head, None, json);
}
