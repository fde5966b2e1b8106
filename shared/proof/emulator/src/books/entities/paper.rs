//! A paper: a sale as it is written down, with a note, a memo, an address and a way to the customer; what all documents of
//! sale share.

use super::customer;
use super::prelude::*;
use super::sale::{Sale, TAXES, write_lines};
use crate::books::currency::Currency;
use crate::books::names;
use crate::dice::Dice;
use crate::options::Region;

/// The exact content of one document of sale.
#[expect(clippy::struct_excessive_bools, reason = "each is thrown for itself")]
pub(crate) struct Paper {
    pub(super) sale: Sale,
    pub(super) links: Vec<Link>,
    pub(super) with_note: bool,
    pub(super) with_memo: bool,
    with_address: bool,
    to_print: bool,
    sent: bool,
}

/// How many percent of a kind of document have what.
pub(super) struct Habits {
    pub(super) note: u64,
    pub(super) memo: u64,
    pub(super) address: u64,
    pub(super) sent: u64,
}

impl Paper {
    pub(super) fn written(sale: Sale, links: Vec<Link>, mut dice: Dice, habits: &Habits) -> Self {
        Self {
            sale,
            links,
            with_note: dice.chance(habits.note),
            with_memo: dice.chance(habits.memo),
            with_address: dice.chance(habits.address),
            to_print: dice.chance(50),
            sent: dice.chance(habits.sent),
        }
    }

    /// A quote, a receipt, a credit or a refund.
    pub(super) fn of(plan: &Blueprint, head: &Head, name: Name, sale: Sale, link: Option<Link>) -> Self {
        let dice = plan.dice("paper", head.ordinal ^ name.topic());
        let habits = Habits {
            note: 12,
            memo: 30,
            address: 60,
            sent: 40,
        };
        Self::written(sale, link.into_iter().collect(), dice, &habits)
    }
}

/// A document of sale.
pub(crate) trait Sold {
    fn paper(&self) -> &Paper;
}

impl Sold for Paper {
    fn paper(&self) -> &Paper {
        self
    }
}

impl<T: Sold> Dealt for T {
    fn currency(&self) -> Option<&'static Currency> {
        self.paper().sale.currency
    }
}

/// What a quote, a receipt, a credit and a refund say after their numbers.
pub(super) const PAPER: &[Member<Paper>] = &[
    Member::TXN_DATE,
    Member::CURRENCY,
    Note(|paper| {
        paper
            .with_note
            .then_some("Ask for the «bon de commande» №7 first")
    }),
    Member::SOLD,
    When(
        |paper| paper.with_memo || paper.head.editions > 0,
        &[Object(
            "CustomerMemo",
            &[Text("value", |paper| {
                format!("À bientôt – \"see you\" ☕ (rev. {})", paper.head.editions)
            })],
        )],
    ),
    Member::ADDRESS,
    Member::TOTAL,
    Member::DELIVERY,
];

impl<T: Sold + 'static> Member<T> {
    /// The customer and what was sold, with the documents before and after it.
    pub(super) const SOLD: Self = Shared(&[
        Links(|record| record.paper().links.clone()),
        List("Line", |record, json| {
            write_lines(record, &record.paper().sale, json);
        }),
        Object(
            "TxnTaxDetail",
            &[Other(|record, json| {
                record.part(&record.paper().sale, TAXES, json);
            })],
        ),
        Asked(&Ref("CustomerRef", |record| {
            customer::reference(record.paper().sale.customer)
        })),
    ]);

    /// Where the customer is.
    pub(super) const ADDRESS: Self = When(
        |record| record.paper().with_address,
        &[Object("BillAddr", &[Other(write_address)])],
    );

    /// What it comes to.
    pub(super) const TOTAL: Self = Shared(&[
        Asked(&Amount("TotalAmt", |record| record.paper().sale.total)),
        When(
            has_currencies,
            &[Amount("HomeTotalAmt", |record| {
                record.at_home(record.paper().sale.total)
            })],
        ),
        When(
            |record| record.plan.region == Region::Ca,
            &[Always(r#""GlobalTaxCalculation":"TaxExcluded""#)],
        ),
        Always(r#""ApplyTaxAfterDiscount":false"#),
    ]);

    /// How it reaches the customer.
    pub(super) const DELIVERY: Self = Shared(&[
        Word("PrintStatus", |record| {
            if record.paper().to_print {
                "NeedToPrint"
            } else {
                "NotSet"
            }
        }),
        Word("EmailStatus", |record| {
            if record.paper().sent {
                "EmailSent"
            } else {
                "NotSet"
            }
        }),
        When(
            |record| record.paper().sent,
            &[Object(
                "BillEmail",
                &[Text("Address", |record| {
                    format!("books{}@example.com", record.paper().sale.customer + 1)
                })],
            )],
        ),
    ]);
}

fn write_address<T: Sold>(record: &Record<'_, T>, json: &mut Json) {
    let customer = record.paper().sale.customer;
    let address = names::address(&mut record.plan.dice("address", customer), record.plan.region);
    let town = address.town;
    json.quoted("Id", customer + 2);
    json.text("Line1", &address.line);
    json.text("Line2", &format!("{}, {} {}", town.name, town.state, town.code));
}
