use std::sync::Arc;

use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::{Connector, Connectors, Endpoints, connector_entry};
use ledgerfleet_model::{ConnectionState, Environment, Timings};

use super::*;

const INVOICE: &str = "invoice";

/// An instant of a day in March.
fn at(text: &str) -> DateTime<Utc> {
    format!("2026-03-{text}Z").parse().unwrap()
}

fn connection() -> Connection {
    Connection {
        id: ConnectionId::new(),
        name: "acme".to_owned(),
        connector: "quickbooks".to_owned(),
        account: "9130000000000001".to_owned(),
        environment: Environment::Sandbox,
        time_zone: chrono_tz::UTC,
        state: ConnectionState::Active,
        state_reason: None,
        state_cause: None,
        requests_per_second: None,
        slots: None,
        created_at: at("01T00:00:00"),
    }
}

fn quickbooks() -> Arc<dyn Connector> {
    let http = HttpClient::new(&Timings::default()).unwrap();
    let connectors = Connectors::build(&http, |_| Endpoints::default());
    connectors.get("quickbooks").unwrap().clone()
}

/// An entity that was read at noon of 20 March, and is in sync up to then.
fn synced(connection: &Connection, entity: &str) -> SyncState {
    SyncState {
        connection: connection.id,
        entity: entity.to_owned(),
        checkpoint: Some(at("20T12:00:00")),
        attempted_at: at("20T12:00:00"),
        succeeded_at: Some(at("20T12:00:00")),
        failures: 0,
        cause: None,
        message: None,
        untold_at: None,
    }
}

/// What is asked of these entities, of a company that stands so: `invoice since 11:55`.
fn asked(states: &[SyncState], entities: &[&str], scope: Scope, now: DateTime<Utc>) -> Vec<String> {
    let (company, connector) = (connection(), quickbooks());
    let entities: Vec<String> = entities.iter().map(ToString::to_string).collect();
    let subject = Subject {
        connection: &company,
        entry: connector_entry("quickbooks").unwrap(),
        changes: connector.changes(),
        entities: &entities,
        scope,
        lane: Lane::Live,
    };
    let stand = Stand {
        states: states.to_vec(),
        schedule: None,
        under_way: Vec::new(),
        now,
    };
    let plan = plan(&subject, &stand, &SyncPace::default());
    let segments = plan.sync.map(|(_, segments)| segments).unwrap_or_default();
    let told = |segment: &NewSegment| match &segment.work {
        Work::Sync(Window::Whole) => format!("all of {}", segment.entity),
        Work::Sync(Window::Instants { start, .. }) => {
            format!("{} from {} on", segment.entity, start.format("%d %H:%M"))
        }
        Work::Changes { entities, since } => {
            format!("{} since {}", entities.join("+"), since.format("%d %H:%M"))
        }
        other => other.to_string(),
    };
    let mut all: Vec<String> = segments.iter().map(told).collect();
    all.sort_unstable();
    all
}

/// What it is about, where the entity stands, what is asked for and when, and what that is.
type Case = (
    &'static str,
    Vec<SyncState>,
    Scope,
    DateTime<Utc>,
    &'static [&'static str],
);

#[test]
fn the_cheapest_complete_way_is_taken_by_what_is_known() {
    let company = connection();
    let state = |entity: &str| synced(&company, entity);
    let now = at("20T12:05:00");
    let invoice = || state(INVOICE);
    let untold = |at| SyncState {
        untold_at: Some(at),
        ..invoice()
    };
    let cases: &[Case] = &[
        ("never read", vec![], Scope::Due, now, &["all of invoice"]),
        (
            "in sync",
            vec![invoice()],
            Scope::Due,
            now,
            &["invoice since 20 11:55"],
        ),
        (
            "everything",
            vec![invoice()],
            Scope::Full,
            now,
            &["all of invoice"],
        ),
        (
            "since then",
            vec![invoice()],
            Scope::Since(at("19T00:00:00")),
            now,
            &["invoice since 19 00:00"],
        ),
        (
            "29 days asleep",
            vec![invoice()],
            Scope::Due,
            at("20T12:00:00") + TimeDelta::days(29),
            &["invoice from 20 11:55 on"],
        ),
        (
            "refused lately",
            vec![untold(at("20T11:00:00"))],
            Scope::Changed,
            now,
            &["invoice from 20 11:55 on"],
        ),
        (
            "refused long ago",
            vec![untold(at("20T11:00:00") - TimeDelta::days(31))],
            Scope::Changed,
            now,
            &["invoice since 20 11:55"],
        ),
        (
            "not in the plan so far",
            vec![SyncState {
                checkpoint: None,
                ..invoice()
            }],
            Scope::Due,
            now,
            &[],
        ),
        (
            "not in the plan so far, an hour later",
            vec![SyncState {
                checkpoint: None,
                ..invoice()
            }],
            Scope::Due,
            at("20T13:00:00"),
            &["all of invoice"],
        ),
    ];
    for (what, states, scope, now, expected) in cases {
        assert_eq!(asked(states, &[INVOICE], *scope, *now), *expected, "{what}");
    }
}

