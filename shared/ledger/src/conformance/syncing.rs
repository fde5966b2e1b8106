//! Syncing: what work there is, and that a checkpoint moves with the rows that justify it and not without.

use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use ledgerfleet_model::work::{CHANGES, WorkKind};
use ledgerfleet_model::{
    ConnectionId, FailureKind, InstantField, Lane, Outcome, RunId, RunState, SegmentId, SegmentState, Window,
    Work,
};

use super::World;
use super::scene::{
    batch, claim, claim_all, company, day, held, kill, new_run, page, record, records, retry, seconds,
    settle, state_of_run, store, submit, tombstone,
};
use crate::syncing::{KEPT_ASKED, KEPT_SCHEDULED, Planned, UnderWay};
use crate::{
    Batch, Checkpoint, Claim, Committed, CoverageFilter, FinishedWindow, NewRun, NewSegment, NextStep,
    PageCommit, Steer, SyncState,
};

/// An instant of the upstream's clock.
fn at(minutes: i64) -> DateTime<Utc> {
    day(0).and_hms_opt(12, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes)
}

fn segment(connection: ConnectionId, entity: &str, work: Work) -> NewSegment {
    NewSegment {
        id: SegmentId::new(),
        connection,
        entity: entity.to_owned(),
        work,
    }
}

fn changes(connection: ConnectionId, since: DateTime<Utc>) -> NewSegment {
    let entities = vec!["customer".to_owned(), "invoice".to_owned()];
    segment(connection, CHANGES, Work::Changes { entities, since })
}

/// A run as syncs are.
fn sync_run(connection: ConnectionId) -> NewRun {
    new_run(Lane::Live, &format!("sync/{connection}"))
}

async fn claimed(world: &dyn World, new: NewSegment) -> Claim {
    let id = new.id;
    submit(world, &new_run(Lane::Live, &RunId::new().to_string()), vec![new]).await;
    claim(world, id).await
}

/// The end of a claim that brings nothing and moves these.
fn end<'a>(claim: &'a Claim, window: &'a Window, checkpoints: &[Checkpoint<'a>]) -> PageCommit<'a> {
    PageCommit {
        segment: claim.segment,
        epoch: claim.standing.epoch,
        connection: claim.connection,
        entity: &claim.entity,
        window,
        pass: 1,
        page: 1,
        page_size: claim.page_size,
        request: "GET cdc",
        observed_at: claim.claimed_at,
        answered_at: None,
        batches: Vec::new(),
        checkpoints: checkpoints.to_vec(),
        follow_ups: Vec::new(),
        lease: super::scene::LEASE,
        calls: 1,
        go_on: &super::scene::ELSEWHERE,
        next: NextStep::Done(FinishedWindow::default()),
    }
}

async fn states(world: &dyn World, connection: ConnectionId) -> Vec<SyncState> {
    world.ledger().sync_states(&[connection]).await.unwrap()
}

async fn checkpoint(world: &dyn World, connection: ConnectionId, entity: &str) -> Option<DateTime<Utc>> {
    let states = states(world, connection).await;
    states
        .into_iter()
        .find(|state| state.entity == entity)?
        .checkpoint
}

fn moved(entity: &str, read_since: Option<DateTime<Utc>>, until: DateTime<Utc>) -> Checkpoint<'_> {
    Checkpoint {
        entity,
        read_since,
        until: Some(until),
    }
}

pub async fn every_kind_of_work_comes_back_as_it_was_submitted(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let instants = Window::Instants {
        field: InstantField::Updated,
        days: None,
        start: at(0),
        end: at(1),
    };
    let works = [
        Work::Window(Window::Whole),
        Work::Sync(Window::Whole),
        Work::Sync(instants),
        Work::Recount,
        Work::Changes {
            entities: vec!["customer".to_owned(), "invoice".to_owned()],
            since: at(2),
        },
        Work::Records {
            ids: vec!["1".to_owned(), "a \"quoted\" one, ü".to_owned()],
            gone: vec!["2".to_owned()],
        },
    ];
    let segments = works.clone().map(|work| segment(connection, "invoice", work));
    let ids = segments.clone().map(|segment| segment.id);
    submit(world, &new_run(Lane::Live, "all kinds"), segments.into()).await;
    let claims = claim_all(world, &ids).await;
    let claimed: Vec<Work> = claims.into_iter().map(|claim| claim.work).collect();
    assert_eq!(claimed, works);
}

