//! Recurrence: the instants of a cron expression by a zone's clock, and single instants by that clock.
//!
//! Where the clock goes forward, what lies in the hour that does not exist comes once, right after it. Where it goes back,
//! what has one time a day (`30 1 * * *`) comes once, the first time, and what comes every few minutes goes on coming.

use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// Instants that were missed are counted up to this many.
const COUNTED: u64 = 10_000;

/// A cron expression and whose clock it is by.
#[derive(Debug, Clone)]
pub struct Recurrence {
    cron: Cron,
    zone: Tz,
}

/// What is no cron expression, or never comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It does not have five fields.
    #[error(
        "a cron expression has five fields: minute, hour, day of the month, month, day of the week; this has {0}"
    )]
    Fields(usize),
    /// One of its fields cannot be read.
    #[error("`{0}` is no cron expression: {1}")]
    Unreadable(String, String),
    /// It never comes: 30 February.
    #[error("`{0}` never comes")]
    Never(String),
}

impl Recurrence {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is none.
    pub fn of(expression: &str, zone: Tz) -> Result<Self, CronError> {
        let fields = expression.split_whitespace().count();
        if fields != 5 {
            return Err(CronError::Fields(fields));
        }
        let cron = Cron::from_str(expression)
            .map_err(|error| CronError::Unreadable(expression.to_owned(), error.to_string()))?;
        Ok(Self { cron, zone })
    }

    /// The first instant after another one, and never that one itself or one before it; none where it never comes again.
    pub fn after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self
            .cron
            .find_next_occurrence(&instant.with_timezone(&self.zone), false);
        next.ok().map(|next| next.to_utc()).filter(|next| *next > instant)
    }

    /// The first instant after now, and how many after `instant` are over by then.
    pub(super) fn after_missed(
        &self,
        instant: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> (Option<DateTime<Utc>>, u64) {
        let (mut next, mut missed) = (self.after(instant), 0);
        while next.is_some_and(|next| next <= now) {
            missed += 1;
            let from = if missed < COUNTED { next } else { Some(now) };
            next = from.and_then(|from| self.after(from));
        }
        (next, missed)
    }
}

