//! A time activity: hours that somebody worked. It is no transaction: it has no lines, no number and no currency.

use super::prelude::*;
use super::sale::known_at;
use super::{customer, employee, item, vendor};

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Untold,
    ..Entity::document(Name::TimeActivity, &TIME_ACTIVITY)
        .per_day([4, 40, 1_000])
        .needing(Need::Essentials)
};

static TIME_ACTIVITY: Table<Work> = Table {
    content: Work::drawn,
    members: &[
        Member::TXN_DATE,
        When(
            |work| work.by_employee,
            &[
                Always(r#""NameOf":"Employee""#),
                Ref("EmployeeRef", |work| employee::reference(work.who)),
            ],
        ),
        When(
            |work| !work.by_employee,
            &[
                Always(r#""NameOf":"Vendor""#),
                Ref("VendorRef", |work| vendor::reference(work.who)),
            ],
        ),
        When(
            |work| work.customer.is_some(),
            &[Ref("CustomerRef", |work| {
                customer::reference(work.customer.unwrap_or(0))
            })],
        ),
        Ref("ItemRef", |work| item::reference(work.service)),
        Asked(&Word("BillableStatus", |work| {
            let status = ["Billable", "NotBillable", "HasBeenBilled"];
            status[usize::try_from(work.head.ordinal % 3).unwrap_or(0)]
        })),
        Flag("Taxable", |work| work.taxable),
        Amount("HourlyRate", |work| work.rate),
        Count("Hours", |work| work.hours + u64::from(work.head.editions)),
        Count("Minutes", |work| work.minutes),
        Always(r#""Description":"Pose & réglage – étage 2\nreprise «demain»""#),
        Member::HEAD,
    ],
    total: |_, _| None,
};

/// The exact content of one activity.
struct Work {
    by_employee: bool,
    /// The employee, or the vendor.
    who: u64,
    customer: Option<u64>,
    service: u64,
    taxable: bool,
    rate: Money,
    hours: u64,
    minutes: u64,
}

impl Work {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("time activity", head.ordinal);
        let existing = |entity| plan.existing(entity, known_at(head));
        let by_employee = dice.chance(75);
        let workers = if by_employee { Name::Employee } else { Name::Vendor };
        Self {
            by_employee,
            who: dice.below(existing(workers)),
            customer: dice.chance(70).then(|| dice.below(existing(Name::Customer))),
            service: dice.below(existing(Name::Item)),
            taxable: dice.chance(30),
            rate: Money::cents(dice.between(1_500, 14_000)),
            hours: dice.below(9),
            minutes: dice.below(4) * 15,
        }
    }
}
