//! What goes on side by side: who waits for whom, and who does not.

use std::time::Duration;

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{
    LEASE, TABLE, claim, claim_all, company, daily, finish, held, kill, new_run, only_page, page, record,
    scene, seconds, store, submit, window_of,
};
use ledgerfleet_ledger::syncing::KEPT_SCHEDULED;
use ledgerfleet_ledger::{
    Claims, Comparing, Connections, Dispatching, LedgerError, NextStep, NotSeen, Pages, Purge, ReplayRequest,
    Replays, RescueScope, Runs, Seen, Steer, Syncing,
};
use ledgerfleet_model::{
    FailureKind, Lane, QuarantineReason, Quarantined, RunState, SegmentId, SegmentState, Timings, WorkerName,
};
use ledgerfleet_testkit::wait::PATIENCE;
use sqlx::{Postgres, Transaction};

use super::world::{PostgresWorld, waiting, world};

/// Locks a segment as the commit of a page does.
async fn lock_segment(world: &PostgresWorld, id: SegmentId) -> Transaction<'static, Postgres> {
    lock(
        world,
        "SELECT FROM fleet.segments WHERE id = $1 FOR NO KEY UPDATE",
        id.0,
    )
    .await
}

async fn lock(
    world: &PostgresWorld,
    statement: &'static str,
    id: sqlx::types::Uuid,
) -> Transaction<'static, Postgres> {
    let mut other = world.sql.begin().await.unwrap();
    sqlx::query(statement)
        .bind(id)
        .execute(&mut *other)
        .await
        .unwrap();
    other
}

#[tokio::test]
async fn a_heartbeat_does_not_wait_for_the_commit_of_a_page_nor_takes_its_segment_for_lost() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    let claims = claim_all(&world, &scene.segments).await;
    world.pass_time(seconds(15)).await;
    let commit = lock_segment(&world, scene.segments[0]).await;
    let both = [held(&claims[0]), held(&claims[1])];
    assert!(world.ledger.heartbeat(&both, LEASE).await.unwrap().is_empty());
    commit.rollback().await.unwrap();

    world.pass_time(seconds(6)).await;
    let rescued = world
        .ledger
        .rescue(RescueScope::Expired, &Timings::default())
        .await
        .unwrap();
    assert_eq!(rescued.len(), 1, "the other was renewed");
    assert_eq!(rescued[0].segment, scene.segments[0]);
}

#[tokio::test]
async fn what_is_being_stored_at_this_moment_is_neither_claimed_nor_rescued() {
    let world = world().await;
    let scene = scene(&world, 3).await;
    claim(&world, scene.segments[0]).await;
    world.pass_time(seconds(60)).await;
    let running = lock_segment(&world, scene.segments[0]).await;
    let pending = lock_segment(&world, scene.segments[1]).await;
    let rescued = world.ledger.rescue(RescueScope::All, &Timings::default()).await;
    assert!(rescued.unwrap().is_empty());
    let claimed = claim_all(&world, &scene.segments).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].segment, scene.segments[2]);
    drop((running, pending));
}

#[tokio::test]
async fn a_rescue_waits_for_nobody_and_fences_whoever_comes_late() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let late = claim(&world, scene.segments[0]).await;
    world.pass_time(seconds(60)).await;
    world
        .ledger
        .rescue(RescueScope::Expired, &Timings::default())
        .await
        .unwrap();
    let records = [record("1", 1)];
    let commit = only_page(&late, &records);
    assert_eq!(
        world.ledger.commit_page(&commit).await.unwrap(),
        ledgerfleet_ledger::Committed::Fenced
    );
    assert_eq!(world.database.command("SELECT count(*) FROM raw.records"), "0");
}

#[tokio::test]
async fn nothing_of_a_run_is_claimed_while_somebody_steers_it() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    let lock_run = "UPDATE fleet.runs SET state = 'paused' WHERE id = $1";
    let pausing = lock(&world, lock_run, scene.run.0).await;
    assert!(claim_all(&world, &scene.segments).await.is_empty());
    pausing.commit().await.unwrap();
    assert!(claim_all(&world, &scene.segments).await.is_empty());
}

#[tokio::test]
async fn a_pause_calls_back_also_what_is_being_claimed_at_this_moment() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    // A claim that has not ended yet: its locks and its writes.
    let lock_run = "SELECT FROM fleet.runs WHERE id = $1 FOR SHARE";
    let mut claiming = lock(&world, lock_run, scene.run.0).await;
    let take =
        "UPDATE fleet.segments SET state = 'running', epoch = epoch + 1, worker = 'w', claimed_at = now(),
                    lease_until = now() WHERE id = $1";
    sqlx::query(take)
        .bind(scene.segments[0].0)
        .execute(&mut *claiming)
        .await
        .unwrap();
    let ledger = world.again().await;
    let pause = tokio::spawn(async move { ledger.steer_run(scene.run, Steer::Pause).await });
    waiting(&world, 1).await;
    claiming.commit().await.unwrap();
    assert_eq!(pause.await.unwrap().unwrap(), Some(RunState::Paused));
    let standing = world.standing(scene.segments[0]).await;
    assert_eq!((standing.state, standing.epoch.0), (SegmentState::Pending, 2));
}

