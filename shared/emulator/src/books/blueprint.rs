//! A blueprint: what all records of one company are a function of. It holds no records and never changes.

use chrono::{NaiveDate, TimeDelta};

use super::entities::{customer, item};
use super::entity::{Entity, Population};
use super::roll::Roll;
use crate::dice::{Dice, topic};
use crate::options::{Region, Size};

/// The plan of one company's books.
#[derive(Debug, Clone)]
pub(crate) struct Blueprint {
    /// Drawn from the emulator's seed and the company's name.
    pub(crate) seed: u64,
    pub(crate) size: Size,
    pub(crate) region: Region,
    pub(crate) first_day: NaiveDate,
    pub(crate) days: u32,
    pub(crate) as_of: NaiveDate,
    /// The last second of the books, in Unix time: no record knows anything later unless it was mutated.
    pub(crate) closing: i64,
    /// When the first entry of every list was created.
    pub(crate) lists_from: i64,
    pub(crate) customers: Roll,
    pub(crate) items: Roll,
}

/// What a blueprint is drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub(crate) seed: u64,
    pub(crate) size: Size,
    pub(crate) region: Region,
    pub(crate) days: u32,
    pub(crate) as_of: NaiveDate,
}

/// Lists start at least three years before the documents, so that the first day's customers are known already.
const LIST_DAYS_BEFORE: u32 = 1095;

impl Blueprint {
    pub(crate) fn new(draft: Draft) -> Self {
        let Draft {
            seed,
            size,
            region,
            days,
            as_of,
        } = draft;
        let first_day = as_of - TimeDelta::days(i64::from(days) - 1);
        let closing = midnight(as_of) + 86_399;
        let lists_from = midnight(first_day) - 86_400 * i64::from(LIST_DAYS_BEFORE.max(days));
        let blank = Roll::new(seed, 0, 1, lists_from, closing);
        let mut blueprint = Self {
            seed,
            size,
            region,
            first_day,
            days,
            as_of,
            closing,
            lists_from,
            customers: blank,
            items: blank,
        };
        blueprint.customers = blueprint.roll(&customer::ENTITY);
        blueprint.items = blueprint.roll(&item::ENTITY);
        blueprint
    }

    /// The dice of one record.
    pub(crate) fn dice(&self, about: &str, ordinal: u64) -> Dice {
        Dice::new(self.seed, topic(about), ordinal)
    }

    /// The roll of a list entity.
    pub(crate) fn roll(&self, entity: &Entity) -> Roll {
        let count = entity.population.list_count(self.size);
        Roll::new(self.seed, entity.topic(), count, self.lists_from, self.closing)
    }

    /// The currency's code and name.
    pub(crate) fn currency(&self) -> (&'static str, &'static str) {
        match self.region {
            Region::Us => ("USD", "United States Dollar"),
            Region::Ca => ("CAD", "Dollar canadien"),
        }
    }
}

impl Population {
    fn list_count(self, size: Size) -> u64 {
        match self {
            Self::List { count, .. } => size.of(count),
            Self::Documents { .. } => 1,
        }
    }
}

/// The start of a date in UTC, in Unix seconds.
pub(crate) fn midnight(date: NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}