/// An instant as people write it: RFC 3339, or without an offset by a zone's clock.
///
/// # Errors
/// It is none, or that clock shows it never, or twice.
pub fn local_instant(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let forms = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ];
    let local = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = local.ok_or_else(|| {
        "an instant is written 2026-03-05T04:07:00Z, or 2026-03-05T04:07 by the clock of --zone (UTC where none is named), \
         and its day is one of the calendar"
            .to_owned()
    })?;
    let told = |at: DateTime<Tz>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(at.to_utc()),
        LocalResult::Ambiguous(first, second) => Err(format!(
            "clocks in {zone} show {local} twice: it is {} or {}",
            told(first),
            told(second)
        )),
        LocalResult::None => {
            let after = zone
                .from_local_datetime(&(local + TimeDelta::hours(1)))
                .earliest();
            let after = after.map_or_else(String::new, |after| format!("; an hour later is {}", told(after)));
            Err(format!(
                "clocks in {zone} never show {local}: they go forward then{after}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::{Guayaquil, New_York};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn next(cron: &str, zone: Tz, after: &str) -> String {
        let next = Recurrence::of(cron, zone).unwrap().after(at(after)).unwrap();
        next.with_timezone(&zone).to_rfc3339()
    }

    #[test]
    fn the_hour_that_does_not_exist_comes_once_after_it_and_the_days_around_it_are_as_ever() {
        let daily = |after| next("30 2 * * *", New_York, after);
        assert_eq!(daily("2026-03-07T01:30:00-05:00"), "2026-03-07T02:30:00-05:00");
        let that_day = daily("2026-03-07T02:30:00-05:00");
        assert!(that_day.starts_with("2026-03-08T03:"), "{that_day}");
        assert_eq!(daily(&that_day), "2026-03-09T02:30:00-04:00");
    }

    #[test]
    fn the_hour_that_comes_twice_has_one_of_what_is_daily_and_all_of_what_is_frequent() {
        assert_eq!(
            next("30 1 * * *", New_York, "2026-10-31T12:00:00-04:00"),
            "2026-11-01T01:30:00-04:00"
        );
        assert_eq!(
            next("30 1 * * *", New_York, "2026-11-01T01:30:00-04:00"),
            "2026-11-02T01:30:00-05:00"
        );
        // From half past one on the first time to three o'clock: two hours and a half by every clock that goes on.
        let frequent = Recurrence::of("*/5 * * * *", New_York).unwrap();
        let (mut now, mut count) = (at("2026-11-01T05:30:00Z"), 0);
        while now < at("2026-11-01T08:00:00Z") {
            let next = frequent.after(now).unwrap();
            assert!(next > now && next - now <= TimeDelta::minutes(5), "{now} {next}");
            (now, count) = (next, count + 1);
        }
        assert_eq!(count, 30);
        assert!(frequent.after(at("2026-11-01T06:30:15Z")).unwrap() > at("2026-11-01T06:30:15Z"));
        assert!(frequent.after(at("2026-03-08T06:59:00Z")).unwrap() > at("2026-03-08T06:59:00Z"));
    }

    #[test]
    fn what_was_missed_is_counted_and_not_made_up_for() {
        let hourly = Recurrence::of("0 * * * *", Guayaquil).unwrap();
        let (next, missed) = hourly.after_missed(at("2026-03-01T00:00:00Z"), at("2026-03-01T03:30:00Z"));
        assert_eq!((next.unwrap(), missed), (at("2026-03-01T04:00:00Z"), 3));
        let (next, missed) = hourly.after_missed(at("2026-03-01T00:00:00Z"), at("2026-03-01T00:00:01Z"));
        assert_eq!((next.unwrap(), missed), (at("2026-03-01T01:00:00Z"), 0));
        let each_minute = Recurrence::of("* * * * *", Guayaquil).unwrap();
        let (next, missed) = each_minute.after_missed(at("2024-03-01T00:00:00Z"), at("2026-03-01T00:00:30Z"));
        assert_eq!((next.unwrap(), missed), (at("2026-03-01T00:01:00Z"), COUNTED));
    }

    #[test]
    fn what_is_no_cron_expression_is_refused() {
        for wrong in [
            "",
            "* * * *",
            "* * * * * *",
            "@daily",
            "61 * * * *",
            "* 24 * * *",
            "x * * * *",
            "*/0 * * * *",
        ] {
            assert!(Recurrence::of(wrong, Guayaquil).is_err(), "{wrong}");
        }
        let never = Recurrence::of("0 0 30 2 *", Guayaquil);
        assert_eq!(
            never
                .ok()
                .and_then(|never| never.after(at("2026-01-01T00:00:00Z"))),
            None
        );
    }

    #[test]
    fn an_instant_is_by_its_offset_or_by_the_zones_clock() {
        assert_eq!(
            local_instant("2026-03-05T03:45:54Z", Guayaquil),
            Ok(at("2026-03-05T03:45:54Z"))
        );
        assert_eq!(
            local_instant("2026-03-04T22:45:54", Guayaquil),
            Ok(at("2026-03-05T03:45:54Z"))
        );
        assert_eq!(
            local_instant("2026-03-04 22:45", Guayaquil),
            Ok(at("2026-03-05T03:45:00Z"))
        );
        assert_eq!(
            local_instant("9999-12-31T23:59:59Z", Guayaquil),
            Ok(at("9999-12-31T23:59:59Z"))
        );
        let refused = |text| local_instant(text, New_York).unwrap_err();
        assert!(
            refused("2026-03-08T02:30").contains("never show"),
            "{}",
            refused("2026-03-08T02:30")
        );
        let twice = refused("2026-11-01T01:30");
        assert!(
            twice.contains("2026-11-01T01:30:00-04:00 or 2026-11-01T01:30:00-05:00"),
            "{twice}"
        );
        for wrong in ["2026-02-30T10:00", "2026-03-05", "tomorrow", "", "25:00"] {
            assert!(refused(wrong).contains("an instant is written"), "{wrong}");
        }
    }
}
