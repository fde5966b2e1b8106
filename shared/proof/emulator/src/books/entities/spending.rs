//! Spending: what a bill, an order, a purchase and a vendor's credit have in common: a vendor and lines for accounts or for
//! items, which add up.

use super::prelude::*;
use super::sale::quantity;
use super::word_lists::CLASSES;
use super::{customer, item, vendor};
use crate::books::accounts::{Account, EXPENSES};
use crate::books::currency::Currency;
use crate::dice::Dice;
use crate::money::{Price, Quantity};

/// The exact content of one document of spending.
pub(crate) struct Spending {
    /// An ordinal of the vendors' roll.
    pub(super) vendor: u64,
    /// None for the home currency.
    pub(super) currency: Option<&'static Currency>,
    lines: Vec<Line>,
    pub(super) total: Money,
}

struct Line {
    what: What,
    amount: Money,
    class: Option<u64>,
    /// The customer who pays it in the end.
    billed_to: Option<u64>,
}

enum What {
    Account(&'static Account),
    Item {
        item: u64,
        price: Price,
        quantity: Quantity,
    },
}

/// What the lines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wares {
    Accounts,
    Items,
    Both,
}

impl Spending {
    pub(super) fn drawn(plan: &Blueprint, head: &Head, topic: &str, wares: Wares, known_at: i64) -> Self {
        let mut dice = plan.dice(topic, head.ordinal);
        let vendor = dice.below(plan.existing(Name::Vendor, known_at));
        let count = if dice.chance(50) { 1 } else { 1 + dice.below(5) };
        let mut lines: Vec<Line> = (0..count)
            .map(|_| Line::drawn(plan, &mut dice, wares, known_at))
            .collect();
        lines[0].change(head.editions);
        if head.is_voided() {
            lines.iter_mut().for_each(Line::void);
        }
        Self {
            vendor,
            currency: vendor::currency(plan, vendor),
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
        }
    }

    /// Lets a customer pay the first line in the end.
    pub(super) fn bill_to(&mut self, customer: Option<u64>) {
        self.lines[0].billed_to = customer;
    }

    /// The customer who pays the first line in the end.
    pub(super) fn billed_to(&self) -> Option<u64> {
        self.lines[0].billed_to
    }
}

impl Line {
    fn drawn(plan: &Blueprint, dice: &mut Dice, wares: Wares, known_at: i64) -> Self {
        let of_item = match wares {
            Wares::Accounts => false,
            Wares::Items => true,
            Wares::Both => dice.chance(40),
        };
        let classes = plan.has(Name::Class) && dice.chance(30);
        let class = classes.then(|| dice.below(plan.existing(Name::Class, known_at)));
        if of_item {
            let item = dice.below(plan.existing(Name::Item, known_at));
            let (price, quantity) = (item::planned(plan, item).price, quantity(dice));
            return Self {
                amount: price.times(quantity),
                what: What::Item {
                    item,
                    price,
                    quantity,
                },
                class,
                billed_to: None,
            };
        }
        Self {
            what: What::Account(dice.pick(EXPENSES)),
            amount: Money::cents(dice.between(150, 180_000)),
            class,
            billed_to: None,
        }
    }

    /// A later version buys more.
    fn change(&mut self, editions: u32) {
        match &mut self.what {
            What::Account(_) => self.amount += Money::cents(100 * i64::from(editions)),
            What::Item { price, quantity, .. } => {
                quantity.0 += 100 * i64::from(editions);
                self.amount = price.times(*quantity);
            }
        }
    }

    fn void(&mut self) {
        self.amount = Money::ZERO;
        if let What::Item { quantity, .. } = &mut self.what {
            quantity.0 = 0;
        }
    }
}

/// A document of spending.
pub(crate) trait Spent {
    fn spending(&self) -> &Spending;
}

impl Spent for Spending {
    fn spending(&self) -> &Spending {
        self
    }
}

impl Dealt for Spending {
    fn currency(&self) -> Option<&'static Currency> {
        self.currency
    }
}

impl<T: Spent + 'static> Member<T> {
    pub(super) const VENDOR: Self = Asked(&Ref("VendorRef", |record| {
        vendor::reference(record.spending().vendor)
    }));

    pub(super) const SPENT: Self = List("Line", |record, json| {
        record.part(record.spending(), &[Other(write_lines)], json);
    });

    pub(super) const TOTAL_SPENT: Self = Asked(&Amount("TotalAmt", |record| record.spending().total));
}

/// The elements of `Line`.
pub(super) fn write_lines(spending: &Record<'_, Spending>, json: &mut Json) {
    spending.each(&spending.lines, LINE, json);
}

const LINE: &[Member<Line>] = &[
    Member::NUMBERED,
    When(
        |line| line.number.is_multiple_of(2),
        &[Word("Description", |_| "livré – 2ᵉ partie\t(see «note»)")],
    ),
    Amount("Amount", |line| line.amount),
    When(
        |line| matches!(line.what, What::Account(_)),
        &[
            Always(r#""DetailType":"AccountBasedExpenseLineDetail""#),
            Object("AccountBasedExpenseLineDetail", DETAIL),
        ],
    ),
    When(
        |line| matches!(line.what, What::Item { .. }),
        &[
            Always(r#""DetailType":"ItemBasedExpenseLineDetail""#),
            Object("ItemBasedExpenseLineDetail", DETAIL),
        ],
    ),
];

const DETAIL: &[Member<Line>] = &[
    Other(write_what),
    Word("BillableStatus", |line| match line.billed_to {
        Some(_) => "HasBeenBilled",
        None => "NotBillable",
    }),
    When(
        |line| line.billed_to.is_some(),
        &[Ref("CustomerRef", |line| {
            customer::reference(line.billed_to.unwrap_or(0))
        })],
    ),
    When(
        |line| line.class.is_some(),
        &[Ref("ClassRef", |line| CLASSES.entry(line.class.unwrap_or(0)))],
    ),
    Object("TaxCodeRef", &[Word("value", |line| line.plan.untaxed())]),
];

fn write_what(line: &Record<'_, Line>, json: &mut Json) {
    match line.what {
        What::Account(account) => account.refer("AccountRef", line.plan.region, json),
        What::Item {
            item,
            price,
            quantity,
        } => {
            json.reference("ItemRef", item + 1, &item::planned_name(line.plan, item));
            json.value("UnitPrice", price);
            json.value("Qty", quantity);
        }
    }
}
