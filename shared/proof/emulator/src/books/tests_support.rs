//! Small books for unit tests.

use chrono::NaiveDate;

use super::blueprint::{Blueprint, Draft};
use super::book::Book;
use super::bounds::Bounds;
use super::entity::Entity;
use super::head::Head;
use super::overlay::View;
use crate::options::{Currencies, Plan, Region, Size};

pub(crate) fn draft(region: Region) -> Draft {
    let as_of = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap_or_default();
    Draft {
        seed: 11,
        company: "acme".to_owned(),
        realm: "9341".to_owned(),
        plan: Plan::Plus,
        currencies: Currencies::One,
        size: Size::Small,
        region,
        days: 120,
        as_of,
    }
}

pub(crate) fn blueprint(region: Region) -> Blueprint {
    Blueprint::new(draft(region), &super::entities::CENSUS)
}

pub(crate) fn heads(plan: &Blueprint, entity: &'static Entity) -> Vec<Head> {
    let book = Book::new(plan, entity);
    let sight = book.look(plan, View::Newest);
    sight
        .select(&Bounds::default())
        .iter()
        .filter_map(|ordinal| sight.head(ordinal))
        .collect()
}
