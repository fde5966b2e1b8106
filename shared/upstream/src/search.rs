//! Search: where the rows may be that a source counts and its pages have not shown.

/// How often a window is begun again although the time before has brought nothing: where rows come in another order each
/// time, the last few of them are a matter of luck.
const FRUITLESS: u32 = 6;

/// The places looked at so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Search {
    /// How many different rows were known when the last place was chosen.
    known: Option<u64>,
    has_begun_again: bool,
    fruitless: u32,
}

/// Where to look next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the last row: a page that was not full may have been cut.
    Behind,
    /// At the window's beginning, once more: pages in no order show other rows each time.
    Beginning,
}

impl Search {
    /// The next place, if there is one that may bring rows. It ends: places are looked at again only while that brings
    /// rows, or for a few times more where luck may bring them.
    pub(crate) fn next(&mut self, known: u64, in_order: bool) -> Option<Place> {
        let brought_nothing = self.known == Some(known);
        self.known = Some(known);
        if !self.has_begun_again && !brought_nothing {
            return Some(Place::Behind);
        }
        self.fruitless = if brought_nothing { self.fruitless + 1 } else { 0 };
        if in_order || self.fruitless > FRUITLESS {
            return None;
        }
        self.has_begun_again = true;
        Some(Place::Beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_looked_for_behind_the_last_one_and_then_from_the_beginning_until_luck_has_had_its_time() {
        let mut search = Search::default();
        assert_eq!(search.next(500, false), Some(Place::Behind));
        assert_eq!(search.next(700, false), Some(Place::Behind), "there were more");
        for known in [700, 790, 799] {
            assert_eq!(search.next(known, false), Some(Place::Beginning));
        }
        for _ in 0..FRUITLESS {
            assert_eq!(search.next(799, false), Some(Place::Beginning));
        }
        assert_eq!(search.next(799, false), None);
    }

    #[test]
    fn pages_in_order_are_not_read_again() {
        let mut search = Search::default();
        assert_eq!(search.next(500, true), Some(Place::Behind));
        assert_eq!(search.next(500, true), None);
    }
}
