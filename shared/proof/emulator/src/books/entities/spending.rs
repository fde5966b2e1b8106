//! Spending: what a bill, an order, a purchase and a vendor's credit have in common: a vendor and lines for accounts or for
//! items, which add up.

use super::sale::quantity;
use super::words::{CLASS, CLASSES};
use super::{customer, item, vendor};
use crate::books::accounts::{Account, EXPENSES};
use crate::books::blueprint::Blueprint;
use crate::books::currency::{self, Currency};
use crate::books::head::Head;
use crate::dice::Dice;
use crate::json::Json;
use crate::money::{Money, Price, Quantity};

/// The exact content of one document of spending.
pub(super) struct Spending {
    /// An ordinal of the vendors' roll.
    pub(super) vendor: u64,
    /// None for the home currency.
    pub(super) currency: Option<&'static Currency>,
    lines: Vec<Line>,
    pub(super) total: Money,
    /// The customer who pays the first line in the end.
    pub(super) billed_to: Option<u64>,
}

struct Line {
    what: What,
    amount: Money,
    class: Option<u64>,
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
        let vendor = dice.below(plan.existing(&vendor::ENTITY, known_at));
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
            currency: currency::of(plan, &vendor::ENTITY, vendor),
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
            billed_to: None,
        }
    }
}

impl Line {
    fn drawn(plan: &Blueprint, dice: &mut Dice, wares: Wares, known_at: i64) -> Self {
        let of_item = match wares {
            Wares::Accounts => false,
            Wares::Items => true,
            Wares::Both => dice.chance(40),
        };
        let classes = plan.has(&CLASS) && dice.chance(30);
        let class = classes.then(|| dice.below(plan.existing(&CLASS, known_at)));
        if of_item {
            let item = dice.below(plan.existing(&item::ENTITY, known_at));
            let (price, quantity) = (item::planned(plan, item).price, quantity(dice));
            return Self {
                amount: price.times(quantity),
                what: What::Item {
                    item,
                    price,
                    quantity,
                },
                class,
            };
        }
        Self {
            what: What::Account(dice.pick(EXPENSES)),
            amount: Money::cents(dice.between(150, 180_000)),
            class,
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

pub(super) fn write_vendor(plan: &Blueprint, spending: &Spending, json: &mut Json) {
    json.reference(
        "VendorRef",
        spending.vendor + 1,
        &vendor::planned_name(plan, spending.vendor),
    );
}

pub(super) fn write_lines(plan: &Blueprint, spending: &Spending, json: &mut Json) {
    json.array("Line", |json| {
        for (line, number) in spending.lines.iter().zip(1_u64..) {
            let billed_to = spending.billed_to.filter(|_| number == 1);
            json.element(|json| write_line(plan, line, number, billed_to, json));
        }
    });
}

fn write_line(plan: &Blueprint, line: &Line, number: u64, billed_to: Option<u64>, json: &mut Json) {
    json.quoted("Id", number);
    json.value("LineNum", number);
    if number.is_multiple_of(2) {
        json.text("Description", "livré – 2ᵉ partie\t(see «note»)");
    }
    json.value("Amount", line.amount);
    let detail = match line.what {
        What::Account(_) => "AccountBasedExpenseLineDetail",
        What::Item { .. } => "ItemBasedExpenseLineDetail",
    };
    json.text("DetailType", detail);
    json.object(detail, |json| {
        match line.what {
            What::Account(account) => json.reference("AccountRef", account.id, account.name(plan.region)),
            What::Item {
                item,
                price,
                quantity,
            } => {
                json.reference("ItemRef", item + 1, &item::planned_name(plan, item));
                json.value("UnitPrice", price);
                json.value("Qty", quantity);
            }
        }
        json.text(
            "BillableStatus",
            if billed_to.is_some() {
                "HasBeenBilled"
            } else {
                "NotBillable"
            },
        );
        if let Some(customer) = billed_to {
            let name = customer::planned_name(plan, customer);
            json.reference("CustomerRef", customer + 1, &name);
        }
        if let Some(class) = line.class {
            CLASSES.refer(plan, class, i64::MAX, json);
        }
        json.raw_member(r#""TaxCodeRef":{"value":"#);
        json.string(plan.untaxed());
        json.raw("}");
    });
}
