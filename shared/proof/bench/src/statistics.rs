//! Statistics: what several measurements of one thing say together.

/// The middle and the ends of some measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub(crate) fn of(measured: &[f64]) -> Self {
        Self {
            median: quantile(measured, 0.5),
            least: quantile(measured, 0.0),
            most: quantile(measured, 1.0),
        }
    }
}

/// The value below which that share of the measurements lies, between two of them in proportion.
pub(crate) fn quantile(measured: &[f64], share: f64) -> f64 {
    let mut sorted = measured.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[index(place.floor())], sorted[index(place.ceil())]);
    below + (above - below) * (place - place.floor())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 to the length of a list"
)]
fn index(place: f64) -> usize {
    place as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_two_in_the_middle() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.5, 4.0));
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }
}
