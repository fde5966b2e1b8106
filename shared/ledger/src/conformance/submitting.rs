//! Submitting runs.

use chrono::TimeDelta;
use ledgerfleet_model::{
    ConnectionId, Days, InstantField, Lane, RunState, SegmentId, SegmentState, Standing, Window,
};

use super::World;
use super::scene::{
    claim_all, company, daily, day, due, finish, new_run, record, run_for, scene, state_of_run, submit,
};
use crate::{LedgerError, NewSegment, Purge, Steer};

pub async fn a_run_is_stored_with_all_its_segments_pending_and_due(world: &dyn World) {
    let connection = company(world, "Alder").await;
    // More than one chunk, and not a whole number of them.
    let run = run_for(world, connection, Lane::Backfill, 10_010).await;
    let report = world.ledger().run(run.run).await.unwrap().unwrap();
    assert_eq!((report.state, report.lane), (RunState::Active, Lane::Backfill));
    assert_eq!((report.segments, report.pending), (10_010, 10_010));
    assert_eq!((report.from, report.to), (Some(day(0)), Some(day(30))));
    assert_eq!(report.entities, ["invoice"]);
    assert_eq!(
        due(world, 1).await,
        run.segments[..4],
        "in the order of submission"
    );
    for id in [run.segments[0], run.segments[10_009]] {
        assert_eq!(world.standing(id).await, Standing::NEW);
    }
}

pub async fn an_equal_unfinished_request_joins_the_first(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let first = new_run(Lane::Backfill, "invoices of March");
    submit(world, &first, daily(connection, 3)).await;
    let second = new_run(Lane::Manual, "invoices of March");
    let joined = submit(world, &second, daily(connection, 3)).await;
    assert_eq!(
        (joined.run, joined.attached, joined.segments),
        (first.id, true, 3)
    );
    assert!(world.ledger().run(second.id).await.unwrap().is_none());

    world.ledger().steer_run(first.id, Steer::Pause).await.unwrap();
    let third = new_run(Lane::Manual, "invoices of March");
    assert!(
        submit(world, &third, daily(connection, 3)).await.attached,
        "a paused run is not finished"
    );

    let other = new_run(Lane::Backfill, "invoices of April");
    assert!(!submit(world, &other, daily(connection, 1)).await.attached);
}

pub async fn equal_requests_at_one_moment_make_one_run(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let request = || async {
        let run = new_run(Lane::Backfill, "invoices of March");
        submit(world, &run, daily(connection, 5)).await
    };
    let answers = futures::future::join_all([request(), request(), request()]).await;
    assert_eq!(answers.iter().filter(|answer| !answer.attached).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.run == answers[0].run && answer.segments == 5)
    );
    assert_eq!(world.ledger().runs(10).await.unwrap().len(), 1);
}

pub async fn a_finished_request_may_be_asked_again(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let first = new_run(Lane::Backfill, "invoices of March");
    let segments = daily(connection, 1);
    let only = segments[0].id;
    submit(world, &first, segments).await;
    finish(world, only, &[record("1", 1)]).await;
    world.ledger().close_runs().await.unwrap();
    assert_eq!(state_of_run(world, first.id).await, RunState::Done);

    let again = new_run(Lane::Backfill, "invoices of March");
    let submitted = submit(world, &again, daily(connection, 1)).await;
    assert_eq!((submitted.run, submitted.attached), (again.id, false));
}

pub async fn a_plan_for_a_removed_connection_stores_nothing(world: &dyn World) {
    let (kept, gone) = (company(world, "Kept").await, company(world, "Gone").await);
    world
        .ledger()
        .remove_connection(gone, Purge::KeepRecords)
        .await
        .unwrap();
    let run = new_run(Lane::Backfill, "both");
    let plan: Vec<NewSegment> = daily(kept, 2).into_iter().chain(daily(gone, 1)).collect();
    let refused = world.ledger().submit(&run, &mut plan.into_iter()).await;
    assert!(matches!(refused, Err(LedgerError::NoSuchConnection(id)) if id == gone));
    assert!(world.ledger().run(run.id).await.unwrap().is_none());
    assert!(due(world, 9).await.is_empty());
}

pub async fn every_kind_of_window_comes_back_as_it_was_submitted(world: &dyn World) {
    let connection = scene(world, 0).await.connection;
    let days = Days {
        from: day(0),
        to: day(1),
    };
    let start = day(0).and_hms_micro_opt(5, 0, 0, 1).unwrap().and_utc();
    let end = start + TimeDelta::hours(23);
    let windows = [
        Window::Whole,
        Window::Dates { days },
        Window::Instants {
            field: InstantField::Created,
            days: Some(days),
            start,
            end,
        },
        Window::Instants {
            field: InstantField::Updated,
            days: Some(days),
            start,
            end,
        },
    ];
    let segments = windows.map(|window| segment_of(connection, window));
    let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    submit(world, &new_run(Lane::Manual, "all kinds"), segments.to_vec()).await;

    let claims = claim_all(world, &ids).await;
    assert!(
        claims
            .iter()
            .map(|claim| claim.work.window())
            .eq(windows.map(Some))
    );
    assert!(
        claims
            .iter()
            .all(|claim| claim.standing.state == SegmentState::Running)
    );
}

fn segment_of(connection: ConnectionId, window: Window) -> NewSegment {
    NewSegment {
        id: SegmentId::new(),
        connection,
        entity: "invoice".to_owned(),
        work: window.into(),
    }
}
