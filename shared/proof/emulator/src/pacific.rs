//! Pacific time: upstream stores instants to the second and shows every one of them in America/Los_Angeles.

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::America::Los_Angeles;
use std::fmt::{self, Display};

/// An instant in Unix seconds that shows itself as `2023-02-09T13:10:36-08:00`, with the offset valid on that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pacific(pub(crate) i64);

impl Display for Pacific {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = DateTime::from_timestamp(self.0, 0).unwrap_or_default();
        let local = utc.with_timezone(&Los_Angeles);
        let hours = local.offset().fix().utc_minus_local() / 3600;
        write!(
            out,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}-{hours:02}:00",
            local.year(),
            local.month(),
            local.day(),
            local.hour(),
            local.minute(),
            local.second()
        )
    }
}

/// The `time` member of an answer, to the millisecond: `2016-01-07T09:19:21.923-08:00`.
pub(crate) fn answer_time(now: DateTime<Utc>) -> String {
    now.with_timezone(&Los_Angeles)
        .format("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string()
}

/// A wall-clock time of the Pacific coast as an instant; in the hour that spring skips, as if it were still winter.
pub(crate) fn from_pacific(local: NaiveDateTime) -> DateTime<Utc> {
    match Los_Angeles.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.with_timezone(&Utc),
        LocalResult::None => local.and_utc() + chrono::TimeDelta::hours(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winter_and_summer_carry_their_own_offset() {
        assert_eq!(Pacific(1_675_977_036).to_string(), "2023-02-09T13:10:36-08:00");
        assert_eq!(Pacific(1_689_000_000).to_string(), "2023-07-10T07:40:00-07:00");
    }

    #[test]
    fn an_answers_time_has_milliseconds() {
        let now = DateTime::from_timestamp_millis(1_452_187_161_923).unwrap();
        assert_eq!(answer_time(now), "2016-01-07T09:19:21.923-08:00");
    }
}
