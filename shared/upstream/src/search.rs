//! Search: where the rows may be that a source counts and its pages have not shown.

/// How often a window is begun again although the time before has brought nothing: where rows come in another order each
/// time, the last few of them are a matter of luck.
const FRUITLESS: u32 = 6;

/// The same where the source counts nothing that would tell whether any are missing: one of nine rows of an instant stays
/// unseen by so many pages of three in one case of two hundred.
const FRUITLESS_UNCOUNTED: u32 = 12;

/// The places looked at so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Search {
    /// How many different rows were known when the last place was chosen.
    known: Option<u64>,
    has_begun_again: bool,
    fruitless: u32,
    /// How often the window was read again in other pages.
    readings: u32,
    /// Whether the last look has brought rows, or none was taken.
    grows: bool,
}

/// Where to look next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the last row: a page that was not full may have been cut.
    Behind,
    /// At the window's beginning, once more: pages in no order show other rows each time.
    Beginning,
}

/// How often a window is read again in other pages: where they are as good as at random, a few find all rows.
const READINGS: u32 = 5;

impl Search {
    /// The place behind the last row, as long as that brings rows.
    pub(crate) fn behind(&mut self, known: u64) -> Option<Place> {
        let brought_nothing = self.known == Some(known);
        self.known = Some(known);
        (!brought_nothing).then_some(Place::Behind)
    }

    /// The beginning, for pages of another size, as long as that brings rows.
    pub(crate) fn in_other_pages(&mut self, known: u64) -> Option<Place> {
        self.grows = self.known != Some(known);
        self.known = Some(known);
        if !self.grows || self.readings == READINGS {
            return None;
        }
        self.readings += 1;
        Some(Place::Beginning)
    }

    /// Which reading of the window this is, from 1.
    pub(crate) fn reading(&self) -> u32 {
        self.readings + 1
    }

    /// Whether the last look has still brought rows.
    pub(crate) fn grows(&self) -> bool {
        self.grows
    }

    /// The next place, if there is one that may bring rows. It ends: places are looked at again only while that brings
    /// rows, or for a few times more where luck may bring them.
    pub(crate) fn next(&mut self, known: u64, count: Option<u64>, in_order: bool) -> Option<Place> {
        let brought_nothing = self.known == Some(known);
        self.known = Some(known);
        if !self.has_begun_again && !brought_nothing {
            return Some(Place::Behind);
        }
        self.fruitless = if brought_nothing { self.fruitless + 1 } else { 0 };
        let most = count.map_or(FRUITLESS_UNCOUNTED, |_| FRUITLESS);
        if in_order || self.fruitless > most {
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
        assert_eq!(search.next(500, Some(1_000), false), Some(Place::Behind));
        assert_eq!(
            search.next(700, Some(1_000), false),
            Some(Place::Behind),
            "there were more"
        );
        for known in [700, 790, 799] {
            assert_eq!(search.next(known, Some(1_000), false), Some(Place::Beginning));
        }
        for _ in 0..FRUITLESS {
            assert_eq!(search.next(799, Some(1_000), false), Some(Place::Beginning));
        }
        assert_eq!(search.next(799, Some(1_000), false), None);
    }

    #[test]
    fn pages_of_other_sizes_are_read_until_one_reading_brings_nothing_or_patience_ends() {
        let mut search = Search::default();
        assert_eq!(
            (search.reading(), search.in_other_pages(97)),
            (1, Some(Place::Beginning))
        );
        assert_eq!(
            (search.reading(), search.in_other_pages(100)),
            (2, Some(Place::Beginning))
        );
        assert_eq!((search.reading(), search.in_other_pages(100)), (3, None));
        assert!(!search.grows());
        let mut endless = Search::default();
        let readings = (1..10)
            .take_while(|known| endless.in_other_pages(*known).is_some())
            .count();
        assert_eq!((readings, endless.grows()), (5, true));
    }

    #[test]
    fn pages_in_order_are_not_read_again() {
        let mut search = Search::default();
        assert_eq!(search.next(500, Some(1_000), true), Some(Place::Behind));
        assert_eq!(search.next(500, Some(1_000), true), None);
    }
}
