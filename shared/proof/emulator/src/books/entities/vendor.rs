//! A vendor: somebody to buy from.

use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Inactive, Opened, Population};
use crate::books::head::Head;
use crate::books::names;
use crate::books::planned::suffix;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Money;
use crate::options::Region;

pub(crate) static ENTITY: Entity = Entity {
    name: "vendor",
    api: "Vendor",
    population: Population::List {
        count: [50, 300, 5_000],
        inactive: Inactive::Percent(12),
        opened: Opened::Throughout,
    },
    properties: &[
        COMMON,
        LIST,
        &[
            Property::text("DisplayName", |plan, head| Scalar::text(&shown(plan, head))),
            Property::text("CompanyName", |plan, head| Scalar::text(&shown(plan, head))),
            Property::number("Balance", |plan, head| Scalar::money(balance(plan, head))),
        ],
    ],
    write,
    ..Entity::LIST
};

/// The name by which documents refer to a vendor.
pub(crate) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    name(plan, ordinal) + suffix(plan, &ENTITY, ordinal)
}

/// Unlike any customer's.
fn name(plan: &Blueprint, ordinal: u64) -> String {
    let house = names::customer(&mut plan.dice("vendor name", ordinal), plan.region, ordinal + 1);
    match plan.region {
        Region::Us => format!("{house} Supply"),
        Region::Ca => format!("{house} – Fournitures"),
    }
}

fn shown(plan: &Blueprint, head: &Head) -> String {
    name(plan, head.ordinal) + if head.is_active() { "" } else { " (deleted)" }
}

/// Not the sum of the open bills: that would make a vendor depend on every document there is.
fn balance(plan: &Blueprint, head: &Head) -> Money {
    let owed = plan.dice("vendor balance", head.ordinal).between(-2_000, 400_000);
    Money::cents(owed.max(0) + 100 * i64::from(head.editions))
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let mut dice = plan.dice("vendor", head.ordinal);
    if dice.chance(70) {
        let (line, (town, state, code)) =
            names::address(&mut plan.dice("vendor address", head.ordinal), plan.region);
        json.object("BillAddr", |json| {
            json.quoted("Id", head.id() + 2);
            json.text("Line1", &line);
            json.text("City", town);
            json.text("CountrySubDivisionCode", state);
            json.text("PostalCode", code);
        });
    }
    json.value("Balance", balance(plan, head));
    json.text("AcctNum", &format!("V{:06}", dice.below(1_000_000)));
    json.value("Vendor1099", plan.region == Region::Us && dice.chance(30));
    currency::write_reference(plan, currency::of(plan, &ENTITY, head.ordinal), json);
    let (given, family) = names::person(&mut dice, plan.region);
    json.text("GivenName", given);
    json.text("FamilyName", family);
    let shown = shown(plan, head);
    json.text("CompanyName", &shown);
    json.text("DisplayName", &shown);
    json.text("PrintOnCheckName", &shown);
    json.value("Active", head.is_active());
    json.object("PrimaryEmailAddr", |json| {
        json.text("Address", &format!("vendor{}@example.org", head.id()));
    });
    head.write(json);
}
