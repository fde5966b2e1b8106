//! A sale: what an invoice, a quote, a receipt, a credit and a refund have in common: a customer, lines, a discount and
//! taxes that add up.

use super::prelude::*;
use super::{customer, item};
use crate::books::accounts::{DISCOUNTS, SALES, SERVICES};
use crate::books::blueprint::midnight;
use crate::books::currency::Currency;
use crate::dice::Dice;
use crate::money::{Percentage, Price, Quantity};
use crate::options::Region;

/// The exact content of one document of sale.
pub(super) struct Sale {
    /// An ordinal of the customers' roll.
    pub(super) customer: u64,
    /// None for the home currency.
    pub(super) currency: Option<&'static Currency>,
    pub(super) lines: Vec<Line>,
    /// In percent of the lines' sum, and the amount; positive as upstream shows it.
    pub(super) discount: Option<(Percentage, Money)>,
    pub(super) subtotal: Money,
    pub(super) taxes: Vec<Tax>,
    pub(super) total: Money,
}

pub(super) struct Line {
    /// An ordinal of the items' roll.
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

/// Under which topics a kind of document is drawn: the whole and its lines.
#[derive(Clone, Copy)]
pub(super) struct Topics(pub(super) &'static str, pub(super) &'static str);

/// The last instant before a document was entered and before the day it is dated: what existed then, it can name.
pub(super) fn known_at(head: &Head) -> i64 {
    head.created.min(midnight(head.date))
}

impl Sale {
    pub(super) fn drawn(plan: &Blueprint, head: &Head, topics: Topics, known_at: i64) -> Self {
        let mut dice = plan.dice(topics.0, head.ordinal);
        let customer = dice.below(plan.existing(Name::Customer, known_at));
        let discount_percent = if dice.chance(8) {
            dice.between(1, 3) * 5_000
        } else {
            0
        };
        let lines = lines(plan, head, plan.dice(topics.1, head.ordinal), known_at);
        let subtotal: Money = lines.iter().map(|line| line.amount).sum();
        let discount = (discount_percent > 0).then(|| {
            let percent = Percentage(discount_percent);
            (percent, subtotal.share(percent))
        });
        let taxes = taxes(plan.region, &lines);
        let tax: Money = taxes.iter().map(|tax| tax.amount).sum();
        Self {
            customer,
            currency: customer::currency(plan, customer),
            discount,
            subtotal,
            total: subtotal - discount.map_or(Money::ZERO, |(_, amount)| amount) + tax,
            lines,
            taxes,
        }
    }
}

fn lines(plan: &Blueprint, head: &Head, mut dice: Dice, known_at: i64) -> Vec<Line> {
    let items = plan.existing(Name::Item, known_at);
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
            Line {
                item,
                quantity,
                price: goods.price,
                amount: goods.price.times(quantity),
                taxable: goods.taxable,
            }
        })
        .collect()
}

pub(super) fn quantity(dice: &mut Dice) -> Quantity {
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

/// The elements of `Line`: what was sold, then the subtotal and the discount.
pub(super) fn write_lines<T>(record: &Record<'_, T>, sale: &Sale, json: &mut Json) {
    record.each(&sale.lines, LINE, json);
    // The subtotal is a line without an id: it counts everything a second time.
    json.element(|json| record.part(sale, SUBTOTAL, json));
    if sale.discount.is_some() {
        json.element(|json| record.part(sale, DISCOUNT, json));
    }
}

const LINE: &[Member<Line>] = &[
    Member::NUMBERED,
    Optional("Description", |line| {
        let named = line.number % 2 == 1;
        named.then(|| item::planned_name(line.plan, line.item))
    }),
    Amount("Amount", |line| line.amount),
    Always(r#""DetailType":"SalesItemLineDetail""#),
    Object(
        "SalesItemLineDetail",
        &[
            Ref("ItemRef", |line| item::reference(line.item)),
            Cost("UnitPrice", |line| line.price),
            Other(|line, json| json.value("Qty", line.quantity)),
            AccountRef(
                "ItemAccountRef",
                |line| if line.taxable { &SALES } else { &SERVICES },
            ),
            Object(
                "TaxCodeRef",
                &[Word("value", |line| tax_code(line.plan.region, line.taxable))],
            ),
        ],
    ),
];

const SUBTOTAL: &[Member<Sale>] = &[
    Amount("Amount", |sale| sale.subtotal),
    Always(r#""DetailType":"SubTotalLineDetail","SubTotalLineDetail":{}"#),
];

const DISCOUNT: &[Member<Sale>] = &[
    Amount("Amount", |sale| sale.discount.unwrap_or_default().1),
    Always(r#""DetailType":"DiscountLineDetail""#),
    Object(
        "DiscountLineDetail",
        &[
            Flag("PercentBased", |_| true),
            Percent("DiscountPercent", |sale| sale.discount.unwrap_or_default().0),
            AccountRef("DiscountAccountRef", |_| &DISCOUNTS),
        ],
    ),
];

fn tax_code(region: Region, taxable: bool) -> &'static str {
    match (region, taxable) {
        (Region::Us, true) => "TAX",
        (Region::Us, false) => "NON",
        (Region::Ca, true) => "9",
        (Region::Ca, false) => "4",
    }
}

/// The members of `TxnTaxDetail`.
pub(super) const TAXES: &[Member<Sale>] = &[When(
    |sale| !sale.taxes.is_empty() || sale.plan.region == Region::Ca,
    &[
        Amount("TotalTax", |sale| sale.taxes.iter().map(|tax| tax.amount).sum()),
        List("TaxLine", |sale, json| sale.each(&sale.taxes, TAX, json)),
    ],
)];

const TAX: &[Member<Tax>] = &[
    Amount("Amount", |tax| tax.amount),
    Always(r#""DetailType":"TaxLineDetail""#),
    Object(
        "TaxLineDetail",
        &[
            Object("TaxRateRef", &[Id("value", |tax| tax.rate_id)]),
            Flag("PercentBased", |_| true),
            Percent("TaxPercent", |tax| tax.rate),
            Amount("NetAmountTaxable", |tax| tax.base),
        ],
    ),
];