#[test]
fn what_is_not_told_is_read_at_a_slower_pace() {
    let company = connection();
    let entities = ["tax_code", "time_activity"];
    let states: Vec<SyncState> = entities.iter().map(|name| synced(&company, name)).collect();
    assert!(asked(&states, &entities, Scope::Due, at("20T12:59:00")).is_empty());
    assert_eq!(
        asked(&states, &entities, Scope::Due, at("20T13:00:00")),
        ["all of tax_code", "time_activity from 20 11:55 on"]
    );
}

#[test]
fn one_question_asks_for_all_that_stand_alike_and_another_for_those_behind() {
    let company = connection();
    let states = [
        synced(&company, "invoice"),
        synced(&company, "customer"),
        SyncState {
            checkpoint: Some(at("18T12:00:00")),
            ..synced(&company, "bill")
        },
    ];
    assert_eq!(
        asked(
            &states,
            &["invoice", "bill", "customer"],
            Scope::Due,
            at("20T12:05:00")
        ),
        ["bill since 18 11:55", "customer+invoice since 20 11:55"]
    );
}

#[test]
fn who_fails_is_left_alone_for_longer_and_longer_up_to_an_hour_and_others_are_not() {
    let every = Duration::from_mins(5);
    let minutes = [0, 5, 6, 12, 18, 24, 30, 600].map(|failures| backoff(failures, every).as_secs() / 60);
    assert_eq!(minutes, [0, 0, 10, 20, 40, 60, 60, 60]);
    let company = connection();
    let failing = SyncState {
        failures: 6,
        ..synced(&company, "bill")
    };
    let states = [failing, synced(&company, "invoice")];
    assert_eq!(
        asked(&states, &["bill", "invoice"], Scope::Due, at("20T12:05:00")),
        ["invoice since 20 11:55"]
    );
    assert_eq!(
        asked(&states, &["bill", "invoice"], Scope::Due, at("20T12:10:00")),
        ["bill+invoice since 20 11:55"]
    );
}

#[test]
fn companies_lie_evenly_over_their_interval_and_keep_their_places() {
    let every = Duration::from_mins(5);
    let now = at("20T12:00:00");
    let mut seconds = [0_u32; 300];
    for _ in 0..3_000 {
        let id = ConnectionId::new();
        let due = next_due(id, every, now);
        let ahead = (due - now).num_seconds();
        assert!((0..=315).contains(&ahead), "{ahead}");
        seconds[usize::try_from(ahead.min(299)).unwrap()] += 1;
        let again = next_due(id, every, due);
        let apart = (again - due).num_seconds();
        assert!((284..=316).contains(&apart), "{apart}");
    }
    let busiest = seconds[..285].iter().max().unwrap();
    assert!(*busiest < 40, "10 a second on average, {busiest} in one");
}

