//! A payment: what a customer paid, mostly one invoice or half of one, sometimes in advance. A deposit may follow from it,
//! and then it shows the link although neither its version nor its time tells of it.

use super::invoice;
use super::members::{Link, write_account, write_links, write_note};
use super::sale::known_at;
use super::words::PAYMENT_METHODS;
use super::{customer, deposit};
use crate::books::accounts::{CHECKING, RECEIVABLE, UNDEPOSITED};
use crate::books::blueprint::Blueprint;
use crate::books::currency::{self, Currency};
use crate::books::entity::{Entity, Voiding};
use crate::books::flow::{Stream, origin};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "payment",
    api: "Payment",
    streams: &[after(7, 0, 25), after(14, 25, 45), after(28, 45, 60)],
    properties: &[
        COMMON,
        DOCUMENT,
        &[
            Property::text("CustomerRef", |plan, head| {
                Scalar::Text((Content::of(plan, head).customer + 1).to_string())
            }),
            Property::text("PaymentRefNum", |_, head| Scalar::text(&number(head))),
            Property::number("TotalAmt", |plan, head| Scalar::money(total(plan, head))),
            Property::number("UnappliedAmt", |plan, head| {
                Scalar::money(Content::of(plan, head).unapplied)
            }),
        ],
    ],
    voiding: Voiding::Possible {
        percent: 5,
        beyond: 75,
    },
    linked: Some((&deposit::ENTITY, "Deposit")),
    write,
    total: |plan, head| Some(total(plan, head)),
    ..Entity::DOCUMENT
};

const fn after(lag: i64, from: u64, to: u64) -> Stream {
    Stream {
        source: &invoice::ENTITY,
        lag,
        share: (from, to),
        group: 1,
    }
}

/// The exact content of one payment.
struct Content {
    customer: u64,
    currency: Option<&'static Currency>,
    /// The invoice's ordinal and how much of it is paid.
    invoice: Option<(u64, Money)>,
    unapplied: Money,
}

impl Content {
    fn of(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("payment", head.ordinal);
        let more = Money::cents(100 * i64::from(head.editions));
        let invoice = origin(plan, &ENTITY, head.ordinal).map(|origin| origin.ordinals[0]);
        let (customer, invoice, unapplied) = if let Some(invoice) = invoice {
            let sale = invoice::sale(plan, &plan.head(&invoice::ENTITY, invoice));
            let over = if dice.chance(5) { dice.between(1, 9_999) } else { 0 };
            let amount = part(plan, head.ordinal, sale.total);
            (sale.customer, Some((invoice, amount)), Money::cents(over) + more)
        } else {
            let customer = dice.below(plan.existing(&customer::ENTITY, known_at(head)));
            (customer, None, Money::cents(dice.between(1_000, 90_000)) + more)
        };
        Self {
            customer,
            currency: currency::of(plan, &customer::ENTITY, customer),
            invoice: invoice.filter(|_| !head.is_voided()),
            unapplied: if head.is_voided() { Money::ZERO } else { unapplied },
        }
    }

    fn total(&self) -> Money {
        self.unapplied + self.invoice.map_or(Money::ZERO, |(_, amount)| amount)
    }
}

pub(super) fn total(plan: &Blueprint, head: &Head) -> Money {
    Content::of(plan, head).total()
}

/// What the books say a payment is worth at home.
pub(super) fn worth(plan: &Blueprint, ordinal: u64) -> Money {
    let head = plan.head(&ENTITY, ordinal);
    let content = Content::of(plan, &head);
    currency::at_home(plan, content.currency, head.date, content.total())
}

/// How much of an invoice's amount its payment covers: one in ten leaves half of it open.
pub(super) fn part(plan: &Blueprint, ordinal: u64, of: Money) -> Money {
    if plan.dice("part payment", ordinal).chance(10) {
        Money::cents(of.in_cents() / 2)
    } else {
        of
    }
}

fn number(head: &Head) -> String {
    format!("{:05}", 40_000 + head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let content = Content::of(plan, head);
    let deposit = deposit::of(plan, &ENTITY, head);
    let name = customer::planned_name(plan, content.customer);
    json.reference("CustomerRef", content.customer + 1, &name);
    let account = if deposit.is_some() {
        &UNDEPOSITED
    } else {
        &CHECKING
    };
    write_account(plan, "DepositToAccountRef", account, json);
    write_account(plan, "ARAccountRef", &RECEIVABLE, json);
    PAYMENT_METHODS.refer(plan, head.ordinal, known_at(head), json);
    json.text("PaymentRefNum", &number(head));
    json.value("TotalAmt", content.total());
    json.value("UnappliedAmt", content.unapplied);
    json.value("ProcessPayment", false);
    head.write(json);
    json.quoted("TxnDate", head.date);
    currency::write(plan, content.currency, head.date, json);
    write_note(
        head,
        head.ordinal
            .is_multiple_of(9)
            .then_some("Reçu au comptoir – “merci”"),
        json,
    );
    let link = deposit.map(|ordinal| Link::to(ordinal, "Deposit"));
    write_links(plan, &ENTITY, head, link.as_slice(), json);
    json.array("Line", |json| {
        if let Some((invoice, amount)) = content.invoice {
            json.element(|json| write_line(plan, invoice, amount, json));
        }
    });
}

/// Lines of payments have no id.
fn write_line(plan: &Blueprint, invoice: u64, amount: Money, json: &mut Json) {
    let head = plan.head(&invoice::ENTITY, invoice);
    let open = invoice::sale(plan, &head).total;
    json.value("Amount", amount);
    json.array("LinkedTxn", |json| Link::to(invoice, "Invoice").write(json));
    json.object("LineEx", |json| {
        json.array("any", |json| {
            let facts = [
                ("txnId", head.id().to_string()),
                ("txnOpenBalance", open.plain()),
                ("txnReferenceNumber", invoice::doc_number(&head)),
            ];
            for (name, value) in facts {
                json.element(|json| write_fact(name, &value, json));
            }
        });
    });
}

fn write_fact(name: &str, value: &str, json: &mut Json) {
    json.raw_member(
        r#""name":"{http://schema.intuit.com/finance/v3}NameValue","declaredType":"com.intuit.schema.finance.v3.NameValue","scope":"javax.xml.bind.JAXBElement$GlobalScope""#,
    );
    json.object("value", |json| {
        json.text("Name", name);
        json.text("Value", value);
    });
    json.raw_member(r#""nil":false,"globalScope":true,"typeSubstituted":false"#);
}
