//! A book: all records of one entity of one company, computed from the blueprint and overlaid with mutations.

use std::ops::Range;
use std::sync::RwLockReadGuard;

use chrono::{DateTime, NaiveDate};

use super::blueprint::{Blueprint, midnight};
use super::bounds::{Bounds, UPDATED_WITHIN_DAYS};
use super::calendar::Calendar;
use super::entity::{Entity, Population};
use super::head::{Head, Standing};
use super::overlay::{Birth, Change, Overlay, Seen, View};
use super::roll::Roll;
use super::selection::Selection;
use crate::locks::RwLock;

/// One entity's records.
pub(crate) struct Book {
    pub(crate) entity: &'static Entity,
    index: Index,
    pub(crate) overlay: RwLock<Overlay>,
}

/// How ordinals lie in time.
enum Index {
    Documents(Calendar),
    List { roll: Roll, inactive_percent: u64 },
}

/// A book as somebody sees it at one moment; nothing changes while it is held.
pub(crate) struct Sight<'book> {
    pub(crate) blueprint: &'book Blueprint,
    book: &'book Book,
    overlay: RwLockReadGuard<'book, Overlay>,
    view: View,
}

impl Book {
    pub(crate) fn new(blueprint: &Blueprint, entity: &'static Entity) -> Self {
        let index = match entity.population {
            Population::Documents { per_day } => Index::Documents(Calendar::new(
                blueprint.seed,
                entity.topic(),
                blueprint.first_day,
                blueprint.days,
                blueprint.size.of(per_day),
            )),
            Population::List { inactive_percent, .. } => Index::List {
                roll: blueprint.roll(entity),
                inactive_percent,
            },
        };
        Self {
            entity,
            index,
            overlay: RwLock::default(),
        }
    }

    /// How many records the blueprint has.
    pub(crate) fn planned(&self) -> u64 {
        match &self.index {
            Index::Documents(calendar) => calendar.total(),
            Index::List { roll, .. } => roll.count(),
        }
    }

    pub(crate) fn look<'book>(&'book self, blueprint: &'book Blueprint, view: View) -> Sight<'book> {
        Sight {
            blueprint,
            book: self,
            overlay: self.overlay.read(),
            view,
        }
    }

    /// The head that the blueprint gives a record.
    fn planned_head(&self, blueprint: &Blueprint, ordinal: u64) -> Head {
        match &self.index {
            Index::Documents(calendar) => document_head(blueprint, self.entity, calendar, ordinal),
            Index::List {
                roll,
                inactive_percent,
            } => list_head(blueprint, self.entity, *roll, *inactive_percent, ordinal),
        }
    }

    /// The head of a record with a change on it.
    pub(crate) fn changed_head(&self, blueprint: &Blueprint, ordinal: u64, change: &Change) -> Head {
        let planned = match change.birth {
            Some(birth) => born_head(ordinal, birth),
            None => self.planned_head(blueprint, ordinal),
        };
        change.on(planned)
    }

    /// The ordinals of the blueprint among which all its records within the bounds are.
    fn planned_range(&self, bounds: &Bounds) -> Range<u64> {
        match &self.index {
            Index::Documents(calendar) => calendar.ordinals(bounds.possible_dates()),
            Index::List { roll, .. } => 0..roll.count(),
        }
    }
}