#[test]
fn documents_that_tell_no_change_are_read_for_this_month_and_the_one_before_once_they_were_read() {
    let company = Connection {
        connector: "contifico".to_owned(),
        time_zone: chrono_tz::America::Guayaquil,
        ..connection()
    };
    let days_since = |entity: &str, read_at: Option<&str>| -> Vec<String> {
        let entities = [entity.to_owned()];
        let subject = Subject {
            connection: &company,
            entry: connector_entry("contifico").unwrap(),
            changes: None,
            entities: &entities,
            scope: Scope::Due,
            lane: Lane::Live,
        };
        let state = |read_at: &str| SyncState {
            checkpoint: None,
            succeeded_at: Some(read_at.parse().unwrap()),
            ..synced(&company, entity)
        };
        let stand = Stand {
            states: read_at.map(state).into_iter().collect(),
            schedule: None,
            under_way: Vec::new(),
            // Still the last evening of March in Ecuador.
            now: "2026-04-01T03:00:00Z".parse().unwrap(),
        };
        let plan = plan(&subject, &stand, &SyncPace::default());
        let segments = plan.sync.map(|(_, segments)| segments).unwrap_or_default();
        let window = |segment: &NewSegment| match &segment.work {
            Work::Sync(window) => window.to_string(),
            other => other.to_string(),
        };
        segments.iter().map(window).collect()
    };
    let days = |entity, was_read: bool| days_since(entity, was_read.then_some("2026-03-20T12:00:00Z"));
    assert_eq!(days("sales", false), ["whole"]);
    let after_a_pause = [
        "txn_date 2025-11-01..2025-11-30",
        "txn_date 2025-12-01..2025-12-31",
        "txn_date 2026-01-01..2026-01-31",
        "txn_date 2026-02-01..2026-02-28",
        "txn_date 2026-03-01..2026-03-31",
    ];
    // Still the last day of a year in Ecuador.
    let paused = days_since("sales", Some("2026-01-01T03:00:00Z"));
    assert_eq!(paused, after_a_pause, "no month in between is left out");
    let months = [
        "txn_date 2026-02-01..2026-02-28",
        "txn_date 2026-03-01..2026-03-31",
    ];
    assert_eq!(days("sales", true), months);
    let ahead = [months[0], months[1], "txn_date 2026-04-01..2027-03-31"];
    assert_eq!(days("journal_entries", true), ahead);
    assert_eq!(days("products", true), ["whole"], "a list says what is gone");
}

/// The plan of a company by its schedule, of which all this is in sync and that is under way.
fn beside(under_way: &[(RunId, &str, WorkKind)], scope: Scope) -> SyncPlan {
    beside_of(under_way, scope, (Lane::Live, true))
}

/// The same, beside what waits in that lane and has begun or not.
fn beside_of(
    under_way: &[(RunId, &str, WorkKind)],
    scope: Scope,
    (lane, has_begun): (Lane, bool),
) -> SyncPlan {
    let (company, connector) = (connection(), quickbooks());
    let entities = ["bill", INVOICE].map(str::to_owned);
    let subject = Subject {
        connection: &company,
        entry: connector_entry("quickbooks").unwrap(),
        changes: connector.changes(),
        entities: &entities,
        scope,
        lane: Lane::Live,
    };
    let one = |(run, entity, kind): &(RunId, &str, WorkKind)| UnderWay {
        run: *run,
        entity: (*entity).to_owned(),
        kind: *kind,
        lane,
        has_begun,
    };
    let stand = Stand {
        states: vec![synced(&company, "bill"), synced(&company, INVOICE)],
        schedule: None,
        under_way: under_way.iter().map(one).collect(),
        now: at("20T12:05:00"),
    };
    plan(&subject, &stand, &SyncPace::default())
}

#[test]
fn an_entity_whose_window_waits_is_left_out_and_the_others_go_on_in_a_run_of_their_own() {
    let key = |plan: &SyncPlan| {
        let (run, _) = plan.sync.as_ref().unwrap();
        let (_, end) = run.request_key.split_at(41);
        end.to_owned()
    };
    let entities = |plan: &SyncPlan| plan.sync.as_ref().map(|(run, _)| run.entities.clone());
    let (first, second) = (RunId::new(), RunId::new());
    let bill = (first, "bill", WorkKind::Sync);
    let asked = (second, CHANGES, WorkKind::Changes);

    let usual = beside(&[], Scope::Due);
    assert_eq!(entities(&usual).unwrap(), ["bill", "invoice"]);
    let waiting = beside(&[bill], Scope::Due);
    assert_eq!(entities(&waiting).unwrap(), ["invoice"]);
    assert_ne!(key(&waiting), key(&usual), "it does not join the run that waits");
    assert_eq!(
        key(&beside(&[bill, asked], Scope::Due)),
        key(&waiting),
        "it joins the one that asks the same"
    );
    let also = (second, "customer", WorkKind::Sync);
    assert_ne!(
        key(&beside(&[bill, also], Scope::Due)),
        key(&waiting),
        "that waits, too"
    );
    let counted = beside(&[(first, "bill", WorkKind::Recount)], Scope::Due);
    assert_eq!(entities(&counted).unwrap(), ["bill", "invoice"]);
    assert_ne!(key(&counted), key(&usual));
    let both = beside(&[bill, (first, INVOICE, WorkKind::Sync)], Scope::Due);
    assert_eq!(entities(&both), None);
    let by_hand = beside(&[bill], Scope::Changed);
    assert_eq!(entities(&by_hand).unwrap(), ["bill", "invoice"]);
    assert_ne!(key(&by_hand), key(&waiting), "the schedule asks less");
}

