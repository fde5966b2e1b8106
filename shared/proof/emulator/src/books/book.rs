//! A book: all records of one entity of one company, computed from the blueprint and overlaid with mutations.

use std::ops::Range;
use std::sync::RwLockReadGuard;

use super::blueprint::{Blueprint, Index};
use super::bounds::Bounds;
use super::entity::{Entity, Key};
use super::head::Head;
use super::overlay::{Change, Overlay, Seen, View};
use super::planned;
use super::selection::Selection;
use crate::locks::RwLock;

/// One entity's records.
pub(crate) struct Book {
    pub(crate) entity: &'static Entity,
    /// How many records the blueprint has.
    planned: u64,
    pub(crate) overlay: RwLock<Overlay>,
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
        Self {
            entity,
            planned: blueprint.planned(entity.census.name),
            overlay: RwLock::default(),
        }
    }

    pub(crate) fn planned(&self) -> u64 {
        self.planned
    }

    pub(crate) fn look<'book>(&'book self, blueprint: &'book Blueprint, view: View) -> Sight<'book> {
        Sight {
            blueprint,
            book: self,
            overlay: self.overlay.read(),
            view,
        }
    }

    /// The head of a record with a change on it.
    pub(crate) fn changed_head(&self, blueprint: &Blueprint, ordinal: u64, change: &Change) -> Head {
        let planned = match change.birth {
            Some(birth) => planned::plain(ordinal, birth.date, birth.at),
            None => blueprint.head(self.entity.census.name, ordinal),
        };
        change.on(planned)
    }

    /// The ordinals of the blueprint among which all its records within the bounds are.
    fn planned_range(&self, blueprint: &Blueprint, bounds: &Bounds) -> Range<u64> {
        match blueprint.index(self.entity.census.name) {
            Index::Documents(calendar) => calendar.ordinals(bounds.possible_dates()),
            Index::List(_) | Index::Single | Index::Absent => 0..self.planned,
        }
    }
}

impl Sight<'_> {
    /// The head of a record, if it is there to be seen.
    pub(crate) fn head(&self, ordinal: u64) -> Option<Head> {
        match self.overlay.see(ordinal, self.view) {
            Seen::Changed(change) => Some(self.book.changed_head(self.blueprint, ordinal, &change)),
            Seen::Untouched if ordinal < self.book.planned() => {
                Some(self.blueprint.head(self.book.entity.census.name, ordinal))
            }
            Seen::Untouched | Seen::Absent => None,
        }
    }

    /// The record of an id. Ids that are texts are searched for: the lists that have them are short.
    pub(crate) fn find(&self, id: &str) -> Option<Head> {
        if let Key::Number = self.book.entity.key {
            return self.head(id.parse::<u64>().ok()?.checked_sub(1)?);
        }
        let all = self.select(&Bounds::default());
        let named = |head: &Head| self.book.entity.id(self.blueprint, head) == id;
        all.iter().filter_map(|ordinal| self.head(ordinal)).find(named)
    }

    /// The records that can lie within the bounds. Dates and ordinals are exact; instants have still to be compared.
    pub(crate) fn select(&self, bounds: &Bounds) -> Selection {
        if let Some(ordinals) = &bounds.ordinals {
            let wanted = |ordinal: &u64| self.head(*ordinal).is_some_and(|head| self.dated(&head, bounds));
            return Selection::List(ordinals.iter().copied().filter(wanted).collect());
        }
        let range = self.book.planned_range(self.blueprint, bounds);
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
        !self.book.entity.is_dated() || bounds.dates.includes(head.date)
    }

    /// Those among the deleted whose deletion can be seen from here.
    pub(crate) fn gone(&self) -> Vec<(Head, i64)> {
        let deleted = self.deleted().into_iter();
        deleted
            .filter(|(head, _)| matches!(self.overlay.see(head.ordinal, self.view), Seen::Absent))
            .collect()
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::books::blueprint::midnight;
    use crate::books::bounds::Span;
    use crate::books::entities::{customer, invoice};
    use crate::books::mutation::{Mutation, Occasion};
    use crate::books::mutation_kind::{MutationKind, Pick};
    use crate::books::tests_support::blueprint;
    use crate::options::Region;

    fn fits(bounds: &Bounds, head: &Head, entity: &Entity) -> bool {
        let dated = !entity.is_dated() || bounds.dates.includes(head.date);
        dated && bounds.created.includes(head.created) && bounds.updated.includes(head.updated)
    }

    fn mutated(plan: &Blueprint, entity: &'static Entity) -> Book {
        let book = Book::new(plan, entity);
        let kinds = [
            MutationKind::Create,
            MutationKind::Update,
            MutationKind::Delete,
            MutationKind::LateChange,
            MutationKind::Redate,
        ];
        for (number, kind) in (0..).zip(kinds) {
            if kind == MutationKind::Redate && !entity.is_dated() {
                continue;
            }
            let mutation = Mutation {
                count: 15,
                pick: Pick::Random,
                to: (kind == MutationKind::Redate).then(|| plan.first_day + TimeDelta::days(40)),
                ..Mutation::new("", "", kind)
            };
            let now = plan.closing - 40 * 86_400;
            mutation
                .apply(
                    plan,
                    &book,
                    None,
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
            let first = plan.first_day + TimeDelta::days(from);
            let last = first + TimeDelta::days(days);
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
