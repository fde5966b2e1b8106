//! An invoice: what was sold to whom, with lines, discount and taxes that add up.

use chrono::{NaiveDate, TimeDelta};

use super::invoice_text::write;
use super::{customer, item};
use crate::books::blueprint::{Blueprint, midnight};
use crate::books::entity::{COMMON, DOCUMENT, Entity, Kind, Population, Property, Scalar, Voiding};
use crate::books::head::Head;
use crate::money::{Money, Percentage, Price, Quantity};
use crate::options::Region;

pub(crate) static ENTITY: Entity = Entity {
    name: "invoice",
    api: "Invoice",
    answer_key: "Invoice",
    population: Population::Documents {
        per_day: [10, 100, 10_000],
    },
    properties: &[COMMON, DOCUMENT, INVOICE],
    not_queryable: &[
        "SyncToken",
        "Line",
        "TxnTaxDetail",
        "LinkedTxn",
        "CurrencyRef",
        "ExchangeRate",
        "DepartmentRef",
        "ClassRef",
        "PrivateNote",
        "CustomerMemo",
        "BillAddr",
        "ShipAddr",
        "BillEmail",
        "PrintStatus",
        "EmailStatus",
        "domain",
        "sparse",
    ],
    only_projected: &[],
    voiding: Voiding::Possible,
    write,
    total: |plan, head| Some(Content::of(plan, head).total),
};

const INVOICE: &[Property] = &[
    Property {
        name: "DocNumber",
        kind: Kind::Text,
        read: |_, head| Scalar::text(&doc_number(head)),
    },
    Property {
        name: "CustomerRef",
        kind: Kind::Text,
        read: |plan, head| Scalar::Text((Content::of(plan, head).customer + 1).to_string()),
    },
    Property {
        name: "DueDate",
        kind: Kind::Date,
        read: |_, head| Scalar::Date(due_date(head)),
    },
    Property {
        name: "TotalAmt",
        kind: Kind::Number,
        read: |plan, head| Scalar::money(Content::of(plan, head).total),
    },
    Property {
        name: "Balance",
        kind: Kind::Number,
        read: |plan, head| Scalar::money(Content::of(plan, head).balance),
    },
];

/// The exact content of one invoice.
pub(super) struct Content {
    /// Ordinals of the customers' and the items' rolls.
    pub(super) customer: u64,
    pub(super) lines: Vec<Line>,
    /// In percent of the lines' sum, and the amount; positive as upstream shows it.
    pub(super) discount: Option<(Percentage, Money)>,
    pub(super) subtotal: Money,
    pub(super) taxes: Vec<Tax>,
    pub(super) total: Money,
    pub(super) balance: Money,
}

pub(super) struct Line {
    pub(super) item: u64,
    pub(super) quantity: Quantity,
    pub(super) price: Price,
    pub(super) amount: Money,
    pub(super) taxable: bool,
}

pub(super) struct Tax {
    pub(super) rate_id: u64,
    pub(super) rate: Percentage,
    pub(super) base: Money,
    pub(super) amount: Money,
}

impl Content {
    pub(super) fn of(plan: &Blueprint, head: &Head) -> Self {
        let known_at = head.created.min(midnight(head.date));
        let mut dice = plan.dice("invoice", head.ordinal);
        let customer = dice.below(plan.customers.existing_at(known_at));
        let discount_percent = if dice.chance(8) {
            dice.between(1, 3) * 5_000
        } else {
            0
        };
        let paid = dice.below(100);
        let lines = lines(plan, head, known_at);
        let subtotal: Money = lines.iter().map(|line| line.amount).sum();
        let discount = (discount_percent > 0).then(|| {
            let percent = Percentage(discount_percent);
            (percent, subtotal.share(percent))
        });
        let taxes = taxes(plan.region, &lines);
        let tax: Money = taxes.iter().map(|tax| tax.amount).sum();
        let total = subtotal - discount.map_or(Money::ZERO, |(_, amount)| amount) + tax;
        let balance = if is_paid(plan, head, paid) {
            Money::ZERO
        } else {
            total
        };
        Self {
            customer,
            lines,
            discount,
            subtotal,
            taxes,
            total,
            balance,
        }
    }