#[tokio::test]
async fn a_run_is_not_closed_while_one_of_its_dead_letters_is_replayed() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    kill(&world, scene.segments[0], FailureKind::BadRequest).await;
    let lock_run = "SELECT FROM fleet.runs WHERE id = $1 FOR NO KEY UPDATE";
    let replaying = lock(&world, lock_run, scene.run.0).await;
    assert!(world.ledger.close_runs().await.unwrap().is_empty());
    replaying.rollback().await.unwrap();
    assert_eq!(world.ledger.close_runs().await.unwrap()[0].state, RunState::Dead);
}

#[tokio::test]
async fn a_replay_that_waited_for_a_run_to_close_reopens_it() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    kill(&world, scene.segments[0], FailureKind::BadRequest).await;
    let close = "UPDATE fleet.runs SET state = 'dead', closed_at = now() WHERE id = $1";
    let closing = lock(&world, close, scene.run.0).await;
    let ledger = world.again().await;
    let replay = tokio::spawn(async move { ledger.replay(&ReplayRequest::default()).await });
    waiting(&world, 1).await;
    closing.commit().await.unwrap();
    assert_eq!(replay.await.unwrap().unwrap().runs, 1);
    let report = world.ledger.run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.state, report.pending), (RunState::Active, 1));
}

#[tokio::test]
async fn of_two_replays_at_once_each_dead_letter_is_revived_by_one() {
    let world = world().await;
    let scene = scene(&world, 8).await;
    for segment in &scene.segments {
        kill(&world, *segment, FailureKind::BadRequest).await;
    }
    let other = world.again().await;
    let request = ReplayRequest::default();
    let (one, two) = tokio::join!(world.ledger.replay(&request), other.replay(&request));
    assert_eq!(one.unwrap().segments + two.unwrap().segments, 8);
}

#[tokio::test]
async fn a_company_that_is_removed_during_a_submit_has_nothing_left_to_do() {
    let world = world().await;
    let scene = scene(&world, 0).await;
    let remove = "UPDATE fleet.connections SET state = 'removed' WHERE id = $1";
    let removing = lock(&world, remove, scene.connection.0).await;
    let ledger = world.again().await;
    let submit = tokio::spawn(async move {
        let run = new_run(Lane::Manual, "in between");
        ledger
            .submit(&run, &mut daily(scene.connection, 3).into_iter())
            .await
    });
    waiting(&world, 1).await;
    removing.commit().await.unwrap();
    let refused = submit.await.unwrap();
    assert!(matches!(refused, Err(LedgerError::NoSuchConnection(id)) if id == scene.connection));
    assert_eq!(world.database.command("SELECT count(*) FROM fleet.segments"), "0");
}

#[tokio::test]
async fn a_removal_waits_for_a_page_and_deletes_what_it_stored() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    finish(&world, scene.segments[0], &[record("1", 1)]).await;
    let claimed = claim(&world, scene.segments[1]).await;
    let commit = lock_segment(&world, scene.segments[1]).await;
    let ledger = world.again().await;
    let removal = tokio::spawn(async move {
        ledger
            .remove_connection(scene.connection, Purge::DeleteRecords)
            .await
    });
    waiting(&world, 1).await;
    commit.rollback().await.unwrap();
    assert_eq!(removal.await.unwrap().unwrap(), 1);
    let records = [record("2", 1)];
    let late = page(&claimed, 1, &records, NextStep::Page);
    assert_eq!(
        world.ledger.commit_page(&late).await.unwrap(),
        ledgerfleet_ledger::Committed::Fenced
    );
    assert_eq!(world.database.command("SELECT count(*) FROM raw.records"), "0");
}

#[tokio::test]
async fn pages_that_share_records_end_alike_whoever_is_first() {
    let world = world().await;
    let scene = scene(&world, 8).await;
    let claims = claim_all(&world, &scene.segments).await;
    let versions: Vec<Vec<_>> = (0..8)
        .map(|version| (0..200).map(|id| record(&format!("{id}"), version)).collect())
        .collect();
    let pages = claims
        .iter()
        .zip(&versions)
        .map(|(claim, records)| async { store(&world, &only_page(claim, records)).await });
    for effects in futures::future::join_all(pages).await {
        assert_eq!(effects.new + effects.changed + effects.same, 200);
    }
    assert_eq!(world.database.command("SELECT count(*) FROM raw.records"), "200");
    let newest = "SELECT DISTINCT source_version FROM raw.qbo_invoice";
    assert_eq!(world.database.command(newest), "7");
}