#[test]
fn a_sync_by_hand_joins_no_run_that_asks_less_or_has_read_already() {
    let key = |plan: &SyncPlan| plan.sync.as_ref().unwrap().0.request_key[41..].to_owned();
    let by_hand = key(&beside(&[], Scope::Changed));
    assert_ne!(by_hand, key(&beside(&[], Scope::Due)), "lists are not always due");
    let run = RunId::new();
    let asks = (run, CHANGES, WorkKind::Changes);
    let window = (run, INVOICE, WorkKind::Sync);
    let first = (run, "customer", WorkKind::Sync);
    for scope in [Scope::Changed, Scope::Since(at("19T00:00:00"))] {
        let alone = key(&beside(&[], scope));
        let joins = |under_way: &[(RunId, &str, WorkKind)], has_begun| {
            key(&beside_of(under_way, scope, (Lane::Manual, has_begun))) == alone
        };
        assert!(joins(&[asks, window], false), "all of it is still to be asked");
        assert!(!joins(&[asks, window], true), "a part was answered");
        assert!(!joins(&[window], true), "its changes were told");
        assert!(joins(&[first], true), "a first reading goes on");
    }
}

#[test]
fn what_was_read_once_is_followed_beside_a_window_of_another_lane() {
    let entities = |plan: SyncPlan| plan.sync.map(|(run, _)| run.entities).unwrap_or_default();
    let window = (RunId::new(), INVOICE, WorkKind::Sync);
    for (lane, expected) in [
        (Lane::Live, &["bill"][..]),
        (Lane::Manual, &["bill", INVOICE]),
        (Lane::Backfill, &["bill", INVOICE]),
    ] {
        let plan = beside_of(&[window], Scope::Due, (lane, false));
        assert_eq!(entities(plan), expected, "{lane:?}");
    }
}

#[test]
fn lists_are_not_missed_by_a_moment() {
    let company = connection();
    let states = [synced(&company, "tax_code")];
    // The companies' places are left by a twentieth of five minutes.
    assert!(asked(&states, &["tax_code"], Scope::Due, at("20T12:59:29")).is_empty());
    assert_eq!(
        asked(&states, &["tax_code"], Scope::Due, at("20T12:59:31")),
        ["all of tax_code"]
    );
}

#[test]
fn a_sync_of_some_entities_leaves_the_others_due_at_their_time() {
    let (company, connector) = (connection(), quickbooks());
    let some = ["invoice".to_owned()];
    let scheduled = SyncSchedule {
        connection: company.id,
        every: None,
        due_at: at("20T12:05:00"),
        recounted_at: Some(at("20T12:00:00")),
        reread_at: Some(at("20T12:00:00")),
    };
    let keeps_due = |entities: &[String], scope, schedule: Option<&SyncSchedule>| {
        let subject = Subject {
            connection: &company,
            entry: connector_entry("quickbooks").unwrap(),
            changes: connector.changes(),
            entities,
            scope,
            lane: Lane::Manual,
        };
        let stand = Stand {
            states: vec![synced(&company, INVOICE)],
            schedule: schedule.cloned(),
            under_way: Vec::new(),
            now: at("20T12:04:00"),
        };
        plan(&subject, &stand, &SyncPace::default()).keeps_due
    };
    for scope in [Scope::Changed, Scope::Full, Scope::Since(at("19T12:00:00"))] {
        assert!(keeps_due(&some, scope, Some(&scheduled)), "{scope:?}");
        assert!(
            !keeps_due(&some, scope, None),
            "{scope:?}: it is kept in sync from now on"
        );
        for all in [&[][..], &["all".to_owned()]] {
            assert!(!keeps_due(all, scope, Some(&scheduled)), "{scope:?}");
        }
    }
    assert!(!keeps_due(&some, Scope::Due, Some(&scheduled)));
}
