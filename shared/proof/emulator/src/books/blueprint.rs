//! A blueprint: what all records of one company are a function of. It holds no records and never changes.

use chrono::{NaiveDate, TimeDelta};

use super::calendar::{Calendar, drawn};
use super::census::{Census, Need, Opened, Population, following};
use super::name::Name;
use super::roll::Roll;
use crate::dice::{Dice, topic};
use crate::options::{Currencies, Plan, Region, Size};

/// The plan of one company's books.
#[derive(Debug)]
pub(crate) struct Blueprint {
    /// Drawn from the emulator's seed and the company's name.
    pub(crate) seed: u64,
    pub(crate) company: String,
    pub(crate) realm: String,
    pub(crate) size: Size,
    pub(crate) region: Region,
    pub(crate) plan: Plan,
    pub(crate) currencies: Currencies,
    pub(crate) first_day: NaiveDate,
    pub(crate) days: u32,
    pub(crate) as_of: NaiveDate,
    /// The last second of the books, in Unix time: no record knows anything later unless it was mutated.
    pub(crate) closing: i64,
    /// When the first entry of every list was created.
    pub(crate) lists_from: i64,
    /// In the order of [`Name`].
    census: &'static [&'static Census; Name::COUNT],
    /// How the ordinals of each entity lie in time, in the same order.
    indexes: Vec<Index>,
}

/// How an entity's ordinals lie in time.
#[derive(Debug)]
pub(crate) enum Index {
    Documents(Calendar),
    List(Roll),
    Single,
    /// The company's plan does not have the entity.
    Absent,
}

/// What a blueprint is drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) seed: u64,
    pub(crate) company: String,
    pub(crate) realm: String,
    pub(crate) size: Size,
    pub(crate) region: Region,
    pub(crate) plan: Plan,
    pub(crate) currencies: Currencies,
    pub(crate) days: u32,
    pub(crate) as_of: NaiveDate,
}

/// Lists start at least three years before the documents, so that the first day's customers are known already.
const LIST_DAYS_BEFORE: u32 = 1095;
const YEAR_SECONDS: i64 = 365 * 86_400;

impl Blueprint {
    pub(crate) fn new(draft: Draft, census: &'static [&'static Census; Name::COUNT]) -> Self {
        let first_day = draft.as_of - TimeDelta::days(i64::from(draft.days) - 1);
        let lists_from = midnight(first_day) - 86_400 * i64::from(LIST_DAYS_BEFORE.max(draft.days));
        let mut blueprint = Self {
            seed: draft.seed,
            company: draft.company,
            realm: draft.realm,
            size: draft.size,
            region: draft.region,
            plan: draft.plan,
            currencies: draft.currencies,
            first_day,
            days: draft.days,
            as_of: draft.as_of,
            closing: midnight(draft.as_of) + 86_399,
            lists_from,
            census,
            indexes: Vec::new(),
        };
        blueprint.indexes = blueprint.draw_indexes();
        blueprint
    }

    /// The dice of one record.
    pub(crate) fn dice(&self, about: &str, ordinal: u64) -> Dice {
        Dice::new(self.seed, topic(about), ordinal)
    }

    /// The home currency's code and name.
    pub(crate) fn currency(&self) -> (&'static str, &'static str) {
        match self.region {
            Region::Us => ("USD", "United States Dollar"),
            Region::Ca => ("CAD", "Dollar canadien"),
        }
    }

    /// The tax code of what is not taxed.
    pub(crate) fn untaxed(&self) -> &'static str {
        match self.region {
            Region::Us => "NON",
            Region::Ca => "4",
        }
    }

    /// Whether the company's plan has an entity.
    pub(crate) fn has(&self, entity: Name) -> bool {
        match self.census(entity).need {
            Need::Nothing | Need::Favour(_) | Need::Luck => true,
            Need::Essentials => self.plan >= Plan::Essentials,
            Need::Plus => self.plan >= Plan::Plus,
            Need::Currencies => self.currencies == Currencies::Many,
        }
    }

    pub(crate) fn census(&self, entity: Name) -> &'static Census {
        self.census[entity as usize]
    }

    pub(crate) fn index(&self, entity: Name) -> &Index {
        &self.indexes[entity as usize]
    }

    pub(crate) fn calendar(&self, entity: Name) -> Option<&Calendar> {
        match self.index(entity) {
            Index::Documents(calendar) => Some(calendar),
            _ => None,
        }
    }

    /// How many documents a day has, counted from the first; none outside of the books.
    pub(crate) fn documents_on(&self, entity: Name, day: i64) -> u64 {
        let ordinals = self.calendar(entity).and_then(|calendar| calendar.day(day));
        ordinals.map_or(0, |ordinals| ordinals.end - ordinals.start)
    }

    /// How many records there are before any mutation.
    pub(crate) fn planned(&self, entity: Name) -> u64 {
        match self.index(entity) {
            Index::Documents(calendar) => calendar.total(),
            Index::List(roll) => roll.count(),
            Index::Single => 1,
            Index::Absent => 0,
        }
    }

    /// How many entries of a list surely existed at an instant; at least one.
    pub(crate) fn existing(&self, entity: Name, instant: i64) -> u64 {
        match self.index(entity) {
            Index::List(roll) => roll.existing_at(instant),
            _ => 1,
        }
    }

    /// Sources before what follows from them, each once.
    fn draw_indexes(&self) -> Vec<Index> {
        let mut drawn: Vec<Option<Index>> = self.census.iter().map(|_| None).collect();
        for census in self.census {
            self.draw_index(census, &mut drawn);
        }
        drawn
            .into_iter()
            .map(|index| index.unwrap_or(Index::Absent))
            .collect()
    }

    fn draw_index(&self, census: &Census, drawn: &mut Vec<Option<Index>>) {
        let at = census.name as usize;
        if drawn[at].is_some() {
            return;
        }
        for stream in census.streams {
            self.draw_index(self.census(stream.source), drawn);
        }
        drawn[at] = Some(match census.population {
            _ if !self.has(census.name) => Index::Absent,
            Population::Documents { .. } | Population::Daily { .. } => {
                Index::Documents(self.lay_out(census, drawn))
            }
            Population::List { count, opened, .. } => {
                let (from, until) = match opened {
                    Opened::YearsBefore(years) => {
                        let from = self.lists_from - i64::from(years) * YEAR_SECONDS;
                        (from, from + YEAR_SECONDS)
                    }
                    Opened::Throughout => (self.lists_from, self.closing),
                    Opened::WithDocuments => (midnight(self.first_day), self.closing),
                };
                let topic = census.name.topic();
                Index::List(Roll::new(self.seed, topic, self.size.of(count), from, until))
            }
            Population::Single => Index::Single,
        });
    }

    fn lay_out(&self, census: &Census, known: &[Option<Index>]) -> Calendar {
        let source = |entity: Name, day: i64| match &known[entity as usize] {
            Some(Index::Documents(calendar)) => calendar.day(day).map_or(0, |day| day.end - day.start),
            _ => 0,
        };
        let days = (0..i64::from(self.days)).zip(self.first_day.iter_days());
        let counts = days.map(|(day, date)| {
            let own = match census.population {
                Population::Documents { per_day } => {
                    let per_day = self.size.of(per_day);
                    drawn(self.seed, census.name.topic(), day.unsigned_abs(), date, per_day)
                }
                Population::Daily { per_day } => per_day,
                Population::List { .. } | Population::Single => 0,
            };
            own + following(census.streams, day, source)
        });
        Calendar::new(self.first_day, counts)
    }
}

/// The start of a date in UTC, in Unix seconds.
pub(crate) fn midnight(date: NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}
