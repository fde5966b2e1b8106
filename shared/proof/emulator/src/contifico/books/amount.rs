//! An amount: an exact number of millionths, written as the API writes decimals.

use std::fmt::{self, Display};

/// Money, a price or a quantity in millionths. Documents round to the cent, prices may have six decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::contifico) struct Amount(i64);

const CENT: i64 = 10_000;
const ONE: i64 = 1_000_000;

impl Amount {
    pub(in crate::contifico) fn cents(cents: i64) -> Self {
        Self(cents * CENT)
    }

    pub(in crate::contifico) fn millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    pub(in crate::contifico) fn in_millionths(self) -> i64 {
        self.0
    }

    pub(in crate::contifico) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// So many percent of it.
    pub(in crate::contifico) fn share(self, percent: i64) -> Self {
        Self(self.0 * percent / 100)
    }

    /// In whole cents; what is less than a cent is rounded half away from zero.
    pub(in crate::contifico) fn in_cents(self) -> i64 {
        rounded(i128::from(self.0), i128::from(CENT))
    }

    /// Price times quantity less a discount in percent, to the cent.
    pub(in crate::contifico) fn times(self, quantity: Self, discount: i64) -> i64 {
        let exact = i128::from(self.0) * i128::from(quantity.0) * i128::from(100 - discount);
        rounded(exact, i128::from(ONE) * i128::from(CENT) * 100)
    }

    /// As a JSON number: whole amounts without a point.
    pub(in crate::contifico) fn number(self) -> String {
        let text = self.to_string();
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    }
}

/// So many percent of an amount in cents.
pub(in crate::contifico) fn percent(cents: i64, percent: i64) -> i64 {
    rounded(i128::from(cents) * i128::from(percent), 100)
}

/// Two decimals always, as the truth writes totals.
pub(in crate::contifico) fn plain(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}",
        cents.unsigned_abs() / 100,
        cents.unsigned_abs() % 100
    )
}

fn rounded(value: i128, divisor: i128) -> i64 {
    let half = if value < 0 { -divisor / 2 } else { divisor / 2 };
    i64::try_from((value + half) / divisor).unwrap_or(0)
}

/// `100.0`, `314.28`, `1.339286`: at least one decimal, and none that says nothing.
impl Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let unit = ONE.unsigned_abs();
        let fraction = format!("{:06}", magnitude % unit);
        let fraction = fraction.trim_end_matches('0');
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        write!(out, "{sign}{}.{fraction}", magnitude / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_decimals_that_it_needs() {
        for (millionths, text, number) in [
            (0, "0.0", "0"),
            (100 * ONE, "100.0", "100"),
            (314_280_000, "314.28", "314.28"),
            (1_339_286, "1.339286", "1.339286"),
            (-5 * ONE, "-5.0", "-5"),
            (-50_000, "-0.05", "-0.05"),
        ] {
            let amount = Amount::millionths(millionths);
            assert_eq!(
                (amount.to_string().as_str(), amount.number().as_str()),
                (text, number)
            );
        }
        assert_eq!(plain(-1_205), "-12.05");
    }

    #[test]
    fn a_line_is_exact_to_the_cent() {
        let price = Amount::millionths(1_339_286);
        assert_eq!(price.times(Amount::millionths(3 * ONE), 0), 402);
        assert_eq!(price.times(Amount::millionths(3 * ONE), 10), 362);
        assert_eq!(percent(402, 15), 60);
        assert_eq!(percent(-410, 15), -62);
    }
}
