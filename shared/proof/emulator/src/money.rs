//! Money: an exact number of cents, and the other decimals of a document. Nothing here is ever a float.

use std::fmt::{self, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(i64);

/// A price per unit, in ten-thousandths: upstream prices may carry more than two decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Price(pub(crate) i64);

/// A quantity in hundredths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Quantity(pub(crate) i64);

/// A percentage in thousandths of a percent: 9.975 % is 9,975.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Percentage(pub(crate) i64);

/// What one unit of a currency is worth in another, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) i64);

impl Money {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) fn cents(cents: i64) -> Self {
        Self(cents)
    }

    pub(crate) fn in_cents(self) -> i64 {
        self.0
    }

    /// That part of the amount, rounded half away from zero.
    pub(crate) fn share(self, part: Percentage) -> Self {
        Self(divide_rounded(self.0 * part.0, 100_000))
    }

    /// The amount in another currency, rounded half away from zero.
    pub(crate) fn exchanged(self, rate: Rate) -> Self {
        Self(divide_rounded(self.0 * rate.0, 1_000_000))
    }

    /// Two decimals always: the form of the truth, which people compare as text.
    pub(crate) fn plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
    }
}

impl Price {
    /// Price times quantity, rounded to the cent.
    pub(crate) fn times(self, quantity: Quantity) -> Money {
        Money(divide_rounded(self.0 * quantity.0, 10_000))
    }
}

fn divide_rounded(value: i64, divisor: i64) -> i64 {
    let half = if value < 0 { -divisor / 2 } else { divisor / 2 };
    (value + half) / divisor
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The upstream's mixed rendering: `0`, `100.0`, `314.28`, `12.5`.
impl Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            out.write_str("0")
        } else {
            write_decimal(out, self.0, 2, Whole::WithPoint)
        }
    }
}

impl Display for Price {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(out, self.0, 4, Whole::Bare)
    }
}

impl Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(out, self.0, 2, Whole::Bare)
    }
}

impl Display for Percentage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(out, self.0, 3, Whole::Bare)
    }
}

impl Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(out, self.0, 6, Whole::Bare)
    }
}

/// How a number without a fraction looks: `100.0` or `100`.
#[derive(Clone, Copy)]
enum Whole {
    WithPoint,
    Bare,
}

fn write_decimal(out: &mut fmt::Formatter<'_>, value: i64, scale: u32, whole: Whole) -> fmt::Result {
    let unit = 10_u64.pow(scale);
    let magnitude = value.unsigned_abs();
    if value < 0 {
        out.write_str("-")?;
    }
    write!(out, "{}", magnitude / unit)?;
    let (mut fraction, mut digits) = (magnitude % unit, scale as usize);
    if fraction == 0 {
        return if matches!(whole, Whole::WithPoint) {
            out.write_str(".0")
        } else {
            Ok(())
        };
    }
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    write!(out, ".{fraction:0digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rendered_as_upstream_mixes_it() {
        let shown = |cents| Money::cents(cents).to_string();
        assert_eq!(shown(0), "0");
        assert_eq!(shown(10_000), "100.0");
        assert_eq!(shown(31_428), "314.28");
        assert_eq!(shown(1_250), "12.5");
        assert_eq!(shown(-5), "-0.05");
        assert_eq!(Money::cents(-1205).plain(), "-12.05");
    }

    #[test]
    fn shares_are_rounded_half_away_from_zero() {
        assert_eq!(Money::cents(10_000).share(Percentage(9_975)), Money::cents(998));
        assert_eq!(Money::cents(50).share(Percentage(5_000)), Money::cents(3));
        assert_eq!(Money::cents(-50).share(Percentage(5_000)), Money::cents(-3));
    }

    #[test]
    fn a_price_of_four_decimals_times_a_fraction_is_exact_to_the_cent() {
        assert_eq!(Price(375).times(Quantity(40_000)), Money::cents(1_500));
        assert_eq!(Price(375).to_string(), "0.0375");
        assert_eq!(Quantity(150).to_string(), "1.5");
        assert_eq!(Percentage(9_975).to_string(), "9.975");
    }
}
