//! A customer: somebody to invoice, or a job of one.

use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Inactive, Opened, Population};
use crate::books::head::Head;
use crate::books::names;
use crate::books::planned::suffix;
use crate::books::property::{COMMON, Kind, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Money;
use crate::options::Region;

pub(crate) static ENTITY: Entity = Entity {
    name: "customer",
    api: "Customer",
    population: Population::List {
        count: [120, 1_200, 50_000],
        inactive: Inactive::Percent(6),
        opened: Opened::Throughout,
    },
    properties: &[COMMON, LIST, CUSTOMER],
    not_queryable: &[
        "SyncToken",
        "BillAddr",
        "ShipAddr",
        "ParentRef",
        "Level",
        "PrimaryPhone",
        "PrimaryEmailAddr",
        "CurrencyRef",
        "Notes",
        "Taxable",
        "BillWithParent",
        "BalanceWithJobs",
        "IsProject",
        "domain",
        "sparse",
    ],
    write,
    ..Entity::LIST
};

const CUSTOMER: &[Property] = &[
    Property {
        name: "DisplayName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&shown(plan, head).display),
    },
    Property {
        name: "FullyQualifiedName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&shown(plan, head).qualified),
    },
    Property {
        name: "GivenName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(person(plan, head.ordinal).0),
    },
    Property {
        name: "FamilyName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(person(plan, head.ordinal).1),
    },
    Property {
        name: "CompanyName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&own_name(plan, head.ordinal)),
    },
    Property {
        name: "Balance",
        kind: Kind::Number,
        read: |plan, head| Scalar::money(balance(plan, head)),
    },
    Property {
        name: "Job",
        kind: Kind::Flag,
        read: |plan, head| Scalar::Flag(parent(plan, head.ordinal).is_some()),
    },
];

/// A customer's names as they are shown.
struct Names {
    display: String,
    qualified: String,
}

/// The name by which documents refer to a customer: with its parent's before it.
pub(crate) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    qualified_name(plan, ordinal) + suffix(plan, &ENTITY, ordinal)
}

/// The customer that this one is a job of: always an older one that is no job itself.
pub(crate) fn parent(plan: &Blueprint, ordinal: u64) -> Option<u64> {
    if !is_job(plan, ordinal) {
        return None;
    }
    let back = 1 + plan.dice("parent", ordinal).below(ordinal.min(20));
    (0..=ordinal - back).rev().find(|older| !is_job(plan, *older))
}

/// The first customer is never a job, so that every job finds a parent.
fn is_job(plan: &Blueprint, ordinal: u64) -> bool {
    ordinal > 0 && plan.dice("job", ordinal).chance(15)
}

fn own_name(plan: &Blueprint, ordinal: u64) -> String {
    let mut dice = plan.dice("customer name", ordinal);
    if is_job(plan, ordinal) {
        names::project(&mut dice, plan.region, ordinal + 1)
    } else {
        names::customer(&mut dice, plan.region, ordinal + 1)
    }
}

fn qualified_name(plan: &Blueprint, ordinal: u64) -> String {
    match parent(plan, ordinal) {
        Some(parent) => format!("{}:{}", own_name(plan, parent), own_name(plan, ordinal)),
        None => own_name(plan, ordinal),
    }
}

fn shown(plan: &Blueprint, head: &Head) -> Names {
    let suffix = if head.is_active() { "" } else { " (deleted)" };
    Names {
        display: own_name(plan, head.ordinal) + suffix,
        qualified: qualified_name(plan, head.ordinal) + suffix,
    }
}

fn person(plan: &Blueprint, ordinal: u64) -> (&'static str, &'static str) {
    names::person(&mut plan.dice("person", ordinal), plan.region)
}

/// Not the sum of the open invoices: that would make a customer depend on every document there is.
fn balance(plan: &Blueprint, head: &Head) -> Money {
    let mut dice = plan.dice("balance", head.ordinal);
    let owed = if dice.chance(60) {
        0
    } else {
        dice.between(1, 900_000)
    };
    Money::cents(owed + i64::from(head.editions) * 100)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let names = shown(plan, head);
    let mut dice = plan.dice("customer", head.ordinal);
    json.value("Taxable", dice.chance(80));
    if dice.chance(85) {
        write_address(plan, head, json);
    }
    if dice.chance(10) {
        json.text("Notes", "Ring twice.\tGate code: ask 🔑\r\nPas le lundi.");
    }
    let parent = parent(plan, head.ordinal);
    json.value("Job", parent.is_some());
    json.value("BillWithParent", parent.is_some());
    if let Some(parent) = parent {
        json.reference("ParentRef", parent + 1, &qualified_name(plan, parent));
        json.value("Level", 1);
    }
    let balance = balance(plan, head);
    json.value("Balance", balance);
    json.value("BalanceWithJobs", balance);
    let currency = currency::of(plan, &ENTITY, head.ordinal);
    currency::write_reference(plan, currency, json);
    json.text(
        "PreferredDeliveryMethod",
        ["Print", "Email", "None"][dice.index(3)],
    );
    json.value("IsProject", false);
    let (given, family) = person(plan, head.ordinal);
    json.text("GivenName", given);
    json.text("FamilyName", family);
    json.text("FullyQualifiedName", &names.qualified);
    if parent.is_none() {
        json.text("CompanyName", &own_name(plan, head.ordinal));
    }
    json.text("DisplayName", &names.display);
    json.text("PrintOnCheckName", &names.display);
    json.value("Active", head.is_active());
    write_contact(head, json);
    head.write(json);
}

fn write_address(plan: &Blueprint, head: &Head, json: &mut Json) {
    let (line, (town, state, code)) = names::address(&mut plan.dice("address", head.ordinal), plan.region);
    json.object("BillAddr", |json| {
        json.quoted("Id", head.id() + 1);
        json.text("Line1", &line);
        json.text("City", town);
        json.text("Country", if plan.region == Region::Ca { "CAN" } else { "USA" });
        json.text("CountrySubDivisionCode", state);
        json.text("PostalCode", code);
    });
}

/// Addresses and numbers from the ranges that are reserved for fiction.
fn write_contact(head: &Head, json: &mut Json) {
    json.object("PrimaryPhone", |json| {
        json.text("FreeFormNumber", &format!("(555) 555-01{:02}", head.id() % 100));
    });
    json.object("PrimaryEmailAddr", |json| {
        json.text("Address", &format!("books{}@example.com", head.id()));
    });
}