pub async fn a_page_has_rows_of_several_entities_and_moves_their_checkpoints(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    for entity in ["customer", "invoice"] {
        let first = claimed(world, segment(connection, entity, Work::Sync(Window::Whole))).await;
        store(world, &end(&first, &Window::Whole, &[moved(entity, None, at(0))])).await;
    }
    let claim = claimed(world, changes(connection, at(-5))).await;
    let (invoices, customers) = ([record("1", 1), tombstone("99")], [record("7", 1)]);
    let place = claim.work.place();
    let both = [
        moved("customer", Some(at(-5)), at(10)),
        moved("invoice", Some(at(-5)), at(10)),
    ];
    let page = PageCommit {
        batches: vec![
            batch("invoice", &invoices),
            Batch {
                table: "qbo_customer",
                ..batch("customer", &customers)
            },
        ],
        ..end(&claim, &place, &both)
    };
    let effects = store(world, &page).await;
    assert_eq!((effects.new, effects.deleted), (2, 1));
    let stored = records(world, connection).await;
    let told: Vec<_> = stored
        .iter()
        .map(|record| (record.id.as_str(), record.deleted_at.is_some()))
        .collect();
    assert_eq!(told, [("1", false), ("99", true)], "never seen, and gone");
    for entity in ["customer", "invoice"] {
        assert_eq!(checkpoint(world, connection, entity).await, Some(at(10)));
    }
    assert!(
        world
            .ledger()
            .coverage(&CoverageFilter::default())
            .await
            .unwrap()
            .iter()
            .all(|row| row.entity != CHANGES),
        "what has changed is no window of days"
    );
}

pub async fn a_fenced_page_moves_no_checkpoint(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let first = claimed(world, segment(connection, "invoice", Work::Sync(Window::Whole))).await;
    world.ledger().hand_back(&[held(&first)]).await.unwrap();
    let seen = [record("1", 1)];
    let page = PageCommit {
        batches: vec![batch("invoice", &seen)],
        follow_ups: vec![segment(connection, "invoice", Work::Recount)],
        ..end(&first, &Window::Whole, &[moved("invoice", None, at(0))])
    };
    let committed = world.ledger().commit_page(&page).await.unwrap();
    assert_eq!(committed, Committed::Fenced);
    assert!(states(world, connection).await.is_empty());
    assert!(records(world, connection).await.is_empty());
    let report = world.ledger().run(first.run).await.unwrap().unwrap();
    assert_eq!(report.segments, 1, "nothing joined");
}

pub async fn a_checkpoint_stays_where_what_lies_between_was_not_read(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    // Of an entity that was never read whole, what has changed of it is not all.
    let early = claimed(world, changes(connection, at(0))).await;
    let place = early.work.place();
    store(
        world,
        &end(&early, &place, &[moved("invoice", Some(at(0)), at(5))]),
    )
    .await;
    assert_eq!(checkpoint(world, connection, "invoice").await, None);

    let first = claimed(world, segment(connection, "invoice", Work::Sync(Window::Whole))).await;
    store(
        world,
        &end(&first, &Window::Whole, &[moved("invoice", None, at(5))]),
    )
    .await;
    assert_eq!(checkpoint(world, connection, "invoice").await, Some(at(5)));
    for (since, until, then) in [(6, 9, 5), (5, 9, 9), (2, 20, 20), (21, 30, 20)] {
        let claim = claimed(world, changes(connection, at(since))).await;
        let place = claim.work.place();
        store(
            world,
            &end(&claim, &place, &[moved("invoice", Some(at(since)), at(until))]),
        )
        .await;
        assert_eq!(
            checkpoint(world, connection, "invoice").await,
            Some(at(then)),
            "read from {since} to {until}"
        );
    }
    let again = claimed(world, segment(connection, "invoice", Work::Sync(Window::Whole))).await;
    let untold = Checkpoint {
        entity: "invoice",
        read_since: None,
        until: None,
    };
    store(world, &end(&again, &Window::Whole, &[untold])).await;
    assert_eq!(
        checkpoint(world, connection, "invoice").await,
        Some(at(20)),
        "no time was told"
    );
}

pub async fn the_time_of_the_first_answer_is_kept_through_attempts(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let first = claimed(world, segment(connection, "invoice", Work::Sync(Window::Whole))).await;
    assert_eq!(first.answered_at, None);
    let seen = [record("1", 1)];
    for (number, minutes) in [(1, 0), (2, 7)] {
        let answered = PageCommit {
            answered_at: Some(at(minutes)),
            ..page(&first, number, &seen, NextStep::Page)
        };
        store(world, &answered).await;
    }
    world.ledger().hand_back(&[held(&first)]).await.unwrap();
    let second = claim(world, first.segment).await;
    assert_eq!(second.answered_at, Some(at(0)));
}

