//! An invoice: what was sold to whom, with lines, discount and taxes that add up. It may follow from an estimate, and a
//! payment may follow from it.

use chrono::{NaiveDate, TimeDelta};

use super::estimate;
use super::invoice_text::{BEYOND_THREE, write};
use super::payment;
use super::sale::{Sale, Topics, known_at};
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Population, Voiding};
use crate::books::flow::follower;
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "invoice",
    api: "Invoice",
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
    voiding: Voiding::Possible {
        percent: 0,
        beyond: 100,
    },
    linked: Some((&payment::ENTITY, "Payment")),
    beyond_three: Some(BEYOND_THREE),
    write,
    total: |plan, head| Some(sale(plan, head).total),
    ..Entity::DOCUMENT
};

const INVOICE: &[Property] = &[
    Property::text("DocNumber", |_, head| Scalar::text(&doc_number(head))),
    Property::text("CustomerRef", |plan, head| {
        Scalar::Text((sale(plan, head).customer + 1).to_string())
    }),
    Property::new("DueDate", Kind::Date, |_, head| Scalar::Date(due_date(head))),
    Property::number("TotalAmt", |plan, head| Scalar::money(sale(plan, head).total)),
    Property::number("Balance", |plan, head| {
        Scalar::money(balance(plan, head, &sale(plan, head)))
    }),
];

/// Long enough before an invoice that its estimate, too, came after whatever existed then.
const BEFORE_THE_ESTIMATE: i64 = 14 * 86_400;

pub(super) fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let known_at = match follower(plan, &estimate::ENTITY, &ENTITY, head.ordinal) {
        Some(_) => known_at(head) - BEFORE_THE_ESTIMATE,
        None => known_at(head),
    };
    Sale::drawn(plan, head, Topics("invoice", "invoice lines"), known_at)
}

/// What is left to pay. A payment covers what the invoice was when it came; what was added later is open.
pub(super) fn balance(plan: &Blueprint, head: &Head, sale: &Sale) -> Money {
    let Some(payment) = follower(plan, &payment::ENTITY, &ENTITY, head.ordinal) else {
        return sale.total;
    };
    if head.is_voided() {
        return Money::ZERO;
    }
    let then = if head.editions == 0 {
        sale.total
    } else {
        self::sale(plan, &plan.head(&ENTITY, head.ordinal)).total
    };
    sale.total - payment::part(plan, payment, then)
}

pub(super) fn doc_number(head: &Head) -> String {
    (1000 + head.id()).to_string()
}

pub(super) fn due_date(head: &Head) -> NaiveDate {
    let days = [0, 15, 30, 60][usize::try_from(head.ordinal % 4).unwrap_or(0)];
    head.date + TimeDelta::days(days)
}

#[cfg(test)]
mod tests {
    use super::super::{customer, item};
    use super::*;
    use crate::books::tests_support::{blueprint, heads};
    use crate::options::Region;

    #[test]
    fn the_lines_the_discount_and_the_taxes_add_up_to_the_total() {
        for region in [Region::Us, Region::Ca] {
            let plan = blueprint(region);
            for head in heads(&plan, &ENTITY) {
                let sale = sale(&plan, &head);
                let lines: Money = sale
                    .lines
                    .iter()
                    .map(|line| line.price.times(line.quantity))
                    .sum();
                let taxes: Money = sale.taxes.iter().map(|tax| tax.base.share(tax.rate)).sum();
                let discount = sale.discount.map_or(Money::ZERO, |(_, amount)| amount);
                assert_eq!(sale.subtotal, lines);
                assert_eq!(sale.total, lines - discount + taxes);
                assert!(
                    sale.total > Money::ZERO || sale.discount.is_some(),
                    "{}",
                    head.id()
                );
            }
        }
    }

    #[test]
    fn an_invoices_customer_and_items_were_there_before_it() {
        let plan = blueprint(Region::Ca);
        let created = |entity: &Entity, ordinal| plan.head(entity, ordinal).created;
        for head in heads(&plan, &ENTITY) {
            let sale = sale(&plan, &head);
            assert!(created(&customer::ENTITY, sale.customer) <= head.created);
            assert!(
                sale.lines
                    .iter()
                    .all(|line| created(&item::ENTITY, line.item) <= head.created)
            );
        }
    }
}
