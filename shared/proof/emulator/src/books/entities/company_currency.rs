//! A company currency: one that the company deals in besides its own. References use its code, not its id.

use crate::books::blueprint::Blueprint;
use crate::books::currency::{Currency, foreign};
use crate::books::entity::{Changes, Entity, Inactive, Need, Opened, Population};
use crate::books::head::Head;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "company_currency",
    api: "CompanyCurrency",
    population: Population::List {
        count: [4, 4, 4],
        inactive: Inactive::Last(1),
        opened: Opened::YearsBefore(1),
    },
    need: Need::Currencies,
    changes: Changes::Uncertain,
    properties: &[
        COMMON,
        LIST,
        &[
            Property::text("Code", |plan, head| Scalar::text(currency(plan, head).code)),
            Property::text("Name", |plan, head| Scalar::text(currency(plan, head).name)),
        ],
    ],
    write,
    ..Entity::LIST
};

fn currency(plan: &Blueprint, head: &Head) -> &'static Currency {
    let all = foreign(plan.region);
    &all[usize::try_from(head.ordinal).unwrap_or(0) % all.len()]
}

/// An inactive one keeps its name.
fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let currency = currency(plan, head);
    json.text("Code", currency.code);
    let renamed = "*".repeat(usize::try_from(head.editions).unwrap_or(0));
    json.text("Name", &format!("{}{renamed}", currency.name));
    json.value("Active", head.is_active());
    json.array("CustomField", |_| {});
    head.write(json);
}