pub async fn what_follows_joins_the_run_with_the_end_of_its_segment(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let claim = claimed(world, changes(connection, at(0))).await;
    let place = claim.work.place();
    let window = Window::Instants {
        field: InstantField::Updated,
        days: None,
        start: at(0),
        end: at(9),
    };
    let follows = segment(connection, "invoice", Work::Sync(window));
    let page = PageCommit {
        follow_ups: vec![follows.clone()],
        ..end(&claim, &place, &[])
    };
    store(world, &page).await;
    world.ledger().close_runs().await.unwrap();
    let report = world.ledger().run(claim.run).await.unwrap().unwrap();
    assert_eq!(
        (report.state, report.segments, report.done, report.pending),
        (RunState::Active, 2, 1, 1)
    );
    let next = super::scene::claim(world, follows.id).await;
    assert_eq!(
        (next.run, next.work.clone(), next.lane, next.page_size),
        (claim.run, follows.work, claim.lane, claim.page_size)
    );
    store(
        world,
        &end(&next, &window, &[moved("invoice", Some(at(0)), at(9))]),
    )
    .await;
    world.ledger().close_runs().await.unwrap();
    assert_eq!(state_of_run(world, claim.run).await, RunState::Done);
}

pub async fn failures_are_told_of_every_entity_that_was_to_be_in_sync(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let claim = claimed(world, changes(connection, at(0))).await;
    settle(world, &claim, &retry(seconds(0)), FailureKind::Timeout).await;
    kill(world, claim.segment, FailureKind::Forbidden).await;
    let told: Vec<_> = states(world, connection)
        .await
        .into_iter()
        .map(|state| (state.entity, state.failures, state.cause, state.succeeded_at))
        .collect();
    let cause = Some(FailureKind::Forbidden);
    assert_eq!(
        told,
        [
            ("customer".to_owned(), 2, cause, None),
            ("invoice".to_owned(), 2, cause, None)
        ]
    );
    let first = claimed(world, segment(connection, "invoice", Work::Sync(Window::Whole))).await;
    let wait = Outcome::Later { wait: seconds(0) };
    settle(world, &first, &wait, FailureKind::Throttled).await;
    assert_eq!(states(world, connection).await[1].failures, 2, "a wait is none");
    let first = super::scene::claim(world, first.segment).await;
    store(
        world,
        &end(&first, &Window::Whole, &[moved("invoice", None, at(0))]),
    )
    .await;
    let states = states(world, connection).await;
    assert_eq!((states[1].failures, states[1].cause), (0, None));
    assert!(states[1].succeeded_at.is_some() && states[0].succeeded_at.is_none());
    let plain = claimed(world, segment(connection, "item", Work::Window(Window::Whole))).await;
    settle(world, &plain, &Outcome::Dead, FailureKind::Timeout).await;
    assert!(
        world.ledger().sync_states(&[]).await.unwrap().len() == 2,
        "not asked for to be in sync"
    );
}

