//! Lessons: what was learned of an entity's upstream, in the form in which it is used.

use ledgerfleet_connectors::{Dialect, Ending, EntityKind, EntitySpec, Page};
use ledgerfleet_ledger::Fact;

use crate::page::rows_of;

/// What is known of an entity of a company.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lessons {
    /// The most rows that a page has shown; none before the first that was proven to be whole.
    pub largest_page: Option<u64>,
    /// Whether the first days of a window are served in their order; none before anybody has compared.
    pub days_in_order: Option<bool>,
    /// What may be asked.
    pub dialect: Dialect,
}

impl Lessons {
    /// The facts, taken together.
    pub fn of(facts: impl IntoIterator<Item = (Fact, u64)>) -> Self {
        facts.into_iter().fold(Self::default(), |lessons, (fact, value)| {
            lessons.with(fact, value)
        })
    }

    /// With one more fact.
    #[must_use]
    pub fn with(mut self, fact: Fact, value: u64) -> Self {
        match fact {
            Fact::LargestPage => self.largest_page = self.largest_page.max(Some(value)),
            Fact::OrderRefused => self.dialect.order = false,
            Fact::DaysUnordered => self.days_in_order = Some(false),
            Fact::DaysInOrder => self.days_in_order = Some(self.days_in_order.unwrap_or(true)),
            Fact::CountRefused => self.dialect.count = false,
            Fact::SeveralIdsRefused => self.dialect.several_ids = false,
            Fact::ActiveInRefused => self.dialect.active_in = false,
        }
        self
    }

    /// Whether a page that is not full is the last one without a question. The upstream may have a limit of its own that
    /// it does not tell; one that has cut this page would have cut a larger one, too. A page as large as the largest one
    /// may be just as large as that limit, which another entity need not have.
    pub fn trust(&self, entity: &EntitySpec, page: &Page) -> bool {
        let rows = rows_of(page);
        let was_larger = self
            .largest_page
            .is_some_and(|largest| rows == 0 || rows < largest);
        let is_single = entity.kind == EntityKind::Single;
        match page.ending {
            Ending::Counted => true,
            Ending::Doubted => is_single,
            Ending::Unsaid => is_single || was_larger,
        }
    }

    /// Whether a page is just as large as the largest one: a larger one would tell that it was not cut.
    pub fn is_as_large(&self, page: &Page) -> bool {
        let rows = rows_of(page);
        page.ending == Ending::Unsaid && rows > 0 && self.largest_page == Some(rows)
    }
}

#[cfg(test)]
mod tests {
    use ledgerfleet_connectors::quickbooks::ENTITIES;
    use ledgerfleet_model::{QuarantineReason, Quarantined};

    use super::*;

    fn entity(name: &str) -> &'static EntitySpec {
        ENTITIES.iter().find(|entity| entity.name == name).unwrap()
    }

    #[test]
    fn a_short_page_is_trusted_once_a_larger_one_was_not_cut() {
        let nothing = Lessons::default();
        let some = nothing.with(Fact::LargestPage, 0);
        let (one, two) = (
            nothing.with(Fact::LargestPage, 1),
            nothing.with(Fact::LargestPage, 2),
        );
        let empty = Page::default();
        let of_one = Page {
            quarantined: vec![Quarantined::new("1".to_owned(), QuarantineReason::TooDeep, "")],
            ..Page::default()
        };
        let (counted, doubtful) = (
            Page {
                ending: Ending::Counted,
                ..Page::default()
            },
            Page {
                ending: Ending::Doubted,
                ..Page::default()
            },
        );
        for (lessons, name, page, trusted) in [
            (nothing, "invoice", &empty, false),
            (some, "invoice", &empty, true),
            (some, "invoice", &of_one, false),
            (one, "invoice", &of_one, false),
            (two, "invoice", &of_one, true),
            (some, "invoice", &doubtful, false),
            (nothing, "invoice", &counted, true),
            (nothing, "company_info", &empty, true),
        ] {
            assert_eq!(
                lessons.trust(entity(name), page),
                trusted,
                "{lessons:?} {name} {page:?}"
            );
        }
    }

    #[test]
    fn facts_are_taken_together_and_the_largest_page_counts() {
        let lessons = Lessons::of([
            (Fact::LargestPage, 40),
            (Fact::OrderRefused, 1),
            (Fact::LargestPage, 7),
            (Fact::SeveralIdsRefused, 1),
        ]);
        assert_eq!(lessons.largest_page, Some(40));
        assert_eq!(
            lessons.dialect,
            Dialect {
                order: false,
                count: true,
                several_ids: false,
                active_in: true,
            }
        );
    }
}
