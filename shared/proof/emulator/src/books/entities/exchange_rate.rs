//! An exchange rate: what a currency was worth at home on a day. It has no id; upstream's query is said to be broken.

use crate::books::blueprint::Blueprint;
use crate::books::currency::{Currency, USED, foreign, rate};
use crate::books::entity::{Changes, Entity, Key, Need, Population, Removal};
use crate::books::head::Head;
use crate::books::property::{COMMON_WITHOUT_ID, Kind, Property, Scalar};
use crate::json::Json;
use crate::money::Rate;
use crate::pacific::Pacific;

pub(crate) static ENTITY: Entity = Entity {
    name: "exchange_rate",
    api: "ExchangeRate",
    population: Population::Daily { per_day: 3 },
    // Invalid query: the property that clients filter by is said not to be there.
    need: Need::Favour(4001),
    changes: Changes::Untold,
    removal: Removal::Impossible,
    key: Key::Text(id),
    properties: &[
        COMMON_WITHOUT_ID,
        &[
            Property::new("AsOfDate", Kind::Date, |_, head| Scalar::Date(head.date)),
            Property::text("SourceCurrencyCode", |plan, head| {
                Scalar::text(currency(plan, head).code)
            }),
        ],
    ],
    write,
    ..Entity::DOCUMENT
};

/// The three of each day one after the other.
fn currency(plan: &Blueprint, head: &Head) -> &'static Currency {
    &foreign(plan.region)[usize::try_from(head.ordinal % 3).unwrap_or(0) % USED]
}

fn id(plan: &Blueprint, head: &Head) -> String {
    format!("{}:{}", currency(plan, head).code, head.date)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let currency = currency(plan, head);
    json.text("SourceCurrencyCode", currency.code);
    json.text("TargetCurrencyCode", plan.currency().0);
    let Rate(rate) = rate(plan, currency, head.date);
    json.value("Rate", Rate(rate + 100 * i64::from(head.editions)));
    json.quoted("AsOfDate", head.date);
    json.raw_member(r#""domain":"QBO","sparse":false"#);
    json.object("MetaData", |json| {
        json.quoted("LastUpdatedTime", Pacific(head.updated));
    });
}
