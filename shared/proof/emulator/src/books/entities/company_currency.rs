//! A company currency: one that the company deals in besides its own. References use its code, not its id.

use super::prelude::*;
use crate::books::currency::{Currency, foreign};
use crate::books::scalar::{Kind, Scalar};

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Uncertain,
    properties: &[
        COMMON,
        LIST,
        // Whatever it was renamed to.
        &[Property::new("Name", Kind::Text, |plan, head| {
            Scalar::text(currency(plan, head).name)
        })],
    ],
    ..Entity::list(Name::CompanyCurrency, &COMPANY_CURRENCY)
        .counting([4, 4, 4], Inactive::Last(1), Opened::YearsBefore(1))
        .needing(Need::Currencies)
};

static COMPANY_CURRENCY: Table<&Currency> = Table {
    content: currency,
    members: &[
        Asked(&Word("Code", |currency| currency.code)),
        // An inactive one keeps its name.
        Text("Name", |currency| {
            format!("{}{}", currency.name, currency.head.asterisks())
        }),
        Member::ACTIVE,
        Member::NO_CUSTOM_FIELDS,
        Member::HEAD,
    ],
    total: |_, _| None,
};

fn currency(plan: &Blueprint, head: &Head) -> &'static Currency {
    let all = foreign(plan.region);
    &all[usize::try_from(head.ordinal).unwrap_or(0) % all.len()]
}