impl Sight<'_> {
    /// The head of a record, if it is there to be seen.
    pub(crate) fn head(&self, ordinal: u64) -> Option<Head> {
        match self.overlay.see(ordinal, self.view) {
            Seen::Changed(change) => Some(self.book.changed_head(self.blueprint, ordinal, &change)),
            Seen::Untouched if ordinal < self.book.planned() => {
                Some(self.book.planned_head(self.blueprint, ordinal))
            }
            Seen::Untouched | Seen::Absent => None,
        }
    }

    /// The records that can lie within the bounds. Dates and ordinals are exact; instants have still to be compared.
    pub(crate) fn select(&self, bounds: &Bounds) -> Selection {
        if let Some(ordinals) = &bounds.ordinals {
            let wanted = |ordinal: &u64| self.head(*ordinal).is_some_and(|head| self.dated(&head, bounds));
            return Selection::List(ordinals.iter().copied().filter(wanted).collect());
        }
        let range = self.book.planned_range(bounds);
        if self.overlay.is_empty() {
            return Selection::Range(range);
        }
        let changed = |ordinal: &u64| self.head(*ordinal).is_some_and(|head| self.dated(&head, bounds));
        let outside: Vec<u64> = self
            .overlay
            .ordinals()
            .filter(|ordinal| !range.contains(ordinal))
            .filter(changed)
            .collect();
        if outside.is_empty() && !self.overlay.touches(range.clone()) {
            return Selection::Range(range);
        }
        let there = |ordinal: &u64| match self.overlay.see(*ordinal, self.view) {
            Seen::Untouched => true,
            Seen::Changed(_) => changed(ordinal),
            Seen::Absent => false,
        };
        let mut list: Vec<u64> = range.filter(there).chain(outside).collect();
        list.sort_unstable();
        Selection::List(list)
    }

    fn dated(&self, head: &Head, bounds: &Bounds) -> bool {
        self.book.entity.is_list() || bounds.dates.includes(head.date)
    }

    /// The records that clients can no longer see because a mutation deleted them, with the moment of it.
    pub(crate) fn deleted(&self) -> Vec<(Head, i64)> {
        let gone = |ordinal: u64| {
            let change = self.overlay.newest(ordinal)?;
            let at = change.deleted?;
            Some((self.book.changed_head(self.blueprint, ordinal, &change), at))
        };
        self.overlay.ordinals().filter_map(gone).collect()
    }
}

/// Entered on its date during the working day, in the order of ids; some days before or after in one case of eight.
fn document_head(blueprint: &Blueprint, entity: &Entity, calendar: &Calendar, ordinal: u64) -> Head {
    let place = calendar.place(ordinal);
    let mut dice = crate::dice::Dice::new(blueprint.seed ^ entity.topic(), HEAD, ordinal);
    let opening = midnight(place.date) + 13 * 3600;
    let slot = 14 * 3600 * place.position / place.of.max(1);
    let mut created = opening + i64::try_from(slot).unwrap_or(0) + dice.between(0, 119);
    match dice.below(100) {
        0..8 => created += 86_400 * dice.between(1, 2),
        8..12 => created -= 86_400 * dice.between(1, 4),
        _ => {}
    }
    let created = created.min(blueprint.closing);
    let (updated, version) = later_change(&mut dice, created, blueprint.closing);
    Head {
        ordinal,
        date: place.date,
        created,
        updated,
        version,
        editions: 0,
        links: 0,
        standing: Standing::Live,
    }
}

const HEAD: u64 = crate::dice::topic("head");

/// One record in four is changed within 45 days, mostly soon; a few of those without a new version, as upstream does.
fn later_change(dice: &mut crate::dice::Dice, created: i64, closing: i64) -> (i64, u32) {
    if !dice.chance(25) {
        return (created, 0);
    }
    let horizon = UPDATED_WITHIN_DAYS * 86_400;
    let within = dice.between(60, horizon).min(dice.between(60, horizon));
    let updated = (created + within).min(closing);
    let versions = if dice.chance(10) { 0 } else { dice.between(1, 4) };
    (updated, u32::try_from(versions).unwrap_or(0))
}

fn list_head(
    blueprint: &Blueprint,
    entity: &Entity,
    roll: Roll,
    inactive_percent: u64,
    ordinal: u64,
) -> Head {
    let created = roll.created(ordinal);
    let mut dice = crate::dice::Dice::new(blueprint.seed ^ entity.topic(), HEAD, ordinal);
    let updated = if dice.chance(40) {
        dice.between(created, blueprint.closing)
    } else {
        created
    };
    let bumped = updated > created && dice.chance(70);
    // The first entry is active, so that even the smallest list has something to show.
    let inactive = ordinal > 0 && dice.chance(inactive_percent);
    Head {
        ordinal,
        date: day_of(created),
        created,
        updated,
        version: if bumped {
            u32::try_from(dice.between(1, 6)).unwrap_or(1)
        } else {
            0
        },
        editions: 0,
        links: 0,
        standing: if inactive {
            Standing::Inactive
        } else {
            Standing::Live
        },
    }
}

