//! A time activity: hours that somebody worked. It is no transaction: it has no lines, no number and no currency.

use super::sale::known_at;
use super::{customer, employee, item, vendor};
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Changes, Entity, Need, Population};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "time_activity",
    api: "TimeActivity",
    population: Population::Documents {
        per_day: [4, 40, 1_000],
    },
    need: Need::Essentials,
    changes: Changes::Untold,
    properties: &[
        COMMON,
        DOCUMENT,
        &[Property::text("BillableStatus", |_, head| {
            Scalar::text(billable(head))
        })],
    ],
    write,
    ..Entity::DOCUMENT
};

fn billable(head: &Head) -> &'static str {
    ["Billable", "NotBillable", "HasBeenBilled"][usize::try_from(head.ordinal % 3).unwrap_or(0)]
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let mut dice = plan.dice("time activity", head.ordinal);
    let known = known_at(head);
    json.quoted("TxnDate", head.date);
    if dice.chance(75) {
        let who = dice.below(plan.existing(&employee::ENTITY, known));
        json.text("NameOf", "Employee");
        json.reference("EmployeeRef", who + 1, &employee::planned_name(plan, who));
    } else {
        let who = dice.below(plan.existing(&vendor::ENTITY, known));
        json.text("NameOf", "Vendor");
        json.reference("VendorRef", who + 1, &vendor::planned_name(plan, who));
    }
    if dice.chance(70) {
        let whose = dice.below(plan.existing(&customer::ENTITY, known));
        json.reference("CustomerRef", whose + 1, &customer::planned_name(plan, whose));
    }
    let service = dice.below(plan.existing(&item::ENTITY, known));
    json.reference("ItemRef", service + 1, &item::planned_name(plan, service));
    json.text("BillableStatus", billable(head));
    json.value("Taxable", dice.chance(30));
    json.value("HourlyRate", Money::cents(dice.between(1_500, 14_000)));
    json.value("Hours", dice.below(9) + u64::from(head.editions));
    json.value("Minutes", dice.below(4) * 15);
    json.text("Description", "Pose & réglage – étage 2\nreprise «demain»");
    head.write(json);
}