    /// Whether a payment covered it.
    pub(super) fn is_paid(&self) -> bool {
        self.balance == Money::ZERO && self.total != Money::ZERO
    }
}

fn lines(plan: &Blueprint, head: &Head, known_at: i64) -> Vec<Line> {
    let mut dice = plan.dice("invoice lines", head.ordinal);
    let items = plan.items.existing_at(known_at);
    let count = match dice.below(200) {
        0 => 25,
        1..90 => 1,
        _ => 1 + dice.below(5),
    };
    (0..count)
        .map(|number| {
            let item = dice.below(items);
            let goods = item::planned(plan, item);
            let mut quantity = quantity(&mut dice);
            if number == 0 {
                quantity.0 += 100 * i64::from(head.editions);
            }
            if head.is_voided() {
                quantity.0 = 0;
            }
            let amount = goods.price.times(quantity);
            Line {
                item,
                quantity,
                price: goods.price,
                amount,
                taxable: goods.taxable,
            }
        })
        .collect()
}

fn quantity(dice: &mut crate::dice::Dice) -> Quantity {
    match dice.below(10) {
        0 => Quantity(dice.between(1, 16) * 25),
        1..3 => Quantity(dice.between(10, 250) * 100),
        _ => Quantity(dice.between(1, 9) * 100),
    }
}

fn taxes(region: Region, lines: &[Line]) -> Vec<Tax> {
    let base: Money = lines
        .iter()
        .filter(|line| line.taxable)
        .map(|line| line.amount)
        .sum();
    if base == Money::ZERO {
        return Vec::new();
    }
    let rates: &[(u64, i64)] = match region {
        Region::Us => &[(3, 8_250)],
        Region::Ca => &[(7, 5_000), (8, 9_975)],
    };
    let tax = |(rate_id, rate): &(u64, i64)| {
        let rate = Percentage(*rate);
        Tax {
            rate_id: *rate_id,
            rate,
            base,
            amount: base.share(rate),
        }
    };
    rates.iter().map(tax).collect()
}

/// Three in five of those older than ten days are paid.
fn is_paid(plan: &Blueprint, head: &Head, paid: u64) -> bool {
    paid < 60 && head.date < plan.as_of - TimeDelta::days(10) && !head.is_voided()
}

pub(super) fn doc_number(head: &Head) -> String {
    (1000 + head.id()).to_string()
}

pub(super) fn due_date(head: &Head) -> NaiveDate {
    let days = [0, 15, 30, 60][usize::try_from(head.ordinal % 4).unwrap_or(0)];
    head.date + TimeDelta::days(days)
}

/// The names that the text of an invoice refers to.
pub(super) fn customer_name(plan: &Blueprint, content: &Content) -> String {
    customer::planned_name(plan, content.customer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::tests_support::{blueprint, heads};

    #[test]
    fn the_lines_the_discount_and_the_taxes_add_up_to_the_total() {
        for region in [Region::Us, Region::Ca] {
            let plan = blueprint(region);
            for head in heads(&plan, &ENTITY) {
                let content = Content::of(&plan, &head);
                let lines: Money = content
                    .lines
                    .iter()
                    .map(|line| line.price.times(line.quantity))
                    .sum();
                let taxes: Money = content.taxes.iter().map(|tax| tax.base.share(tax.rate)).sum();
                let discount = content.discount.map_or(Money::ZERO, |(_, amount)| amount);
                assert_eq!(content.subtotal, lines);
                assert_eq!(content.total, lines - discount + taxes);
                assert!(
                    content.total > Money::ZERO || content.discount.is_some(),
                    "{}",
                    head.id()
                );
            }
        }
    }

    #[test]
    fn an_invoices_customer_and_items_were_there_before_it() {
        let plan = blueprint(Region::Ca);
        for head in heads(&plan, &ENTITY) {
            let content = Content::of(&plan, &head);
            assert!(plan.customers.created(content.customer) <= head.created);
            assert!(
                content
                    .lines
                    .iter()
                    .all(|line| plan.items.created(line.item) <= head.created)
            );
        }
    }
}
