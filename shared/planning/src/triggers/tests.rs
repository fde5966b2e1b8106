//! Whose days a trigger means, and when one that was put off is due.

use chrono::NaiveDate;
use chrono_tz::America::Guayaquil;
use chrono_tz::Pacific::{Auckland, Honolulu};
use ledgerfleet_ledger::TriggerState;
use ledgerfleet_model::{Axis, ConnectionState, Environment, Segmenting, TriggerId};

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn company(time_zone: Tz) -> Connection {
    Connection {
        id: ConnectionId::new(),
        name: "acme".to_owned(),
        connector: "quickbooks".to_owned(),
        account: "1".to_owned(),
        environment: Environment::Sandbox,
        time_zone,
        state: ConnectionState::Active,
        state_reason: None,
        state_cause: None,
        requests_per_second: None,
        slots: None,
        created_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn the_days_of_a_trigger_are_those_of_its_zones_clock() {
    for (zone, now, from, to, first, last) in [
        (
            Guayaquil,
            "2026-03-06T03:30:00Z",
            "today",
            "today",
            "2026-03-05",
            "2026-03-05",
        ),
        (
            Guayaquil,
            "2026-03-06T05:00:00Z",
            "today",
            "today",
            "2026-03-06",
            "2026-03-06",
        ),
        (
            Guayaquil,
            "2026-03-06T03:30:00Z",
            "-30d",
            "yesterday",
            "2026-02-03",
            "2026-03-04",
        ),
        (
            Auckland,
            "2026-03-05T17:00:00Z",
            "yesterday",
            "today",
            "2026-03-05",
            "2026-03-06",
        ),
        (
            Honolulu,
            "2026-03-01T09:59:00Z",
            "yesterday",
            "today",
            "2026-02-27",
            "2026-02-28",
        ),
        (
            Tz::UTC,
            "2026-03-06T03:30:00Z",
            "yesterday",
            "today",
            "2026-03-05",
            "2026-03-06",
        ),
        (
            Guayaquil,
            "2026-03-06T03:30:00Z",
            "2026-01-31",
            "2026-02",
            "2026-01-31",
            "2026-02-28",
        ),
    ] {
        let wanted = Wanted::Backfill {
            connections: vec!["acme".to_owned()],
            entities: vec!["invoice".to_owned()],
            from: from.to_owned(),
            to: to.to_owned(),
            by: Axis::TxnDate.to_string(),
            segment: Segmenting::Day.to_string(),
            page_size: 1_000,
        };
        let plan = backfill(wanted, vec![company(zone)], at(now), zone).unwrap();
        let run = plan.run();
        let days: [Option<NaiveDate>; 2] = [run.from, run.to];
        assert_eq!(
            days.map(|day| day.unwrap().to_string()),
            [first, last],
            "{from}..{to} at {now} in {zone}"
        );
    }
}

#[test]
fn a_trigger_that_waits_beyond_its_next_instant_is_due_at_that_and_no_other_is_moved() {
    let now = at("2026-03-05T12:00:00Z");
    for (cron, due_at, moved) in [
        (
            Some("30 2 * * *"),
            "2028-03-05T07:30:00Z",
            Some("2026-03-06T07:30:00Z"),
        ),
        (Some("30 2 * * *"), "2026-03-06T07:30:00Z", None),
        (Some("0 7 * * *"), "2026-03-06T12:00:00Z", None),
        (Some("5 7 * * *"), "2026-03-06T12:05:00Z", None),
        (
            Some("0 * * * *"),
            "2026-03-05T14:00:00Z",
            Some("2026-03-05T13:00:00Z"),
        ),
        (Some("0 0 29 2 *"), "2028-02-29T05:00:00Z", None),
        (None, "2028-03-05T07:30:00Z", None),
    ] {
        let trigger = Trigger {
            id: TriggerId::new(),
            state: TriggerState::Active,
            cron: cron.map(str::to_owned),
            zone: Guayaquil,
            wanted: String::new(),
            due_at: Some(at(due_at)),
            created_at: now,
            created_by: "ada".to_owned(),
            last: None,
        };
        let expected = moved.map(|moved| (at(due_at), at(moved)));
        assert_eq!(put_off(&trigger, now), expected, "{cron:?} due at {due_at}");
    }
}
