//! An employee: somebody whose hours are written down.

use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Inactive, Opened, Population};
use crate::books::head::Head;
use crate::books::names;
use crate::books::planned::suffix;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "employee",
    api: "Employee",
    population: Population::List {
        count: [12, 60, 600],
        inactive: Inactive::Last(2),
        opened: Opened::Throughout,
    },
    properties: &[
        COMMON,
        LIST,
        &[
            Property::text("DisplayName", |plan, head| Scalar::text(&shown(plan, head))),
            Property::text("FamilyName", |plan, head| {
                Scalar::text(person(plan, head.ordinal).1)
            }),
        ],
    ],
    write,
    ..Entity::LIST
};

/// The name by which documents refer to an employee.
pub(crate) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    name(plan, ordinal) + suffix(plan, &ENTITY, ordinal)
}

/// The number keeps namesakes apart.
fn name(plan: &Blueprint, ordinal: u64) -> String {
    let (given, family) = person(plan, ordinal);
    format!("{given} {family} ({})", ordinal + 1)
}

fn person(plan: &Blueprint, ordinal: u64) -> (&'static str, &'static str) {
    names::person(&mut plan.dice("employee", ordinal), plan.region)
}

fn shown(plan: &Blueprint, head: &Head) -> String {
    name(plan, head.ordinal) + if head.is_active() { "" } else { " (deleted)" }
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let (given, family) = person(plan, head.ordinal);
    json.value("BillableTime", head.ordinal.is_multiple_of(2));
    head.write(json);
    json.text("GivenName", given);
    json.text("FamilyName", family);
    json.text("DisplayName", &shown(plan, head));
    json.text("PrintOnCheckName", &shown(plan, head));
    json.value("Active", head.is_active());
    let day = plan.first_day.format("%Y-%m-%d");
    json.quoted("HiredDate", day);
    json.object("PrimaryPhone", |json| {
        let phone = format!("(555) 555-01{:02}", (head.id() + u64::from(head.editions)) % 100);
        json.text("FreeFormNumber", &phone);
    });
}
