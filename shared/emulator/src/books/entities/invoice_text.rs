//! The text of an invoice: its members in upstream's order and rendering.

use super::invoice::{Content, Line, Tax, customer_name, doc_number, due_date};
use super::item;
use crate::books::accounts::{DISCOUNTS, SALES, SERVICES};
use crate::books::blueprint::Blueprint;
use crate::books::head::Head;
use crate::books::names;
use crate::json::Json;
use crate::money::Money;
use crate::options::Region;

pub(super) fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let content = Content::of(plan, head);
    let mut dice = plan.dice("invoice text", head.ordinal);
    json.raw_member(
        r#""AllowIPNPayment":false,"AllowOnlinePayment":false,"AllowOnlineCreditCardPayment":false"#,
    );
    json.value("AllowOnlineACHPayment", dice.chance(20));
    head.write(json);
    json.array("CustomField", |json| {
        if dice.chance(15) {
            json.element(|json| {
                json.raw_member(r#""DefinitionId":"1","Name":"Crew #","Type":"StringType""#);
                json.quoted("StringValue", 100 + dice.below(12));
            });
        }
    });
    json.text("DocNumber", &doc_number(head));
    json.quoted("TxnDate", head.date);
    let (code, currency) = plan.currency();
    json.reference("CurrencyRef", code, currency);
    write_note(head, dice.chance(10), json);
    write_links(head, &content, json);
    json.array("Line", |json| write_lines(plan, &content, json));
    json.object("TxnTaxDetail", |json| write_taxes(plan.region, &content, json));
    json.reference(
        "CustomerRef",
        content.customer + 1,
        &customer_name(plan, &content),
    );
    if dice.chance(40) || head.editions > 0 {
        json.object("CustomerMemo", |json| json.text("value", &memo(plan, head)));
    }
    if dice.chance(70) {
        write_address(plan, &content, json);
    }
    json.quoted("DueDate", due_date(head));
    json.value("TotalAmt", content.total);
    if plan.region == Region::Ca {
        json.text("GlobalTaxCalculation", "TaxExcluded");
    }
    json.value("ApplyTaxAfterDiscount", false);
    json.text(
        "PrintStatus",
        if dice.chance(50) { "NeedToPrint" } else { "NotSet" },
    );
    write_email(&content, dice.chance(60), json);
    json.value("Balance", content.balance);
}

fn memo(plan: &Blueprint, head: &Head) -> String {
    let thanks = match plan.region {
        Region::Us => "Thank you for your business – it's \"always\" a pleasure 🙂",
        Region::Ca => "Merci de votre confiance et à bientôt ☕",
    };
    if head.editions == 0 {
        thanks.to_owned()
    } else {
        format!("{thanks} (rev. {})", head.editions)
    }
}

/// The only mark of a void besides its zeros.
fn write_note(head: &Head, noted: bool, json: &mut Json) {
    let note = if noted {
        "Net terms agreed by phone; see C:\\notes\\2026"
    } else {
        ""
    };
    match (head.is_voided(), noted) {
        (true, true) => json.text("PrivateNote", &format!("Voided - {note}")),
        (true, false) => json.text("PrivateNote", "Voided"),
        (false, true) => json.text("PrivateNote", note),
        (false, false) => {}
    }
}

/// The payment of an invoice has the invoice's own number.
fn write_links(head: &Head, content: &Content, json: &mut Json) {
    json.array("LinkedTxn", |json| {
        if head.is_voided() {
            return;
        }
        let paid = content.is_paid().then_some(head.id());
        let added = (0..head.links).map(|number| 9_000_000 + head.id() * 10 + u64::from(number));
        for payment in paid.into_iter().chain(added) {
            json.element(|json| {
                json.quoted("TxnId", payment);
                json.text("TxnType", "Payment");
            });
        }
    });
}

fn write_lines(plan: &Blueprint, content: &Content, json: &mut Json) {
    for (line, number) in content.lines.iter().zip(1_u64..) {
        json.element(|json| write_line(plan, line, number, json));
    }
    // The subtotal is a line without an id: it counts everything a second time.
    json.element(|json| {
        json.value("Amount", content.subtotal);
        json.text("DetailType", "SubTotalLineDetail");
        json.object("SubTotalLineDetail", |_| {});
    });
    if let Some((percent, amount)) = content.discount {
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

fn write_taxes(region: Region, content: &Content, json: &mut Json) {
    if content.taxes.is_empty() && region == Region::Us {
        return;
    }
    json.value(
        "TotalTax",
        content.taxes.iter().map(|tax| tax.amount).sum::<Money>(),
    );
    json.array("TaxLine", |json| {
        for tax in &content.taxes {
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

fn write_address(plan: &Blueprint, content: &Content, json: &mut Json) {
    let (line, (town, state, code)) =
        names::address(&mut plan.dice("address", content.customer), plan.region);
    json.object("BillAddr", |json| {
        json.quoted("Id", content.customer + 2);
        json.text("Line1", &line);
        json.text("Line2", &format!("{town}, {state} {code}"));
    });
}

fn write_email(content: &Content, sent: bool, json: &mut Json) {
    json.text("EmailStatus", if sent { "EmailSent" } else { "NotSet" });
    if sent {
        json.object("BillEmail", |json| {
            json.text("Address", &format!("books{}@example.com", content.customer + 1));
        });
    }
}
