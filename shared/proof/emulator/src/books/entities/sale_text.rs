//! The text of a sale: the members that all documents of sale share, in upstream's order and rendering.

use super::members::{Link, write_links, write_note};
use super::sale::{Line, Sale, Tax};
use super::{customer, item};
use crate::books::accounts::{DISCOUNTS, SALES, SERVICES};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::Entity;
use crate::books::head::Head;
use crate::books::names;
use crate::json::Json;
use crate::money::Money;
use crate::options::Region;

/// A document of sale as it is written.
pub(super) struct Paper<'sale> {
    pub(super) entity: &'static Entity,
    pub(super) sale: &'sale Sale,
    pub(super) number: String,
    pub(super) links: Vec<Link>,
}

/// Everything but what only one kind of document has.
pub(super) fn write(plan: &Blueprint, head: &Head, paper: &Paper<'_>, json: &mut Json) {
    let sale = paper.sale;
    let mut dice = plan.dice("paper", head.ordinal ^ paper.entity.topic());
    head.write(json);
    json.array("CustomField", |_| {});
    json.text("DocNumber", &paper.number);
    json.quoted("TxnDate", head.date);
    currency::write(plan, sale.currency, head.date, json);
    let note = dice
        .chance(12)
        .then_some("Ask for the «bon de commande» №7 first");
    write_note(head, note, json);
    write_links(plan, paper.entity, head, &paper.links, json);
    json.array("Line", |json| write_lines(plan, sale, json));
    json.object("TxnTaxDetail", |json| write_taxes(plan.region, sale, json));
    write_customer(plan, sale, json);
    if dice.chance(30) || head.editions > 0 {
        let memo = format!("À bientôt – \"see you\" ☕ (rev. {})", head.editions);
        json.object("CustomerMemo", |json| json.text("value", &memo));
    }
    if dice.chance(60) {
        write_address(plan, sale, json);
    }
    json.value("TotalAmt", sale.total);
    currency::write_at_home(plan, sale.currency, head.date, ("HomeTotalAmt", sale.total), json);
    if plan.region == Region::Ca {
        json.text("GlobalTaxCalculation", "TaxExcluded");
    }
    json.value("ApplyTaxAfterDiscount", false);
    json.text(
        "PrintStatus",
        if dice.chance(50) { "NeedToPrint" } else { "NotSet" },
    );
    write_email(sale, dice.chance(40), json);
}

pub(super) fn write_customer(plan: &Blueprint, sale: &Sale, json: &mut Json) {
    json.reference(
        "CustomerRef",
        sale.customer + 1,
        &customer::planned_name(plan, sale.customer),
    );
}

pub(super) fn write_lines(plan: &Blueprint, sale: &Sale, json: &mut Json) {
    for (line, number) in sale.lines.iter().zip(1_u64..) {
        json.element(|json| write_line(plan, line, number, json));
    }
    // The subtotal is a line without an id: it counts everything a second time.
    json.element(|json| {
        json.value("Amount", sale.subtotal);
        json.text("DetailType", "SubTotalLineDetail");
        json.object("SubTotalLineDetail", |_| {});
    });
    if let Some((percent, amount)) = sale.discount {
        json.element(|json| {
            json.value("Amount", amount);
            json.text("DetailType", "DiscountLineDetail");
            json.object("DiscountLineDetail", |json| {
                json.value("PercentBased", true);
                json.value("DiscountPercent", percent);
                json.reference("DiscountAccountRef", DISCOUNTS.id, DISCOUNTS.name(plan.region));
            });
        });
    }
}

fn write_line(plan: &Blueprint, line: &Line, number: u64, json: &mut Json) {
    let name = item::planned_name(plan, line.item);
    json.quoted("Id", number);
    json.value("LineNum", number);
    if number % 2 == 1 {
        json.text("Description", &name);
    }
    json.value("Amount", line.amount);
    json.text("DetailType", "SalesItemLineDetail");
    json.object("SalesItemLineDetail", |json| {
        json.reference("ItemRef", line.item + 1, &name);
        json.value("UnitPrice", line.price);
        json.value("Qty", line.quantity);
        let income = if line.taxable { SALES } else { SERVICES };
        json.reference("ItemAccountRef", income.id, income.name(plan.region));
        let code = match (plan.region, line.taxable) {
            (Region::Us, true) => "TAX",
            (Region::Us, false) => "NON",
            (Region::Ca, true) => "9",
            (Region::Ca, false) => "4",
        };
        json.object("TaxCodeRef", |json| json.quoted("value", code));
    });
}

pub(super) fn write_taxes(region: Region, sale: &Sale, json: &mut Json) {
    if sale.taxes.is_empty() && region == Region::Us {
        return;
    }
    json.value("TotalTax", sale.taxes.iter().map(|tax| tax.amount).sum::<Money>());
    json.array("TaxLine", |json| {
        for tax in &sale.taxes {
            json.element(|json| write_tax(tax, json));
        }
    });
}

fn write_tax(tax: &Tax, json: &mut Json) {
    json.value("Amount", tax.amount);
    json.text("DetailType", "TaxLineDetail");
    json.object("TaxLineDetail", |json| {
        json.object("TaxRateRef", |json| json.quoted("value", tax.rate_id));
        json.value("PercentBased", true);
        json.value("TaxPercent", tax.rate);
        json.value("NetAmountTaxable", tax.base);
    });
}

pub(super) fn write_address(plan: &Blueprint, sale: &Sale, json: &mut Json) {
    let (line, (town, state, code)) = names::address(&mut plan.dice("address", sale.customer), plan.region);
    json.object("BillAddr", |json| {
        json.quoted("Id", sale.customer + 2);
        json.text("Line1", &line);
        json.text("Line2", &format!("{town}, {state} {code}"));
    });
}

pub(super) fn write_email(sale: &Sale, sent: bool, json: &mut Json) {
    json.text("EmailStatus", if sent { "EmailSent" } else { "NotSet" });
    if sent {
        json.object("BillEmail", |json| {
            json.text("Address", &format!("books{}@example.com", sale.customer + 1));
        });
    }
}
