use chrono::{DateTime, Datelike, Days as CalendarDays, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::window::{InvalidRange, start_of_day, windows};
use ledgerfleet_model::{Axis, DateRange, Days, InstantField, Segmenting, Window};
use proptest::prelude::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn range(from: &str, to: &str) -> DateRange {
    DateRange::new(day(from), day(to), Axis::TxnDate, day("2030-01-01")).unwrap()
}

fn days_of(from: &str, to: &str, segmenting: Segmenting) -> Vec<(String, String)> {
    windows(range(from, to), segmenting, Axis::TxnDate, Tz::UTC)
        .filter_map(|window| window.days())
        .map(|days| (days.from.to_string(), days.to.to_string()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect()
}

#[test]
fn days_go_over_leap_days_and_year_ends() {
    let leap = days_of("2028-02-28", "2028-03-01", Segmenting::Day);
    let expected = [
        ("2028-02-28", "2028-02-29"),
        ("2028-02-29", "2028-03-01"),
        ("2028-03-01", "2028-03-02"),
    ];
    assert_eq!(leap, pairs(&expected));
    let year_end = days_of("2026-12-31", "2027-01-01", Segmenting::Day);
    assert_eq!(
        year_end,
        pairs(&[("2026-12-31", "2027-01-01"), ("2027-01-01", "2027-01-02")])
    );
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first_and_both_are_cut_at_the_ends_of_the_range() {
    let weeks = days_of("2026-03-04", "2026-03-16", Segmenting::Week);
    let expected = [
        ("2026-03-04", "2026-03-09"),
        ("2026-03-09", "2026-03-16"),
        ("2026-03-16", "2026-03-17"),
    ];
    assert_eq!(weeks, pairs(&expected));
    let months = days_of("2026-01-31", "2026-03-01", Segmenting::Month);
    let expected = [
        ("2026-01-31", "2026-02-01"),
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-03-02"),
    ];
    assert_eq!(months, pairs(&expected));
    assert_eq!(
        days_of("2020-01-01", "2026-12-31", Segmenting::Whole),
        pairs(&[("2020-01-01", "2027-01-01")])
    );
}

#[test]
fn an_instant_day_is_as_long_as_the_clocks_make_it() {
    let hours = |date: &str, zone: Tz| {
        let date = day(date);
        (start_of_day(date.succ_opt().unwrap(), zone) - start_of_day(date, zone)).num_minutes()
    };
    assert_eq!(hours("2026-03-08", Tz::America__New_York), 23 * 60);
    assert_eq!(hours("2026-11-01", Tz::America__New_York), 25 * 60);
    assert_eq!(hours("2026-03-08", Tz::America__Guayaquil), 24 * 60);
    assert_eq!(hours("2026-04-05", Tz::Australia__Lord_Howe), 24 * 60 + 30);
}

#[test]
fn a_day_whose_midnight_does_not_exist_begins_at_the_jump() {
    // Clocks in Sao Paulo went from 24:00 on 3 November 2018 to 01:00 on the 4th.
    let start = start_of_day(day("2018-11-04"), Tz::America__Sao_Paulo);
    assert_eq!(start, "2018-11-04T03:00:00Z".parse::<DateTime<Utc>>().unwrap());
    // Samoa had no 30 December 2011 at all: the day is empty, and its neighbours meet.
    let empty = start_of_day(day("2011-12-30"), Tz::Pacific__Apia);
    assert_eq!(empty, start_of_day(day("2011-12-31"), Tz::Pacific__Apia));
}

#[test]
fn a_day_whose_midnight_happens_twice_begins_at_the_first() {
    // Clocks in Havana went back from 01:00 to 00:00 on 1 November 2026.
    let start = start_of_day(day("2026-11-01"), Tz::America__Havana);
    assert_eq!(start, "2026-11-01T04:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn what_cannot_be_cut_is_one_window_without_days() {
    let whole: Vec<Window> = windows(
        range("2026-01-01", "2026-12-31"),
        Segmenting::Day,
        Axis::Whole,
        Tz::UTC,
    )
    .collect();
    assert_eq!(whole, [Window::Whole]);
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    let today = day("2026-06-30");
    let new = |from: &str, to: &str, axis| DateRange::new(day(from), day(to), axis, today);
    assert!(matches!(
        new("2026-02-02", "2026-02-01", Axis::TxnDate),
        Err(InvalidRange::Reversed { .. })
    ));
    assert!(matches!(
        new("1969-12-31", "2026-02-01", Axis::TxnDate),
        Err(InvalidRange::TooEarly(_))
    ));
    assert!(
        new("2026-01-01", "2027-06-30", Axis::TxnDate).is_ok(),
        "post-dated documents exist"
    );
    assert!(matches!(
        new("2026-01-01", "2027-07-01", Axis::TxnDate),
        Err(InvalidRange::TooLate { .. })
    ));
    assert!(new("2026-01-01", "2026-06-30", Axis::Updated).is_ok());
    assert!(matches!(
        new("2026-01-01", "2026-07-01", Axis::Created),
        Err(InvalidRange::TooLate { .. })
    ));
}

#[test]
fn a_window_says_when_it_ends_in_the_connections_zone() {
    let days = Days {
        from: day("2026-03-07"),
        to: day("2026-03-08"),
    };
    let end = Window::Dates { days }.end(Tz::America__New_York).unwrap();
    assert_eq!(end, "2026-03-08T05:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(Window::Whole.end(Tz::UTC), None);
}

prop_compose! {
    fn any_range()(start in 0..20_000u64, length in 0..1_500u64) -> DateRange {
        let from = day("1970-01-01") + CalendarDays::new(start);
        DateRange::new(from, from + CalendarDays::new(length), Axis::TxnDate, day("2099-01-01")).unwrap()
    }
}

fn any_zone() -> impl Strategy<Value = Tz> {
    proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice())
}

fn any_segmenting() -> impl Strategy<Value = Segmenting> {
    proptest::sample::select(Segmenting::ALL)
}

proptest! {
    #[test]
    fn windows_of_dates_cover_any_range_without_gap_or_overlap(range in any_range(), segmenting in any_segmenting()) {
        let all: Vec<Days> = windows(range, segmenting, Axis::TxnDate, Tz::UTC).filter_map(|w| w.days()).collect();
        prop_assert_eq!(all[0].from, range.from());
        prop_assert_eq!(all[all.len() - 1].to, range.to().succ_opt().unwrap());
        prop_assert!(all.windows(2).all(|pair| pair[0].to == pair[1].from));
        prop_assert!(all.iter().all(|days| days.from < days.to));
        if segmenting == Segmenting::Day {
            prop_assert_eq!(all.len(), range.len());
        }
        if segmenting == Segmenting::Month {
            prop_assert!(all.iter().all(|days| days.from.month() == days.to.pred_opt().unwrap().month()));
        }
    }

    #[test]
    fn windows_of_instants_cover_any_range_in_any_zone_without_gap_or_overlap(
        range in any_range(), zone in any_zone(), segmenting in any_segmenting(),
    ) {
        let all: Vec<(DateTime<Utc>, DateTime<Utc>)> = windows(range, segmenting, Axis::Updated, zone)
            .filter_map(|window| match window {
                Window::Instants { field: InstantField::Updated, start, end, .. } => Some((start, end)),
                _ => None,
            })
            .collect();
        prop_assert_eq!(all[0].0, start_of_day(range.from(), zone));
        prop_assert_eq!(all[all.len() - 1].1, start_of_day(range.to().succ_opt().unwrap(), zone));
        prop_assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0));
        prop_assert!(all.iter().all(|(start, end)| start <= end));
    }

    #[test]
    fn every_instant_lies_on_the_local_day_whose_window_holds_it(
        second in 0..1_700_000_000i64, zone in any_zone(),
    ) {
        let instant = DateTime::from_timestamp(second, 0).unwrap();
        let local = instant.with_timezone(&zone).date_naive();
        // Where a clock is set back over midnight, an hour of the day before comes again: its instants lie in the
        // window that had begun already.
        let start = start_of_day(local, zone);
        let end = start_of_day(local.succ_opt().unwrap(), zone);
        let repeated = instant >= end && instant - end < TimeDelta::hours(3);
        prop_assert!(start <= instant && (instant < end || repeated));
    }
}
