//! A planned head: when a record was made and changed according to the blueprint, before any mutation.

use chrono::{DateTime, NaiveDate};

use super::blueprint::{Blueprint, Index, midnight};
use super::bounds::UPDATED_WITHIN_DAYS;
use super::calendar::Calendar;
use super::census::{Inactive, Population, Voiding};
use super::flow;
use super::head::{Head, Standing};
use super::name::Name;
use super::roll::Roll;
use crate::dice::{Dice, topic};

const HEAD: u64 = topic("head");

impl Blueprint {
    /// The head of a record before any mutation.
    pub(crate) fn head(&self, entity: Name, ordinal: u64) -> Head {
        match self.index(entity) {
            Index::Documents(calendar) => document(self, entity, calendar, ordinal),
            Index::List(roll) => entry(self, entity, *roll, ordinal),
            Index::Single | Index::Absent => single(self, ordinal),
        }
    }
}

/// What other records see behind the name of an inactive entry.
pub(crate) fn suffix(plan: &Blueprint, entity: Name, ordinal: u64) -> &'static str {
    plan.head(entity, ordinal).suffix()
}

/// A head at one instant, that of nothing special.
pub(crate) fn plain(ordinal: u64, date: NaiveDate, at: i64) -> Head {
    Head {
        ordinal,
        date,
        created: at,
        updated: at,
        version: 0,
        editions: 0,
        links: 0,
        standing: Standing::Live,
        companion: None,
        odd: None,
        spoilt: None,
    }
}

/// Entered on its date during the working day, in the order of ids; some days before or after in one case of eight.
fn document(plan: &Blueprint, entity: Name, calendar: &Calendar, ordinal: u64) -> Head {
    let place = calendar.place(ordinal);
    let mut dice = Dice::new(plan.seed ^ entity.topic(), HEAD, ordinal);
    let opening = midnight(place.date) + 13 * 3600;
    let slot = 14 * 3600 * place.position / place.of.max(1);
    let mut created = opening + i64::try_from(slot).unwrap_or(0) + dice.between(0, 119);
    match dice.below(100) {
        0..8 => created += 86_400 * dice.between(1, 2),
        8..12 => created -= 86_400 * dice.between(1, 4),
        _ => {}
    }
    let created = created.min(plan.closing);
    let (updated, version) = later_change(&mut dice, created, plan.closing);
    let standing = match plan.census(entity).voiding {
        Voiding::Possible { percent, beyond }
            if dice.chance(percent)
                && flow::is_beyond(plan, entity, calendar, ordinal, beyond)
                && flow::origin(plan, entity, ordinal).is_none() =>
        {
            Standing::Voided
        }
        _ => Standing::Live,
    };
    Head {
        updated,
        version,
        standing,
        ..plain(ordinal, place.date, created)
    }
}

/// One record in four is changed within 45 days, mostly soon; a few of those without a new version, as upstream does.
fn later_change(dice: &mut Dice, created: i64, closing: i64) -> (i64, u32) {
    if !dice.chance(25) {
        return (created, 0);
    }
    let horizon = UPDATED_WITHIN_DAYS * 86_400;
    let within = dice.between(60, horizon).min(dice.between(60, horizon));
    let updated = (created + within).min(closing);
    let versions = if dice.chance(10) { 0 } else { dice.between(1, 4) };
    (updated, u32::try_from(versions).unwrap_or(0))
}

fn entry(plan: &Blueprint, entity: Name, roll: Roll, ordinal: u64) -> Head {
    let created = roll.created(ordinal);
    let mut dice = Dice::new(plan.seed ^ entity.topic(), HEAD, ordinal);
    let updated = if dice.chance(40) {
        dice.between(created, plan.closing)
    } else {
        created
    };
    let bumped = updated > created && dice.chance(70);
    // The first entry is active, so that even the smallest list has something to show.
    let inactive = ordinal > 0
        && match plan.census(entity).population {
            Population::List {
                inactive: Inactive::Percent(percent),
                ..
            } => dice.chance(percent),
            Population::List {
                inactive: Inactive::Last(last),
                ..
            } => ordinal + last >= roll.count(),
            _ => false,
        };
    Head {
        updated,
        version: if bumped {
            u32::try_from(dice.between(1, 6)).unwrap_or(1)
        } else {
            0
        },
        standing: if inactive {
            Standing::Inactive
        } else {
            Standing::Live
        },
        ..plain(ordinal, day_of(created), created)
    }
}

fn single(plan: &Blueprint, ordinal: u64) -> Head {
    Head {
        version: 4,
        ..plain(ordinal, day_of(plan.lists_from), plan.lists_from)
    }
}

fn day_of(seconds: i64) -> NaiveDate {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .date_naive()
}