fn born_head(ordinal: u64, birth: Birth) -> Head {
    Head {
        ordinal,
        date: birth.date,
        created: birth.at,
        updated: birth.at,
        version: 0,
        editions: 0,
        links: 0,
        standing: Standing::Live,
    }
}

/// Whether a list's entry is inactive in the blueprint: other records show its name accordingly.
pub(crate) fn planned_inactive(
    blueprint: &Blueprint,
    entity: &'static Entity,
    roll: Roll,
    ordinal: u64,
) -> bool {
    let Population::List { inactive_percent, .. } = entity.population else {
        return false;
    };
    !list_head(blueprint, entity, roll, inactive_percent, ordinal).is_active()
}

fn day_of(seconds: i64) -> NaiveDate {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .date_naive()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::books::bounds::Span;
    use crate::books::entities::{customer, invoice};
    use crate::books::mutation::{Mutation, MutationKind, Occasion, Pick};
    use crate::books::tests_support::blueprint;
    use crate::options::Region;

    fn fits(bounds: &Bounds, head: &Head, entity: &Entity) -> bool {
        let dated = entity.is_list() || bounds.dates.includes(head.date);
        dated && bounds.created.includes(head.created) && bounds.updated.includes(head.updated)
    }

    fn mutated(plan: &Blueprint, entity: &'static Entity) -> Book {
        let book = Book::new(plan, entity);
        let kinds = [
            MutationKind::Create,
            MutationKind::Update,
            MutationKind::Delete,
            MutationKind::LateChange,
        ];
        for (number, kind) in (0..).zip(kinds) {
            let mutation = Mutation {
                count: 15,
                pick: Pick::Random,
                ..Mutation::new("", "", kind)
            };
            let now = plan.closing - 40 * 86_400;
            mutation
                .apply(
                    plan,
                    &book,
                    Occasion {
                        now,
                        visible_at: now,
                        number,
                    },
                )
                .unwrap();
        }
        book
    }

    #[test]
    fn every_record_was_created_before_it_was_updated_and_before_the_books_closed() {
        let plan = blueprint(Region::Us);
        for entity in crate::books::entities::ALL {
            for head in crate::books::tests_support::heads(&plan, entity) {
                assert!(
                    head.created <= head.updated && head.updated <= plan.closing,
                    "{head:?}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_selected_by_the_index_is_what_a_whole_scan_finds(
            axis in 0..3_u8, from in -10..130_i64, days in 0..20_i64, open_end in any::<bool>(), list in any::<bool>(),
        ) {
            let plan = blueprint(Region::Ca);
            let book = mutated(&plan, if list { &customer::ENTITY } else { &invoice::ENTITY });
            let sight = book.look(&plan, View::Newest);
            let first = plan.first_day + chrono::TimeDelta::days(from);
            let last = first + chrono::TimeDelta::days(days);
            let instants = Span { from: Some(midnight(first) + 5 * 3600), to: (!open_end).then(|| midnight(last)) };
            let mut bounds = Bounds::default();
            match axis {
                0 => bounds.dates = Span { from: Some(first), to: (!open_end).then_some(last) },
                1 => bounds.created = instants,
                _ => bounds.updated = instants,
            }
            let matching = |selection: Selection| -> Vec<u64> {
                let heads = selection.iter().filter_map(|ordinal| sight.head(ordinal));
                heads.filter(|head| fits(&bounds, head, book.entity)).map(|head| head.ordinal).collect()
            };
            let by_scan = matching(sight.select(&Bounds::default()));
            prop_assert_eq!(matching(sight.select(&bounds)), by_scan.clone());
            if axis == 0 && !list {
                prop_assert_eq!(sight.select(&bounds).len(), by_scan.len() as u64, "dates are exact");
            }
        }
    }
}
