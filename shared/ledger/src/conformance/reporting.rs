//! What is told about runs and records.

use ledgerfleet_model::{ConnectionState, FailureKind, Lane, RunId, RunState};

use super::World;
use super::scene::{
    claim, company, daily, due, finish, kill, new_run, page, record, retry, run_for, scene, seconds, settle,
    store, submit, tombstone,
};
use crate::{
    AuditFilter, AuditRow, ConnectionSums, EntityTotals, EntityVolume, MonthCalls, NewSegment, NextStep,
    PageCommit, Remaining, Steer,
};

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

pub async fn a_company_is_summed_up_in_one_row(world: &dyn World) {
    let scene = scene(world, 5).await;
    let idle = company(world, "Birch").await;
    finish(world, scene.segments[0], &[record("1", 1)]).await;
    kill(world, scene.segments[1], FailureKind::BadRequest).await;
    kill(world, scene.segments[2], FailureKind::BadRequest).await;
    super::letters::drop_all(world, &[scene.segments[2]]).await;
    claim(world, scene.segments[3]).await;

    let sums = world.ledger().connection_sums().await.unwrap();
    assert_eq!(sums.len(), 2);
    let busy = &sums[0];
    assert!(busy.last_read_at.is_some(), "{busy:?}");
    assert_eq!(
        (busy.running, busy.dead),
        (1, 1),
        "a dropped letter is hidden here, too"
    );
    assert!(busy.calls > 0, "{busy:?}");
    let nothing = ConnectionSums {
        connection: idle,
        last_read_at: None,
        open: 0,
        running: 0,
        dead: 0,
        calls: 0,
    };
    assert_eq!(sums[1], nothing);
}

pub async fn what_fails_and_is_tried_again_is_told_until_it_is_done(world: &dyn World) {
    let scene = scene(world, 3).await;
    let trouble = || world.ledger().trouble(scene.run);
    assert_eq!(trouble().await.unwrap(), None);
    let (first, second) = (
        claim(world, scene.segments[0]).await,
        claim(world, scene.segments[1]).await,
    );
    settle(world, &first, &retry(seconds(60)), FailureKind::Network).await;
    settle(world, &second, &retry(seconds(90)), FailureKind::Timeout).await;
    let told = trouble().await.unwrap().unwrap();
    assert_eq!((told.attempts, told.reason.as_str()), (2, "timeout"));
    assert!((55..=60).contains(&told.due_in.as_secs()), "{told:?}");
    world.pass_time(seconds(70)).await;
    assert_eq!(trouble().await.unwrap().unwrap().due_in, seconds(0));
    world.pass_time(seconds(70)).await;
    for segment in &scene.segments[..2] {
        finish(world, *segment, &[]).await;
    }
    assert_eq!(trouble().await.unwrap(), None);
}

pub async fn ids_that_begin_alike_are_found_by_their_range(world: &dyn World) {
    let scene = scene(world, 3).await;
    let other = run_for(world, company(world, "Birch").await, Lane::Backfill, 1).await;
    let ledger = world.ledger();
    let runs = |first, last, limit| ledger.run_ids(first, last, limit);
    assert_eq!(
        runs(scene.run, other.run, 9).await.unwrap(),
        [scene.run, other.run]
    );
    assert_eq!(runs(scene.run, other.run, 1).await.unwrap(), [scene.run]);
    assert_eq!(runs(other.run, other.run, 9).await.unwrap(), [other.run]);
    assert_eq!(runs(RunId::new(), RunId::new(), 9).await.unwrap(), []);

    let [first, second, last] = [0, 1, 2].map(|index| scene.segments[index]);
    kill(world, last, FailureKind::BadRequest).await;
    kill(world, first, FailureKind::BadRequest).await;
    super::letters::drop_all(world, &[last]).await;
    let letters = ledger.dead_letter_ids(first, last, 9).await.unwrap();
    assert_eq!(
        letters,
        [first, last],
        "dropped ones are found, others are no dead letters"
    );
    assert_eq!(ledger.dead_letter_ids(first, second, 9).await.unwrap(), [first]);
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

pub async fn runs_are_within_companies_by_id_before_they_are_limited(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let first = run_for(world, ash, Lane::Manual, 1).await.run;
    world.pass_time(seconds(1)).await;
    let both = new_run(Lane::Backfill, "both");
    submit(
        world,
        &both,
        daily(ash, 3).into_iter().chain(daily(birch, 2)).collect(),
    )
    .await;
    world.pass_time(seconds(1)).await;
    let other = run_for(world, birch, Lane::Manual, 2).await.run;
    let ledger = world.ledger();
    for (connections, id, limit, within) in [
        (vec![ash], None, 1, vec![first]),
        (vec![birch], None, 9, vec![other]),
        (vec![ash, birch], None, 9, vec![other, both.id, first]),
        (vec![ash, birch], None, 2, vec![other, both.id]),
        (vec![ash], Some(first), 1, vec![first]),
        (vec![ash], Some(both.id), 1, vec![]),
        (vec![ash], Some(other), 1, vec![]),
        (vec![], None, 9, vec![]),
    ] {
        let met = ledger.run_ids_within(&connections, id, limit).await.unwrap();
        assert_eq!(met, within, "{connections:?} {id:?} {limit}");
    }
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

pub async fn calls_are_told_by_month_company_and_entity(world: &dyn World) {
    let (one, other) = (company(world, "Alder").await, company(world, "Birch").await);
    let ledger = world.ledger();
    for (of, entity, calls) in [
        (one, "invoice", 2),
        (one, "invoice", 3),
        (one, "bill", 1),
        (other, "bill", 7),
    ] {
        ledger.count_calls(of, entity, calls).await.unwrap();
    }
    let now = ledger.clock().await.unwrap().now;
    let month = now.format("%Y-%m").to_string();
    let of = |entity: &str, calls| MonthCalls {
        month: month.clone(),
        connection: one,
        entity: entity.to_owned(),
        calls,
    };
    let told = ledger.calls_by_month(&[one], None).await.unwrap();
    assert_eq!(told, [of("bill", 1), of("invoice", 5)], "another's are not told");
    assert_eq!(ledger.calls_by_month(&[one], Some(&month)).await.unwrap(), told);
    assert_eq!(ledger.calls_by_month(&[one], Some("1999-12")).await.unwrap(), []);
    assert_eq!(ledger.calls_by_month(&[], None).await.unwrap(), []);
}

pub async fn what_was_done_is_told_newest_first_in_pages(world: &dyn World) {
    let ledger = world.ledger();
    for number in 0..3 {
        let detail = serde_json::json!({ "by": format!("key {number}") });
        ledger.note_audit("test.done", Some("x"), detail).await.unwrap();
    }
    let page = async |before, since| {
        let filter = AuditFilter {
            since,
            before,
            limit: 2,
        };
        let rows = ledger.audited(&filter).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action == "test.done")
            .collect::<Vec<_>>()
    };
    let by = |rows: &[AuditRow]| -> Vec<String> {
        rows.iter()
            .map(|row| row.detail["by"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = page(None, None).await;
    assert_eq!(by(&first), ["key 2", "key 1"]);
    let second = page(Some(first[1].id), None).await;
    assert_eq!(by(&second), ["key 0"]);
    let ahead = ledger.clock().await.unwrap().now + chrono::TimeDelta::hours(1);
    assert_eq!(page(None, Some(ahead)).await, []);
}
