//! Dice: numbers that look like chance and are a pure function of a key, so that every record can be thrown again.

/// A stream of numbers (splitmix64) that begins anew wherever its key does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream that belongs to one ordinal of one topic under a seed.
    pub(crate) fn new(seed: u64, topic: u64, ordinal: u64) -> Self {
        let mut dice = Self(seed ^ topic.rotate_left(17));
        let mixed = dice.next() ^ ordinal.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut dice = Self(mixed);
        dice.next();
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` − 1; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(0).unsigned_abs() + 1;
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True in `percent` of all throws.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is never empty.
    pub(crate) fn pick<'list, T>(&mut self, list: &'list [T]) -> &'list T {
        &list[self.index(list.len())]
    }

    /// An index into something of `length` parts.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// A string of letters and digits.
    pub(crate) fn letters(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(*self.pick(ALPHABET))).collect()
    }
}

/// A topic's number (FNV-1a): two topics under one seed throw independently.
pub(crate) const fn topic(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        index += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_throws_the_same_numbers_and_another_key_throws_others() {
        let throw = |seed, name, ordinal| Dice::new(seed, topic(name), ordinal).next();
        assert_eq!(throw(1, "invoice", 7), throw(1, "invoice", 7));
        assert_ne!(throw(1, "invoice", 7), throw(2, "invoice", 7));
        assert_ne!(throw(1, "invoice", 7), throw(1, "item", 7));
        assert_ne!(throw(1, "invoice", 7), throw(1, "invoice", 8));
    }

    #[test]
    fn a_range_includes_both_ends() {
        let mut dice = Dice::new(1, topic("range"), 0);
        let thrown: Vec<i64> = (0..200).map(|_| dice.between(-1, 1)).collect();
        assert!(thrown.iter().all(|n| (-1..=1).contains(n)));
        assert!(thrown.contains(&-1) && thrown.contains(&1));
    }
}
