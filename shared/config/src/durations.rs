//! Durations as people write them in a configuration: `500ms`, `20s`, `5m`, `24h`.

use std::time::Duration;

/// The duration that `text` says; none if it is not one number with one unit.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, milliseconds) = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number: u64 = number.trim_end().parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("20 s"), Some(Duration::from_secs(20)));
        assert_eq!(parse_duration("24h"), Some(Duration::from_hours(24)));
        for wrong in ["", "20", "s", "-1s", "1.5s", "1d", "99999999999999999999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
