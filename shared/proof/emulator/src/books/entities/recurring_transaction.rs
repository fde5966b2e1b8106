//! A recurring transaction: a template. Its rows are wrappers: the only member is the kind of document, the id is inside.

use super::members::write_account;
use super::sale::{Sale, Topics};
use super::sale_text::{write_customer, write_lines, write_taxes};
use super::spending::{self, Spending, Wares};
use crate::books::accounts::{CHECKING, INTEREST, PAYABLE, SAVINGS};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Changes, Entity, Inactive, Need, Opened, Population, Removal};
use crate::books::head::Head;
use crate::books::property::COMMON;
use crate::json::Json;
use crate::money::Money;
use crate::options::Plan;

pub(crate) static ENTITY: Entity = Entity {
    name: "recurring_transaction",
    api: "RecurringTransaction",
    population: Population::List {
        count: [24, 48, 120],
        inactive: Inactive::None,
        opened: Opened::WithDocuments,
    },
    need: Need::Nothing,
    changes: Changes::Untold,
    removal: Removal::Vanishes,
    properties: &[COMMON],
    write,
    ..Entity::LIST
};

/// What a template is of, and from which plan on.
const KINDS: &[(&str, Plan)] = &[
    ("Invoice", Plan::SimpleStart),
    ("Bill", Plan::Essentials),
    ("Purchase", Plan::SimpleStart),
    ("CreditMemo", Plan::SimpleStart),
    ("Deposit", Plan::SimpleStart),
    ("Estimate", Plan::SimpleStart),
    ("JournalEntry", Plan::SimpleStart),
    ("RefundReceipt", Plan::SimpleStart),
    ("SalesReceipt", Plan::SimpleStart),
    ("Transfer", Plan::SimpleStart),
    ("VendorCredit", Plan::Essentials),
    ("PurchaseOrder", Plan::Plus),
];

fn kind(plan: &Blueprint, head: &Head) -> &'static str {
    let at = usize::try_from(head.ordinal).unwrap_or(0) % KINDS.len();
    let (kind, needs) = KINDS[at];
    if needs <= plan.plan { kind } else { "Invoice" }
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let kind = kind(plan, head);
    json.object(kind, |json| {
        head.write(json);
        json.object("RecurringInfo", |json| write_schedule(plan, head, kind, json));
        match kind {
            "Bill" | "Purchase" | "VendorCredit" | "PurchaseOrder" => write_spending(plan, head, json),
            "Deposit" | "Transfer" | "JournalEntry" => write_move(plan, head, kind, json),
            _ => write_sale(plan, head, json),
        }
    });
}

fn write_schedule(plan: &Blueprint, head: &Head, kind: &str, json: &mut Json) {
    json.text("Name", &format!("{kind} mensuel №{}", head.id()));
    json.text(
        "RecurType",
        ["Automated", "Reminded", "UnScheduled"][usize::try_from(head.id() % 3).unwrap_or(0)],
    );
    json.value("Active", head.ordinal % 7 != 6);
    json.object("ScheduleInfo", |json| {
        json.text("IntervalType", "Monthly");
        json.value("NumInterval", 1 + head.editions);
        json.value("DayOfMonth", 1 + head.ordinal % 28);
        json.value("DaysBefore", 3);
        json.quoted("NextDate", plan.as_of);
    });
}

fn write_sale(plan: &Blueprint, head: &Head, json: &mut Json) {
    let topics = Topics("template", "template lines");
    let sale = Sale::drawn(plan, head, topics, head.created);
    currency::write_reference(plan, sale.currency, json);
    json.array("Line", |json| write_lines(plan, &sale, json));
    json.object("TxnTaxDetail", |json| write_taxes(plan.region, &sale, json));
    write_customer(plan, &sale, json);
    json.value("TotalAmt", sale.total);
}

fn write_spending(plan: &Blueprint, head: &Head, json: &mut Json) {
    let spending = Spending::drawn(plan, head, "spending template", Wares::Items, head.created);
    currency::write_reference(plan, spending.currency, json);
    spending::write_lines(plan, &spending, json);
    spending::write_vendor(plan, &spending, json);
    write_account(plan, "APAccountRef", &PAYABLE, json);
    json.value("TotalAmt", spending.total);
}

fn write_move(plan: &Blueprint, head: &Head, kind: &str, json: &mut Json) {
    let amount = Money::cents(plan.dice("move template", head.ordinal).between(1_000, 90_000));
    currency::write_reference(plan, None, json);
    match kind {
        "Transfer" => {
            write_account(plan, "FromAccountRef", &CHECKING, json);
            write_account(plan, "ToAccountRef", &SAVINGS, json);
            json.value("Amount", amount);
        }
        "Deposit" => {
            write_account(plan, "DepositToAccountRef", &CHECKING, json);
            json.array("Line", |json| {
                json.element(|json| {
                    json.raw_member(r#""Id":"1","LineNum":1"#);
                    json.value("Amount", amount);
                    json.text("DetailType", "DepositLineDetail");
                    json.object("DepositLineDetail", |json| {
                        write_account(plan, "AccountRef", &INTEREST, json);
                    });
                });
            });
            json.value("TotalAmt", amount);
        }
        _ => json.array("Line", |json| {
            for (number, (side, account)) in [("Debit", &SAVINGS), ("Credit", &CHECKING)].iter().enumerate() {
                json.element(|json| {
                    json.quoted("Id", number);
                    json.value("Amount", amount);
                    json.text("DetailType", "JournalEntryLineDetail");
                    json.object("JournalEntryLineDetail", |json| {
                        json.text("PostingType", side);
                        write_account(plan, "AccountRef", account, json);
                    });
                });
            }
        }),
    }
}
