//! An account: an entry of the chart. Those that documents post to are as old as the books.

use crate::books::accounts::{Class, EXPENSE, known, parent_of};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Inactive, Opened, Population};
use crate::books::head::Head;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "account",
    api: "Account",
    population: Population::List {
        count: [96, 120, 200],
        inactive: Inactive::Last(4),
        opened: Opened::YearsBefore(2),
    },
    properties: &[
        COMMON,
        LIST,
        &[
            Property::text("Name", |plan, head| Scalar::text(&shown(plan, head))),
            Property::text("FullyQualifiedName", |plan, head| {
                Scalar::text(&qualified_name(plan, head))
            }),
            Property::text("AccountType", |_, head| Scalar::text(class(head).1)),
            Property::text("Classification", |_, head| Scalar::text(class(head).0)),
            Property::number("CurrentBalance", |plan, head| Scalar::money(balance(plan, head))),
        ],
    ],
    write,
    ..Entity::LIST
};

fn class(head: &Head) -> Class {
    known(head.id()).map_or(EXPENSE, |account| account.class)
}

fn qualified_name(plan: &Blueprint, head: &Head) -> String {
    match known(head.id()) {
        Some(account) => account.name(plan.region).to_owned(),
        None => format!("Dépenses – Expenses {:03}", head.id()),
    }
}

/// The last part of its whole name.
fn shown(plan: &Blueprint, head: &Head) -> String {
    let name = qualified_name(plan, head);
    let own = name.rsplit_once(':').map_or(name.as_str(), |(_, own)| own);
    let rename = "*".repeat(usize::try_from(head.editions).unwrap_or(0));
    let suffix = if head.is_active() { "" } else { " (deleted)" };
    format!("{own}{rename}{suffix}")
}

/// Not the sum of what was posted: that would make an account depend on every document there is.
fn balance(plan: &Blueprint, head: &Head) -> Money {
    Money::cents(
        plan.dice("account balance", head.ordinal)
            .between(-50_000, 9_000_000),
    )
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let Class(classification, kind, detail) = class(head);
    let parent = known(head.id()).and_then(parent_of);
    json.text("Name", &shown(plan, head));
    json.value("SubAccount", parent.is_some());
    if let Some(parent) = parent {
        json.reference("ParentRef", parent.id, parent.name(plan.region));
    }
    json.text("FullyQualifiedName", &qualified_name(plan, head));
    json.value("Active", head.is_active());
    json.text("Classification", classification);
    json.text("AccountType", kind);
    json.text("AccountSubType", detail);
    if head.ordinal.is_multiple_of(3) {
        json.text("AcctNum", &format!("{:04}", 1000 + head.id() * 10));
    }
    let balance = balance(plan, head);
    json.value("CurrentBalance", balance);
    json.value("CurrentBalanceWithSubAccounts", balance);
    currency::write_reference(plan, None, json);
    head.write(json);
}
