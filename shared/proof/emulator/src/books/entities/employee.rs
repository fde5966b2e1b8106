//! An employee: somebody whose hours are written down.

use super::prelude::*;
use crate::books::names;
use crate::books::planned::suffix;

pub(crate) static ENTITY: Entity =
    Entity::list(Name::Employee, &EMPLOYEE).counting([12, 60, 600], Inactive::Last(2), Opened::Throughout);

static EMPLOYEE: Table<Person> = Table {
    content: |plan, head| person(plan, head.ordinal),
    members: &[
        Flag("BillableTime", |employee| employee.head.ordinal.is_multiple_of(2)),
        Member::HEAD,
        Word("GivenName", |employee| employee.0),
        Asked(&Word("FamilyName", |employee| employee.1)),
        Asked(&Text("DisplayName", shown)),
        Text("PrintOnCheckName", shown),
        Member::ACTIVE,
        Date("HiredDate", |employee| employee.plan.first_day),
        Object(
            "PrimaryPhone",
            &[Text("FreeFormNumber", |employee| {
                let number = employee.head.id() + u64::from(employee.head.editions);
                format!("(555) 555-01{:02}", number % 100)
            })],
        ),
    ],
    total: |_, _| None,
};

/// A given and a family name.
type Person = (&'static str, &'static str);

fn person(plan: &Blueprint, ordinal: u64) -> Person {
    names::person(&mut plan.dice("employee", ordinal), plan.region)
}

/// How documents refer to an employee.
pub(super) fn reference(ordinal: u64) -> Reference {
    Reference {
        ordinal,
        name: |plan, ordinal| name(plan, ordinal) + suffix(plan, Name::Employee, ordinal),
    }
}

/// The number keeps namesakes apart.
fn name(plan: &Blueprint, ordinal: u64) -> String {
    let (given, family) = person(plan, ordinal);
    format!("{given} {family} ({})", ordinal + 1)
}

fn shown(employee: &Record<'_, Person>) -> String {
    name(employee.plan, employee.head.ordinal) + employee.head.suffix()
}
