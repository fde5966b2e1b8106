//! A credit card payment: a card paid down from the bank. Answers call it by another name than statements do.

use super::prelude::*;
use super::sale::known_at;
use super::vendor;
use crate::books::accounts::{CARDS, CHECKING};

pub(crate) static ENTITY: Entity = Entity {
    answer_key: Some("CreditCardPaymentTxn"),
    changes: Changes::Uncertain,
    ..Entity::document(Name::CreditCardPayment, &CREDIT_CARD_PAYMENT)
};

static CREDIT_CARD_PAYMENT: Table<()> = Table {
    content: |_, _| (),
    members: &[
        AccountRef("CreditCardAccountRef", |payment| {
            &CARDS[usize::try_from(payment.head.ordinal % 2).unwrap_or(0)]
        }),
        AccountRef("BankAccountRef", |_| &CHECKING),
        Asked(&Amount("Amount", |payment| amount(payment.plan, payment.head))),
        Ref("VendorRef", |payment| {
            let vendors = payment.plan.existing(Name::Vendor, known_at(payment.head));
            vendor::reference(payment.head.ordinal % vendors)
        }),
        Text("CheckNum", |payment| (800 + payment.head.id()).to_string()),
        Always(r#""Memo":"solde du mois – «minimum»""#),
        Member::HEAD,
        Member::TXN_DATE,
        Member::AT_HOME,
        Member::NO_NOTE,
    ],
    total: |plan, head| Some(amount(plan, head)),
};

fn amount(plan: &Blueprint, head: &Head) -> Money {
    let drawn = plan
        .dice("credit card payment", head.ordinal)
        .between(5_000, 300_000);
    Money::cents(drawn + 100 * i64::from(head.editions))
}