pub async fn companies_are_due_at_their_time_while_active_and_their_changes_are_not_being_asked_for(
    world: &dyn World,
) {
    let usual = Duration::from_mins(5);
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let ledger = world.ledger();
    let due = async || -> Vec<ConnectionId> {
        let due = ledger.due_syncs(usual, 10).await.unwrap();
        due.into_iter().map(|schedule| schedule.connection).collect()
    };
    assert!(due().await.is_empty(), "nobody has asked for a sync");
    let past = DateTime::UNIX_EPOCH;
    ledger.schedule_sync(ash, None, past).await.unwrap();
    ledger
        .schedule_sync(birch, Some(Duration::from_mins(10)), past + TimeDelta::seconds(1))
        .await
        .unwrap();
    assert_eq!(due().await, [ash, birch]);
    let rate = ledger.syncs_a_second(usual).await.unwrap();
    assert!((rate - (1.0 / 300.0 + 1.0 / 600.0)).abs() < 1e-9, "{rate}");

    let first = claimed(world, segment(ash, "invoice", Work::Sync(Window::Whole))).await;
    store(
        world,
        &end(
            &first,
            &Window::Whole,
            &[moved("invoice", None, first.claimed_at - TimeDelta::hours(2))],
        ),
    )
    .await;
    let [sum] = ledger.sync_sums(usual).await.unwrap().try_into().unwrap();
    assert!((7_200..7_300).contains(&sum.lag_seconds), "{sum:?}");
    assert_eq!((sum.connector.as_str(), sum.failing), ("quickbooks", 0));

    let sync = changes(ash, at(0));
    let run = sync_run(ash);
    submit(world, &run, vec![sync.clone()]).await;
    assert_eq!(due().await, [birch], "one unfinished sync at most");
    assert!(
        submit(world, &sync_run(ash), vec![changes(ash, at(0))])
            .await
            .attached
    );
    kill(world, sync.id, FailureKind::Forbidden).await;
    ledger.close_runs().await.unwrap();
    assert_eq!(due().await, [ash, birch]);
    assert!(ledger.syncs_under_way(ash).await.unwrap().is_empty());

    let window = segment(ash, "invoice", Work::Sync(Window::Whole));
    let (run, sync) = (sync_run(ash), changes(ash, at(0)));
    submit(world, &run, vec![window.clone(), sync.clone()]).await;
    let under_way = async |of| -> Vec<(RunId, String, WorkKind)> {
        let all = ledger.syncs_under_way(of).await.unwrap();
        let told = |one: UnderWay| (one.run, one.entity, one.kind);
        all.into_iter().map(told).collect()
    };
    let asked = (run.id, CHANGES.to_owned(), WorkKind::Changes);
    let waits = (run.id, "invoice".to_owned(), WorkKind::Sync);
    assert_eq!(under_way(ash).await, [asked, waits.clone()]);
    assert!(under_way(birch).await.is_empty(), "another company's");
    assert_eq!(due().await, [birch]);
    kill(world, sync.id, FailureKind::Forbidden).await;
    assert_eq!(under_way(ash).await, [waits]);
    assert_eq!(
        due().await,
        [ash, birch],
        "one entity that waits holds back no other"
    );
    kill(world, window.id, FailureKind::Forbidden).await;
    ledger.close_runs().await.unwrap();

    ledger
        .schedule_sync(birch, Some(Duration::ZERO), past)
        .await
        .unwrap();
    assert_eq!(due().await, [ash], "off");
    let planned = Planned {
        recount: true,
        reread: false,
    };
    let later = ledger.clock().await.unwrap().now + TimeDelta::minutes(4);
    let later = later.trunc_subsecs(6);
    ledger.sync_planned(ash, planned, later).await.unwrap();
    assert!(due().await.is_empty());
    let [schedule] = ledger.sync_schedules(&[ash]).await.unwrap().try_into().unwrap();
    assert_eq!((schedule.every, schedule.due_at), (None, later));
    assert!(schedule.recounted_at.is_some() && schedule.reread_at.is_none());
    ledger.sync_planned(ash, Planned::default(), past).await.unwrap();
    let [again] = ledger.sync_schedules(&[ash]).await.unwrap().try_into().unwrap();
    assert_eq!(again.recounted_at, schedule.recounted_at);
    ledger
        .set_connection_state(ash, ledgerfleet_model::ConnectionState::Paused, None)
        .await
        .unwrap();
    assert!(due().await.is_empty(), "paused");
}

