//! What is told about runs and records.

use ledgerfleet_model::{ConnectionState, FailureKind, Lane, RunState};

use super::World;
use super::scene::{
    claim, company, daily, due, finish, kill, new_run, page, record, retry, run_for, scene, seconds, settle,
    store, submit, tombstone,
};
use crate::{EntityTotals, EntityVolume, NewSegment, NextStep, PageCommit, Remaining, Steer};

pub async fn a_report_sums_what_its_segments_did(world: &dyn World) {
    let scene = scene(world, 6).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    finish(world, scene.segments[1], &[]).await;
    kill(world, scene.segments[2], FailureKind::BadRequest).await;
    let failed = claim(world, scene.segments[3]).await;
    settle(world, &failed, &retry(seconds(60)), FailureKind::Network).await;
    let running = claim(world, scene.segments[4]).await;
    store(world, &page(&running, 1, &[record("3", 1)], NextStep::Page)).await;
    world.pass_time(seconds(120)).await;

    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.run_id, report.state), (scene.run, RunState::Active));
    assert_eq!((report.segments, report.pending, report.running), (6, 2, 1));
    assert_eq!(
        (report.done, report.empty, report.dead, report.cancelled),
        (2, 1, 1, 0)
    );
    assert_eq!(
        (report.rows, report.pages, report.calls, report.blocked),
        (3, 3, 3, 0)
    );
    assert!((120.0..125.0).contains(&report.seconds), "{}", report.seconds);
    assert_eq!(
        (report.connections, report.closed_at),
        (vec!["Alder & Sons".to_owned()], None)
    );
}

pub async fn what_a_run_found_deleted_is_counted_once(world: &dyn World) {
    let scene = scene(world, 2).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    let claim = claim(world, scene.segments[1]).await;
    let seen = [tombstone("1"), tombstone("2"), record("3", 1)];
    let later = PageCommit {
        observed_at: claim.claimed_at + seconds(60),
        ..page(&claim, 1, &seen, NextStep::Page)
    };
    store(world, &later).await;
    store(world, &later).await;
    assert_eq!(world.ledger().seen(claim.segment, 1).await.unwrap().deleted, 2);
    let other = world.ledger().seen(scene.segments[0], 1).await.unwrap();
    assert_eq!(other.deleted, 0);
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(report.deleted, 2);
}

pub async fn runs_are_listed_newest_first(world: &dyn World) {
    let connection = company(world, "Ash").await;
    let mut ids = Vec::new();
    for days in 1..=3 {
        ids.push(run_for(world, connection, Lane::Manual, days).await.run);
        world.pass_time(seconds(1)).await;
    }
    ids.reverse();
    let listed = world.ledger().runs(10).await.unwrap();
    assert!(listed.iter().map(|report| report.run_id).eq(ids.iter().copied()));
    assert_eq!(listed[0].segments, 3);
    assert_eq!(world.ledger().runs(2).await.unwrap().len(), 2);
}

pub async fn what_waits_for_a_person_is_blocked(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let run = new_run(Lane::Backfill, "both");
    let plan: Vec<NewSegment> = daily(ash, 3).into_iter().chain(daily(birch, 2)).collect();
    let first = plan[0].id;
    submit(world, &run, plan).await;
    finish(world, first, &[]).await;
    world
        .ledger()
        .set_connection_state(ash, ConnectionState::NeedsReauthorisation, Some("401"))
        .await
        .unwrap();
    let report = world.ledger().run(run.id).await.unwrap().unwrap();
    assert_eq!((report.pending, report.blocked), (4, 2));
    assert_eq!(due(world, 9).await.len(), 2);
}

pub async fn what_is_left_is_told_by_connection_with_what_comes_first(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let first = run_for(world, ash, Lane::Backfill, 3).await;
    world.pass_time(seconds(1)).await;
    let (run, plan) = (
        new_run(Lane::Backfill, "both"),
        [daily(ash, 2), daily(birch, 4)].concat(),
    );
    submit(world, &run, plan).await;
    world.pass_time(seconds(1)).await;
    run_for(world, ash, Lane::Backfill, 7).await;
    run_for(world, birch, Lane::Live, 5).await;
    finish(world, first.segments[0], &[]).await;
    claim(world, first.segments[1]).await;
    let remaining = async |id| {
        let mut told = world.ledger().remaining(id).await.unwrap();
        told.sort_by_key(|one| one.segments);
        told
    };
    let left = |connection, segments, ahead| Remaining {
        connection,
        segments,
        ahead,
    };
    assert_eq!(remaining(first.run).await, [left(ash, 2, 0)]);
    assert_eq!(remaining(run.id).await, [left(ash, 2, 2), left(birch, 4, 5)]);
    world.ledger().steer_run(first.run, Steer::Pause).await.unwrap();
    world
        .ledger()
        .set_connection_state(birch, ConnectionState::NeedsReauthorisation, Some("401"))
        .await
        .unwrap();
    assert_eq!(remaining(run.id).await, [left(ash, 2, 0)]);
}

pub async fn volumes_are_told_by_connection_and_entity(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let run = new_run(Lane::Backfill, "both");
    let items = daily(birch, 1).into_iter().map(|segment| NewSegment {
        entity: "item".to_owned(),
        ..segment
    });
    let plan: Vec<NewSegment> = daily(ash, 3)
        .into_iter()
        .chain(daily(birch, 1))
        .chain(items)
        .collect();
    let ids: Vec<_> = plan.iter().map(|segment| segment.id).collect();
    submit(world, &run, plan).await;
    finish(world, ids[0], &[record("1", 1), record("2", 1)]).await;
    world.pass_time(seconds(30)).await;
    finish(world, ids[1], &[]).await;
    kill(world, ids[2], FailureKind::BadRequest).await;

    let volumes = world.ledger().volumes(run.id).await.unwrap();
    let names: Vec<_> = volumes
        .iter()
        .map(|volume| (volume.connection.as_str(), volume.entity.as_str()))
        .collect();
    assert_eq!(
        names,
        [("Ash", "invoice"), ("Birch", "invoice"), ("Birch", "item")]
    );
    let EntityVolume {
        segments,
        done,
        empty,
        dead,
        rows,
        most_rows,
        pages,
        calls,
        seconds,
        ..
    } = volumes[0];
    assert_eq!((segments, done, empty, dead), (3, 2, 1, 1));
    assert_eq!((rows, most_rows, pages, calls), (2, 2, 2, 2));
    assert!((30.0..35.0).contains(&seconds), "{seconds}");
    assert_eq!((volumes[1].segments, volumes[1].done), (1, 0));
}

pub async fn totals_are_told_by_connection_and_table(world: &dyn World) {
    assert!(world.ledger().entity_totals().await.unwrap().is_empty());
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let seen = [record("1", 1), record("2", 1), tombstone("3")];
    store(world, &page(&claim, 1, &seen, NextStep::Page)).await;
    let [totals] = &world.ledger().entity_totals().await.unwrap()[..] else {
        panic!("one table")
    };
    let EntityTotals {
        connection,
        table,
        live,
        deleted,
        last_ingested_at,
    } = totals;
    assert_eq!(
        (*connection, table.as_str()),
        (scene.connection, super::scene::TABLE)
    );
    assert_eq!((*live, *deleted), (2, 1));
    assert!(last_ingested_at.is_some());
}
