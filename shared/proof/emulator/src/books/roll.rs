//! A roll: the entries of a list entity (customers, items) in the order of their creation.

use crate::dice::{Dice, topic};

/// When each entry of a list was created; later ordinals never before earlier ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roll {
    seed: u64,
    count: u64,
    /// Unix seconds.
    from: i64,
    span: i128,
}

impl Roll {
    /// `count` entries, spread over the time between two instants.
    pub(crate) fn new(seed: u64, entity: u64, count: u64, from: i64, until: i64) -> Self {
        let span = i128::from(until.saturating_sub(from).max(1));
        Self {
            seed: seed ^ entity,
            count: count.max(1),
            from,
            span,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// When an entry was created, in Unix seconds.
    pub(crate) fn created(&self, ordinal: u64) -> i64 {
        let jitter = Dice::new(self.seed, topic("created"), ordinal).below(1_000_000);
        // Each entry has an equal slot of the span and lies somewhere inside it.
        let within = self.span * i128::from(jitter) / 1_000_000;
        let offset = (self.span * i128::from(ordinal) + within) / i128::from(self.count);
        self.from + i64::try_from(offset).unwrap_or(0)
    }

    /// How many entries surely existed at an instant; the first counts as there from the start.
    pub(crate) fn existing_at(&self, instant: i64) -> u64 {
        let elapsed = i128::from(instant) - i128::from(self.from);
        let slots = elapsed * i128::from(self.count) / self.span;
        u64::try_from(slots).unwrap_or(0).clamp(1, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_created_in_order_and_those_said_to_exist_do() {
        let roll = Roll::new(3, topic("customer"), 500, 1_000_000, 90_000_000);
        let created: Vec<i64> = (0..500).map(|ordinal| roll.created(ordinal)).collect();
        assert!(created.is_sorted());
        for instant in [2_000_000, 40_000_000, 90_000_000] {
            let existing = roll.existing_at(instant);
            assert!((0..existing).all(|ordinal| roll.created(ordinal) <= instant));
        }
        assert_eq!(roll.existing_at(0), 1);
        assert_eq!(roll.existing_at(i64::MAX), 500);
    }
}