#[tokio::test]
async fn many_workers_claim_and_finish_everything_exactly_once() {
    let world = world().await;
    let scene = scene(&world, 60).await;
    let other = world.again().await;
    let work = |number: usize| {
        let (world, other, segments) = (&world, &other, &scene.segments);
        async move {
            let ledger = if number.is_multiple_of(2) {
                &world.ledger
            } else {
                other
            };
            let worker = WorkerName(format!("north-{number}"));
            let mut done = 0;
            for few in segments.chunks(5) {
                for claim in ledger.claim(few, &worker, LEASE).await.unwrap() {
                    let records = [record("1", 1)];
                    let committed = ledger.commit_page(&only_page(&claim, &records)).await.unwrap();
                    assert!(matches!(committed, ledgerfleet_ledger::Committed::Stored(_)));
                    done += 1;
                }
            }
            done
        }
    };
    let done: usize = futures::future::join_all((0..8).map(work))
        .await
        .into_iter()
        .sum();
    assert_eq!(done, 60);
    let report = world.ledger.run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.done, report.calls), (60, 60));
    assert_eq!(world.database.command("SELECT calls FROM fleet.api_calls"), "60");
}

#[tokio::test]
async fn while_a_table_of_records_is_locked_its_pages_leave_sessions_to_other_tables_and_to_heartbeats() {
    let world = world().await;
    let scene = scene(&world, 7).await;
    let mut claims = claim_all(&world, &scene.segments).await;
    let other = claims.pop().unwrap();
    let mut lock = world.sql.begin().await.unwrap();
    sqlx::query("LOCK TABLE raw.qbo_invoice")
        .execute(&mut *lock)
        .await
        .unwrap();
    let commits: Vec<_> = claims
        .iter()
        .cloned()
        .map(|claim| {
            let ledger = world.ledger.clone();
            tokio::spawn(async move {
                let records = [record("7", 1)];
                ledger.commit_page(&only_page(&claim, &records)).await
            })
        })
        .collect();
    waiting(&world, 2).await;
    let beaten = world.ledger.heartbeat(&[held(&other)], LEASE).await.unwrap();
    assert!(beaten.is_empty());
    let records = [record("9", 1)];
    let mut customers = only_page(&other, &records);
    customers.batches[0].table = "qbo_customer";
    store(&world, &customers).await;
    let ended = commits.iter().filter(|commit| commit.is_finished()).count();
    assert_eq!(ended, 0, "others have waited for the lock, too");
    lock.rollback().await.unwrap();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_is_asked_of_a_table_of_records_does_not_wait_for_a_lock_on_another() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    let mut lock = world.sql.begin().await.unwrap();
    sqlx::query("LOCK TABLE raw.qbo_customer")
        .execute(&mut *lock)
        .await
        .unwrap();
    // The server may choose a plan that serves every table, once a statement was run some times. Here it has to.
    let generic = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan',
                                              current_database()); END $$";
    sqlx::raw_sql(generic).execute(&world.sql).await.unwrap();
    let ledger = world.again().await;
    let since = claim.claimed_at;
    for seen in [
        Seen::Ids(&["1"]),
        Seen::Pass {
            segment: claim.segment,
            pass: 1,
        },
    ] {
        let query = NotSeen {
            connection: claim.connection,
            table: TABLE,
            entity: &claim.entity,
            window: window_of(&claim),
            seen,
            since,
        };
        ledger.not_seen(&query, None, 10).await.unwrap();
    }
    let unstorable = [Quarantined::new("5".to_owned(), QuarantineReason::TooLong, "{")];
    let mut page = page(&claim, 1, &[], NextStep::Beside);
    page.batches[0].quarantined = &unstorable;
    ledger.commit_page(&page).await.unwrap();
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_sync_that_is_taken_up_again_at_this_moment_is_not_forgotten() {
    let world = world().await;
    let ash = company(&world, "Ash").await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (run, segment) = (
            new_run(Lane::Live, &format!("sync/{ash}")),
            daily(ash, 1).remove(0),
        );
        submit(&world, &run, vec![segment]).await;
        world.ledger.steer_run(run.id, Steer::Cancel).await.unwrap();
        world.ledger.close_runs().await.unwrap();
        runs.push(run.id);
    }
    world.pass_time(KEPT_SCHEDULED + Duration::from_mins(1)).await;
    let mut replay = lock(
        &world,
        "SELECT FROM fleet.runs WHERE id = $1 FOR NO KEY UPDATE",
        runs[0].0,
    )
    .await;
    let pruned = tokio::time::timeout(PATIENCE, world.ledger.prune_syncs(1, 10)).await;
    assert_eq!(pruned.expect("nobody is waited for").unwrap(), 0);
    sqlx::query("UPDATE fleet.runs SET state = 'active', closed_at = NULL WHERE id = $1")
        .bind(runs[0].0)
        .execute(&mut *replay)
        .await
        .unwrap();
    replay.commit().await.unwrap();
    assert_eq!(
        world.ledger.prune_syncs(1, 10).await.unwrap(),
        0,
        "it is not over"
    );
    assert!(world.ledger.run(runs[0]).await.unwrap().is_some());
}