/// Its segments may wait for the calls of the next month.
pub async fn a_sync_that_waits_in_another_lane_holds_back_no_schedule(world: &dyn World) {
    let ash = company(world, "Ash").await;
    let ledger = world.ledger();
    ledger
        .schedule_sync(ash, None, DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    let told = async || -> Vec<(Lane, bool)> {
        let all = ledger.syncs_under_way(ash).await.unwrap();
        all.into_iter().map(|one| (one.lane, one.has_begun)).collect()
    };
    for lane in [Lane::Manual, Lane::Backfill, Lane::Live] {
        let by_hand = new_run(lane, &format!("sync/{ash}"));
        let sync = changes(ash, at(0));
        let window = segment(ash, "invoice", Work::Sync(Window::Whole));
        submit(world, &by_hand, vec![sync.clone(), window.clone()]).await;
        let due = ledger.due_syncs(Duration::from_mins(5), 10).await.unwrap();
        assert_eq!(due.len(), usize::from(lane != Lane::Live), "{lane:?}");
        assert_eq!(told().await, [(lane, false), (lane, false)]);
        kill(world, sync.id, FailureKind::Forbidden).await;
        assert_eq!(told().await, [(lane, true)], "a part of its run has ended");
        kill(world, window.id, FailureKind::Forbidden).await;
        ledger.close_runs().await.unwrap();
    }
}

pub async fn only_the_newest_syncs_of_a_company_are_kept(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let other = super::scene::run_for(world, ash, Lane::Backfill, 1).await;
    super::scene::finish(world, other.segments[0], &[]).await;
    let (mut runs, mut dead) = (Vec::new(), Vec::new());
    for connection in [ash, birch] {
        for number in 0..5 {
            let (run, new) = (sync_run(connection), changes(connection, at(0)));
            submit(world, &run, vec![new.clone()]).await;
            if number == 0 {
                let claim = claim(world, new.id).await;
                settle(world, &claim, &Outcome::Dead, FailureKind::Forbidden).await;
                dead.push(run.id);
            } else {
                world.ledger().steer_run(run.id, Steer::Cancel).await.unwrap();
                runs.push(run.id);
            }
            world.ledger().close_runs().await.unwrap();
        }
    }
    assert_eq!(world.ledger().prune_syncs(3, 10).await.unwrap(), 0, "too fresh");
    world.pass_time(Duration::from_mins(11)).await;
    assert_eq!(world.ledger().prune_syncs(3, 1).await.unwrap(), 1);
    assert_eq!(world.ledger().prune_syncs(3, 10).await.unwrap(), 1);
    assert_eq!(world.ledger().prune_syncs(3, 10).await.unwrap(), 0);
    for (number, run) in runs.iter().enumerate() {
        let is_kept = world.ledger().run(*run).await.unwrap().is_some();
        assert_eq!(is_kept, number % 4 != 0, "run {number}");
    }
    for run in [other.run, dead[0], dead[1]] {
        assert!(world.ledger().run(run).await.unwrap().is_some());
    }
    assert_eq!(world.standing(other.segments[0]).await.state, SegmentState::Done);
}

pub async fn a_sync_that_saw_what_waits_in_quarantine_is_kept(world: &dyn World) {
    let ash = company(world, "Ash").await;
    let (run, new) = (sync_run(ash), segment(ash, "invoice", Work::Sync(Window::Whole)));
    submit(world, &run, vec![new.clone()]).await;
    let claim = claim(world, new.id).await;
    let unreadable = [super::quarantining::bad("1", "{}")];
    let page = PageCommit {
        batches: vec![Batch {
            quarantined: &unreadable,
            ..batch("invoice", &[])
        }],
        ..end(&claim, &Window::Whole, &[])
    };
    store(world, &page).await;
    world.ledger().close_runs().await.unwrap();
    for _ in 0..3 {
        let (newer, new) = (sync_run(ash), changes(ash, at(0)));
        submit(world, &newer, vec![new]).await;
        world.ledger().steer_run(newer.id, Steer::Cancel).await.unwrap();
        world.ledger().close_runs().await.unwrap();
    }
    world.pass_time(Duration::from_mins(11)).await;
    assert_eq!(
        world.ledger().prune_syncs(1, 10).await.unwrap(),
        2,
        "but for the newest, and that one"
    );
    assert!(world.ledger().run(run.id).await.unwrap().is_some());
    // Seen well by a later one, it keeps nothing.
    let (run, new) = (sync_run(ash), segment(ash, "invoice", Work::Sync(Window::Whole)));
    submit(world, &run, vec![new.clone()]).await;
    let claim = super::scene::claim(world, new.id).await;
    let good = [record("1", 1)];
    let good = PageCommit {
        batches: vec![batch("invoice", &good)],
        ..end(&claim, &Window::Whole, &[])
    };
    store(world, &good).await;
    world.ledger().close_runs().await.unwrap();
    world.pass_time(Duration::from_mins(11)).await;
    assert_eq!(world.ledger().prune_syncs(1, 10).await.unwrap(), 2);
}

pub async fn a_sync_that_somebody_asked_for_is_kept_for_three_months(world: &dyn World) {
    let ash = company(world, "Ash").await;
    let cancelled = async |lane: Lane| {
        let of_what = if lane == Lane::Backfill { "upkeep" } else { "sync" };
        let run = new_run(lane, &format!("{of_what}/{ash}"));
        submit(world, &run, vec![changes(ash, at(0))]).await;
        world.ledger().steer_run(run.id, Steer::Cancel).await.unwrap();
        world.ledger().close_runs().await.unwrap();
        run.id
    };
    let asked = [cancelled(Lane::Manual).await, cancelled(Lane::Manual).await];
    for _ in 0..3 {
        cancelled(Lane::Live).await;
        cancelled(Lane::Backfill).await;
    }
    world.pass_time(KEPT_SCHEDULED + Duration::from_mins(1)).await;
    assert_eq!(
        world.ledger().prune_syncs(1, 10).await.unwrap(),
        4,
        "of those on schedule and their upkeep all but the newest"
    );
    let is_kept = async |run: RunId| world.ledger().run(run).await.unwrap().is_some();
    assert!(is_kept(asked[0]).await && is_kept(asked[1]).await);
    world.pass_time(KEPT_ASKED).await;
    assert_eq!(world.ledger().prune_syncs(1, 10).await.unwrap(), 1);
    assert!(!is_kept(asked[0]).await && is_kept(asked[1]).await);
}
