//! An exchange rate: what a currency was worth at home on a day. It has no id; upstream's query is said to be broken.

use super::prelude::*;
use crate::books::census::{Census, Population};
use crate::books::currency::{Currency, USED, foreign, rate};
use crate::books::entity::Key;
use crate::books::property::COMMON_WITHOUT_ID;
use crate::money::Rate;
use crate::pacific::Pacific;

const RATES: Entity = Entity::document(Name::ExchangeRate, &EXCHANGE_RATE);

pub(crate) static ENTITY: Entity = Entity {
    census: Census {
        population: Population::Daily { per_day: 3 },
        // Invalid query: the property that clients filter by is said not to be there.
        need: Need::Favour(4001),
        ..RATES.census
    },
    changes: Changes::Untold,
    removal: Removal::Impossible,
    key: Key::Text(|plan, head| format!("{}:{}", currency(plan, head).code, head.date)),
    properties: &[COMMON_WITHOUT_ID],
    ..RATES
};

static EXCHANGE_RATE: Table<&Currency> = Table {
    content: currency,
    members: &[
        Asked(&Word("SourceCurrencyCode", |currency| currency.code)),
        Word("TargetCurrencyCode", |currency| currency.plan.currency().0),
        Other(|currency, json| {
            let Rate(rate) = rate(currency.plan, currency, currency.head.date);
            json.value("Rate", Rate(rate + 100 * i64::from(currency.head.editions)));
        }),
        Asked(&Date("AsOfDate", |currency| currency.head.date)),
        Always(r#""domain":"QBO","sparse":false"#),
        Object(
            "MetaData",
            &[Other(|currency, json| {
                json.quoted("LastUpdatedTime", Pacific(currency.head.updated));
            })],
        ),
    ],
    total: |_, _| None,
};

/// The three of each day one after the other.
fn currency(plan: &Blueprint, head: &Head) -> &'static Currency {
    &foreign(plan.region)[usize::try_from(head.ordinal % 3).unwrap_or(0) % USED]
}
