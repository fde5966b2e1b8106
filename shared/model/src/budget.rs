//! Budget: what a month's metered calls may be used for.
//!
//! ```text
//! 0 ─────────────── used ───────────── monthly_calls − reserve ─── monthly_calls
//!   backfills, verification, live sync                 live sync alone
//! ```
//!
//! The upstream counts successful reads of production companies, of all companies of an app together, from the first of
//! a month on. Who copies the past can wait for the next month; who follows the present cannot.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::window::start_of_day;

/// How many calls there are in a month, and for whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Calls a month, of all companies together.
    pub monthly_calls: u64,
    /// Calls a month of one company, where that is limited.
    pub company_calls: Option<u64>,
    /// The share that is kept for live syncs, 0 to 1.
    pub reserve: f64,
    /// The zone in which months begin.
    pub zone: Tz,
}

/// A month, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// The first instant of the next one.
    pub end: DateTime<Utc>,
}

/// For whom a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// It cannot wait for a month: a live sync, or a person who asks about one thing.
    #[default]
    Live,
    /// It can: a backfill, a verification.
    Background,
}

/// What has been used of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// By all companies together.
    pub app: u64,
    /// By the company in question.
    pub company: u64,
}

/// Nothing is left for whoever can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{used} of the {limit} calls that {whose} may use before its reserve were used this month; work goes on {until}"
)]
pub struct Exhausted {
    /// Whose calls: `all companies together`, `this company`.
    pub whose: &'static str,
    /// How many were used.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
    /// When there are new ones.
    pub until: DateTime<Utc>,
}

impl Allowance {
    /// The month that an instant lies in.
    pub fn month_of(&self, now: DateTime<Utc>) -> Month {
        let today = now.with_timezone(&self.zone).date_naive();
        let first = today.with_day(1).unwrap_or(today);
        let next = first.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
        Month {
            start: start_of_day(first, self.zone),
            end: start_of_day(next, self.zone),
        }
    }

    /// The month that begins on this day; for months of the past.
    pub fn month(&self, first: NaiveDate) -> Month {
        self.month_of(start_of_day(first, self.zone))
    }

    /// How many of so many calls whoever can wait may use. What is kept is rounded up.
    pub fn before_reserve(&self, calls: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "exact up to 2^53, and a share of it is neither larger nor negative"
        )]
        let kept = (calls as f64 * self.reserve.clamp(0.0, 1.0)).ceil() as u64;
        calls.saturating_sub(kept)
    }

    /// Lets a call be made, or tells when it can be.
    ///
    /// # Errors
    /// Whoever can wait has to.
    pub fn admit(&self, used: Used, purpose: Purpose, month: Month) -> Result<(), Exhausted> {
        if purpose == Purpose::Live {
            return Ok(());
        }
        let of_all = Some(("all companies together", used.app, self.monthly_calls));
        let of_one = self
            .company_calls
            .map(|calls| ("this company", used.company, calls));
        for (whose, used, calls) in of_all.into_iter().chain(of_one) {
            let limit = self.before_reserve(calls);
            if used >= limit {
                return Err(Exhausted {
                    whose,
                    used,
                    limit,
                    until: month.end,
                });
            }
        }
        Ok(())
    }

    /// How many calls are left before the reserve.
    pub fn left(&self, used: u64) -> u64 {
        self.before_reserve(self.monthly_calls).saturating_sub(used)
    }
}

/// When so many calls are used up at a pace of calls a day; none where that is not within the month.
pub fn runs_out(now: DateTime<Utc>, left: u64, a_day: f64, month: Month) -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
    let days = left as f64 / a_day.max(f64::MIN_POSITIVE);
    let seconds = days * 86_400.0;
    if !seconds.is_finite() || seconds > 40.0 * 86_400.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "some days at most")]
    let at = now + chrono::TimeDelta::seconds(seconds as i64);
    (at < month.end).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn allowance(monthly_calls: u64, reserve: f64) -> Allowance {
        Allowance {
            monthly_calls,
            company_calls: None,
            reserve,
            zone: chrono_tz::America::Los_Angeles,
        }
    }

    #[test]
    fn a_month_begins_at_midnight_of_its_zone_in_summer_and_in_winter() {
        for (now, start, end) in [
            (
                "2026-07-01T06:59:59Z",
                "2026-06-01T07:00:00Z",
                "2026-07-01T07:00:00Z",
            ),
            (
                "2026-07-01T07:00:00Z",
                "2026-07-01T07:00:00Z",
                "2026-08-01T07:00:00Z",
            ),
            (
                "2026-11-15T00:00:00Z",
                "2026-11-01T07:00:00Z",
                "2026-12-01T08:00:00Z",
            ),
            (
                "2027-01-01T07:59:59Z",
                "2026-12-01T08:00:00Z",
                "2027-01-01T08:00:00Z",
            ),
        ] {
            let month = allowance(1, 0.0).month_of(at(now));
            assert_eq!((month.start, month.end), (at(start), at(end)), "{now}");
        }
    }

    #[test]
    fn who_can_wait_does_before_the_reserve_is_touched_and_who_cannot_goes_on() {
        let month = allowance(1, 0.0).month_of(at("2026-06-10T00:00:00Z"));
        for (calls, reserve, used, admitted) in [
            (100, 0.1, 89, true),
            (100, 0.1, 90, false),
            // Fewer than were used already.
            (100, 0.1, 5_000, false),
            (100, 1.0, 0, false),
            (100, 0.0, 99, true),
            (0, 0.0, 0, false),
            // What is kept is rounded up.
            (9, 0.1, 8, false),
            (u64::MAX, 0.1, 1 << 60, true),
        ] {
            let used = Used {
                app: used,
                company: 0,
            };
            let allowance = allowance(calls, reserve);
            let admission = allowance.admit(used, Purpose::Background, month);
            assert_eq!(admission.is_ok(), admitted, "{calls} {reserve} {used:?}");
            assert!(allowance.admit(used, Purpose::Live, month).is_ok());
        }
    }

    #[test]
    fn a_company_may_have_fewer_calls_than_all_together() {
        let allowance = Allowance {
            company_calls: Some(10),
            ..allowance(100, 0.5)
        };
        let month = allowance.month_of(at("2026-06-10T00:00:00Z"));
        let admitted = |app, company| {
            allowance
                .admit(Used { app, company }, Purpose::Background, month)
                .is_ok()
        };
        assert!(admitted(49, 4));
        assert!(!admitted(49, 5), "this one has had its share");
        assert!(!admitted(50, 0), "all together have");
    }

    #[test]
    fn what_runs_out_within_the_month_is_forecast() {
        let month = allowance(1, 0.0).month_of(at("2026-06-10T00:00:00Z"));
        let now = at("2026-06-10T00:00:00Z");
        assert_eq!(runs_out(now, 100, 10.0, month), Some(at("2026-06-20T00:00:00Z")));
        assert_eq!(runs_out(now, 1_000, 10.0, month), None, "in the next month");
        assert_eq!(runs_out(now, 1_000, 0.0, month), None);
        assert_eq!(runs_out(now, 0, 10.0, month), Some(now));
    }
}
