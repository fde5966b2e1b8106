//! A deposit: payments and receipts taken to the bank together, or money that came from nowhere else.

use super::members::{Link, write_account, write_note};
use super::{payment, sales_receipt};
use crate::books::accounts::{CHECKING, INTEREST, SAVINGS};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::Entity;
use crate::books::flow::{Stream, follower, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "deposit",
    api: "Deposit",
    streams: &[
        Stream {
            source: &payment::ENTITY,
            lag: 7,
            share: (0, 75),
            group: 4,
        },
        Stream {
            source: &sales_receipt::ENTITY,
            lag: 7,
            share: (0, 70),
            group: 3,
        },
    ],
    properties: &[
        COMMON,
        DOCUMENT,
        &[Property::number("TotalAmt", |plan, head| {
            Scalar::money(Content::of(plan, head).total())
        })],
    ],
    write,
    total: |plan, head| Some(Content::of(plan, head).total()),
    ..Entity::DOCUMENT
};

/// The deposit that was made of a payment or a receipt, by the books or by a mutation.
pub(super) fn of(plan: &Blueprint, source: &Entity, head: &Head) -> Option<u64> {
    let made = head.companion.map(|companion| companion.ordinal);
    follower(plan, &ENTITY, source, head.ordinal).or(made)
}

/// The exact content of one deposit, in the home currency.
struct Content {
    linked: Vec<(Link, Money)>,
    own: Vec<Money>,
    cash_back: Option<Money>,
}

impl Content {
    fn of(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("deposit", head.ordinal);
        let mut own = Vec::new();
        let mut from = Vec::new();
        if let Some(origin) = origin(plan, &ENTITY, head.ordinal) {
            let paid = origin.source.is(&payment::ENTITY);
            from.extend(origin.ordinals.iter().map(|ordinal| linked(plan, paid, *ordinal)));
        } else if let Some(companion) = head.companion {
            let paid = companion.entity == payment::ENTITY.name;
            from.push(linked(plan, paid, companion.ordinal));
        } else {
            own.extend((0..=dice.below(2)).map(|_| Money::cents(dice.between(5_000, 120_000))));
        }
        if head.editions > 0 {
            own.push(Money::cents(100 * i64::from(head.editions)));
        }
        let cash_back = (from.is_empty() && dice.chance(25)).then(|| Money::cents(dice.between(500, 4_000)));
        Self {
            linked: from,
            own,
            cash_back,
        }
    }

    fn total(&self) -> Money {
        let linked: Money = self.linked.iter().map(|(_, amount)| *amount).sum();
        let own: Money = self.own.iter().copied().sum();
        linked + own - self.cash_back.unwrap_or(Money::ZERO)
    }
}

fn linked(plan: &Blueprint, is_payment: bool, ordinal: u64) -> (Link, Money) {
    if is_payment {
        return (Link::to(ordinal, "Payment"), payment::worth(plan, ordinal));
    }
    let head = plan.head(&sales_receipt::ENTITY, ordinal);
    let sale = sales_receipt::sale(plan, &head);
    let amount = currency::at_home(plan, sale.currency, head.date, sale.total);
    (Link::to(ordinal, "SalesReceipt"), amount)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let content = Content::of(plan, head);
    write_account(plan, "DepositToAccountRef", &CHECKING, json);
    json.value("TotalAmt", content.total());
    currency::write_at_home(plan, None, head.date, ("HomeTotalAmt", content.total()), json);
    head.write(json);
    json.quoted("TxnDate", head.date);
    currency::write(plan, None, head.date, json);
    write_note(
        head,
        head.ordinal.is_multiple_of(6).then_some("Bordereau nº 12/B"),
        json,
    );
    json.array("Line", |json| {
        // Lines of what came from elsewhere have neither an id nor a detail.
        for (link, amount) in &content.linked {
            json.element(|json| {
                json.value("Amount", *amount);
                json.array("LinkedTxn", |json| link.write(json));
            });
        }
        for (amount, number) in content.own.iter().zip(1_u64..) {
            json.element(|json| write_line(plan, number, *amount, json));
        }
    });
    if let Some(amount) = content.cash_back {
        json.object("CashBack", |json| {
            write_account(plan, "AccountRef", &SAVINGS, json);
            json.value("Amount", amount);
            json.text("Memo", "petty cash");
        });
    }
}

fn write_line(plan: &Blueprint, number: u64, amount: Money, json: &mut Json) {
    json.quoted("Id", number);
    json.value("LineNum", number);
    json.value("Amount", amount);
    json.text("DetailType", "DepositLineDetail");
    json.object("DepositLineDetail", |json| {
        write_account(plan, "AccountRef", &INTEREST, json);
    });
}
