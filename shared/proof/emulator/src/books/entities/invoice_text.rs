//! The text of an invoice: its members in upstream's order and rendering.

use super::invoice::{ENTITY, balance, doc_number, due_date, sale};
use super::members::{Link, write_links, write_note};
use super::sale_text::{write_address, write_customer, write_email, write_lines, write_taxes};
use super::{estimate, payment};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::flow::follower;
use crate::books::head::Head;
use crate::json::Json;
use crate::options::Region;

pub(super) fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let sale = sale(plan, head);
    let balance = balance(plan, head, &sale);
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
            if head.ordinal.is_multiple_of(2) {
                write_more_fields(plan, head, json);
            }
        }
    });
    json.text("DocNumber", &doc_number(head));
    json.quoted("TxnDate", head.date);
    currency::write(plan, sale.currency, head.date, json);
    let note = dice
        .chance(10)
        .then_some("Net terms agreed by phone; see C:\\notes\\2026");
    write_note(head, note, json);
    write_links(plan, &ENTITY, head, &links(plan, head), json);
    json.array("Line", |json| write_lines(plan, &sale, json));
    json.object("TxnTaxDetail", |json| write_taxes(plan.region, &sale, json));
    write_customer(plan, &sale, json);
    if dice.chance(40) || head.editions > 0 {
        json.object("CustomerMemo", |json| json.text("value", &memo(plan, head)));
    }
    if dice.chance(70) {
        write_address(plan, &sale, json);
    }
    json.quoted("DueDate", due_date(head));
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
    write_email(&sale, dice.chance(60), json);
    json.value("Balance", balance);
    currency::write_at_home(plan, sale.currency, head.date, ("HomeBalance", balance), json);
}

/// With what the custom fields beyond the third begin. Ids of newer ones are far from the first three's.
pub(super) const BEYOND_THREE: &str = r#",{"DefinitionId":"1000000"#;

/// Four custom fields after the first: two more of the first three, and two beyond.
fn write_more_fields(plan: &Blueprint, head: &Head, json: &mut Json) {
    let mut dice = plan.dice("more custom fields", head.ordinal);
    for (definition, name) in [("2", "Site"), ("3", "Truck"), ("1000000004", "Permit")] {
        json.element(|json| {
            json.text("DefinitionId", definition);
            json.text("Name", name);
            json.raw_member(r#""Type":"StringType""#);
            json.quoted("StringValue", 1 + dice.below(900));
        });
    }
    json.element(|json| {
        json.raw_member(r#""DefinitionId":"1000000005","Name":"Weight","Type":"NumberType""#);
        json.value("NumberValue", 1 + dice.below(5_000));
    });
}

/// The estimate before it and the payment after it.
fn links(plan: &Blueprint, head: &Head) -> Vec<Link> {
    let estimate = follower(plan, &estimate::ENTITY, &ENTITY, head.ordinal);
    let payment = follower(plan, &payment::ENTITY, &ENTITY, head.ordinal);
    let estimate = estimate.map(|ordinal| Link::to(ordinal, "Estimate"));
    let payment = payment.map(|ordinal| Link::to(ordinal, "Payment"));
    estimate.into_iter().chain(payment).collect()
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
