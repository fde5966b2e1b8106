//! Ids: the sixteen letters and digits by which the API knows a record, made from its ordinal and readable back to it.

use crate::dice::Dice;

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// So many digits hold any number of 64 bits; the others are a check.
const NUMBER: usize = 11;
const CHECK: usize = 5;
const ORDINAL_BITS: u32 = 40;

/// The ids of one list of one company.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Ids {
    key: u64,
}

impl Ids {
    pub(in crate::contifico) fn new(seed: u64, topic: u64) -> Self {
        Self {
            key: Dice::new(seed, topic, 0).next(),
        }
    }

    /// The id of a record; a record that was issued anew has another one of a later generation.
    pub(in crate::contifico) fn id(self, ordinal: u64, generation: u32) -> String {
        let packed = (u64::from(generation) << ORDINAL_BITS) | ordinal;
        let mut mixed = mix(packed, self.key);
        let mut text = [0_u8; NUMBER + CHECK];
        for place in &mut text[..NUMBER] {
            *place = digit(mixed % 62);
            mixed /= 62;
        }
        let mut check = Dice::new(self.key, ORDINAL_BITS.into(), packed);
        for place in &mut text[NUMBER..] {
            *place = digit(check.below(62));
        }
        text.iter().copied().map(char::from).collect()
    }

    /// The ordinal and the generation that an id was made of; none for one of another list or company.
    pub(in crate::contifico) fn read(self, id: &str) -> Option<(u64, u32)> {
        if id.len() != NUMBER + CHECK {
            return None;
        }
        let mut mixed = 0_u64;
        for byte in id.bytes().take(NUMBER).collect::<Vec<_>>().iter().rev() {
            let value = DIGITS.iter().position(|digit| digit == byte)?;
            mixed = mixed.checked_mul(62)?.checked_add(u64::try_from(value).ok()?)?;
        }
        let packed = unmix(mixed, self.key);
        let ordinal = packed & ((1 << ORDINAL_BITS) - 1);
        let generation = u32::try_from(packed >> ORDINAL_BITS).ok()?;
        (self.id(ordinal, generation) == id).then_some((ordinal, generation))
    }
}

fn digit(value: u64) -> u8 {
    DIGITS[usize::try_from(value).unwrap_or(0)]
}

const ROUNDS: u64 = 4;

/// A Feistel network: whatever the round function is, it can be undone.
fn mix(number: u64, key: u64) -> u64 {
    let (mut left, mut right) = halves(number);
    for round in 0..ROUNDS {
        (left, right) = (right, left ^ noise(right, key, round));
    }
    joined(left, right)
}

fn unmix(number: u64, key: u64) -> u64 {
    let (mut left, mut right) = halves(number);
    for round in (0..ROUNDS).rev() {
        (left, right) = (right ^ noise(left, key, round), left);
    }
    joined(left, right)
}

#[expect(clippy::cast_possible_truncation, reason = "each half is 32 bits")]
fn halves(number: u64) -> (u32, u32) {
    ((number >> 32) as u32, number as u32)
}

fn joined(left: u32, right: u32) -> u64 {
    (u64::from(left) << 32) | u64::from(right)
}

#[expect(clippy::cast_possible_truncation, reason = "any 32 bits of it will do")]
fn noise(half: u32, key: u64, round: u64) -> u32 {
    Dice::new(key, round, half.into()).next() as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_back_to_what_it_was_made_of(ordinal in 0..1_u64 << 40, generation in 0..1_u32 << 16, key: u64) {
            let ids = Ids { key };
            let id = ids.id(ordinal, generation);
            prop_assert_eq!(id.len(), 16);
            prop_assert_eq!(ids.read(&id), Some((ordinal, generation)));
            let other = Ids { key: key ^ 1 };
            prop_assert_eq!(other.read(&id), None);
        }
    }

    #[test]
    fn ids_differ_and_are_not_in_the_order_of_their_records() {
        let ids = Ids::new(1, 2);
        let made: Vec<String> = (0..1_000).map(|ordinal| ids.id(ordinal, 0)).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 1_000);
        assert!(!made.is_sorted());
        for wrong in ["", "short", "ñ2345678901234", "99999999999AAAAA"] {
            assert_eq!(ids.read(wrong), None, "{wrong}");
        }
    }
}
