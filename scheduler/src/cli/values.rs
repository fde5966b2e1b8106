//! Values: what arguments and flags take.

use std::time::Duration;

use chrono_tz::Tz;
use clap::ValueEnum;
use ledgerfleet_config::{PAGE_SIZE_MAX, parse_duration};
use ledgerfleet_model::{Axis, Environment, FailureKind, Segmenting};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum EnvironmentArg {
    /// A test company.
    #[default]
    Sandbox,
    /// A real company.
    Production,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SegmentArg {
    #[default]
    Day,
    Week,
    Month,
    Whole,
    /// As the days turn out to be filled: about a page each.
    Auto,
}

impl From<EnvironmentArg> for Environment {
    fn from(environment: EnvironmentArg) -> Self {
        match environment {
            EnvironmentArg::Sandbox => Self::Sandbox,
            EnvironmentArg::Production => Self::Production,
        }
    }
}

impl From<SegmentArg> for Segmenting {
    fn from(segment: SegmentArg) -> Self {
        match segment {
            SegmentArg::Day => Self::Day,
            SegmentArg::Week => Self::Week,
            SegmentArg::Month => Self::Month,
            SegmentArg::Whole => Self::Whole,
            SegmentArg::Auto => Self::Auto,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum AxisArg {
    /// The date on the document; lists are read whole.
    #[default]
    TxnDate,
    /// The instant of creation.
    Created,
    /// The instant of the last change.
    Updated,
}

impl From<AxisArg> for Axis {
    fn from(axis: AxisArg) -> Self {
        match axis {
            AxisArg::TxnDate => Self::TxnDate,
            AxisArg::Created => Self::Created,
            AxisArg::Updated => Self::Updated,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON value.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values, safe to open in a spreadsheet.
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

pub(super) fn page_size(text: &str) -> Result<u32, String> {
    let size = text
        .parse()
        .ok()
        .filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
    size.ok_or_else(|| format!("a page has 1 to {PAGE_SIZE_MAX} rows"))
}

/// A time span that somebody is willing to wait.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|wait| *wait <= LONGEST_WAIT)
        .ok_or_else(|| "a time is written 500ms, 30s, 5m or 1h, and is at most 24h".to_owned())
}

/// Nobody waits for longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The reason of a dead letter; an unknown one is refused with the one that was probably meant.
pub(super) fn reason(text: &str) -> Result<FailureKind, String> {
    let wanted = text.to_lowercase().replace('-', "_");
    wanted.parse().map_err(|_| {
        let likeness = |kind: &&FailureKind| strsim::jaro_winkler(&wanted, kind.as_str());
        let best = FailureKind::ALL
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let guess = best.filter(|kind| likeness(kind) > 0.8);
        guess.map_or_else(
            || {
                let words: Vec<&str> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
                format!("there is no such reason; there are: {}", words.join(", "))
            },
            |kind| format!("there is no such reason; did you mean {kind}?"),
        )
    })
}

/// Segments in a minute.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let many = text
        .trim()
        .strip_suffix("/min")
        .and_then(|many| many.trim().parse().ok());
    many.filter(|many| (1..=60_000).contains(many))
        .ok_or_else(|| "a rate is written N/min, such as 60/min; N is 1 to 60000".to_owned())
}

pub(super) fn time_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let like = |zone: &&Tz| strsim::jaro_winkler(zone.name(), text) > 0.9;
        let guess = chrono_tz::TZ_VARIANTS
            .iter()
            .find(like)
            .map_or("America/New_York", |zone| zone.name());
        format!("there is no such time zone; zones are written like {guess}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_of_segments_a_minute() {
        assert_eq!((rate("60/min"), rate("1 /min")), (Ok(60), Ok(1)));
        for wrong in [
            "60",
            "0/min",
            "-1/min",
            "60/s",
            "60001/min",
            "/min",
            "many/min",
            "1.5/min",
        ] {
            assert!(rate(wrong).unwrap_err().contains("60/min"), "{wrong}");
        }
    }

    #[test]
    fn a_reason_is_known_by_its_word() {
        assert_eq!(reason("Bad-Request"), Ok(FailureKind::BadRequest));
        assert!(
            reason("bad_requst")
                .unwrap_err()
                .contains("did you mean bad_request?")
        );
        assert!(reason("weather").unwrap_err().contains("crash_loop"));
    }

    #[test]
    fn a_wait_is_a_number_with_a_unit_and_no_longer_than_a_day() {
        assert_eq!(wait("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["90", "-1s", "25h", "soon"] {
            assert!(wait(wrong).unwrap_err().contains("30s"), "{wrong}");
        }
    }

    #[test]
    fn a_page_has_between_one_and_a_thousand_rows() {
        assert_eq!(page_size("1000"), Ok(1_000));
        for wrong in ["0", "1001", "-1", "many"] {
            assert!(page_size(wrong).is_err(), "{wrong}");
        }
    }
}
