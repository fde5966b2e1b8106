use ledgerfleet_emulator::{FaultKind, FaultSpec};
use ledgerfleet_ledger::{Batch, Committed, NextStep, PageCommit, RescueScope};
use ledgerfleet_model::{Record, RunState, WorkerName};

use crate::world::{Runner, World};

/// Every answer takes this long, so that a test can act while pages are in flight.
const SLOW: u64 = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_stop_finishes_its_pages_and_hands_the_rest_back_uncounted() {
    let world = World::new().await;
    world.trust_pages_of(&["invoice", "journal_entry"]).await;
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::Delay { millis: SLOW }));
    let run = world.submit(&["invoice", "journal_entry"], 20, 1_000).await;
    let runner = world.runner();
    world
        .until(run, |report| report.done > 0 && report.running > 0)
        .await;
    runner.stop().await;
    let report = world.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!((report.running, report.dead), (0, 0));
    assert!(report.done > 0 && report.pending > 0, "{report:?}");

    world.emulator.clear_faults();
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    assert_eq!(report.calls, report.pages, "no page was bought twice");
    world.assert_truth(&["invoice", "journal_entry"], 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_at_any_moment_leaves_nothing_running() {
    let world = World::new().await;
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::Delay { millis: 20 }));
    let run = world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    for moment in 0..25 {
        let runner = world.runner();
        tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
        runner.stop().await;
        let report = world.parts.ledger.run(run).await.unwrap().unwrap();
        assert_eq!(report.running, 0, "stopped after {moment} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vanished_worker_held_is_taken_back_and_copied_by_another() {
    let world = World::new().await;
    let run = world.submit(&["invoice"], 10, 1_000).await;
    let vanished = WorkerName::of_this_process("vanished");
    let due = world.parts.ledger.due(&limits()).await.unwrap();
    let ids: Vec<_> = due.iter().map(|ready| ready.segment).take(5).collect();
    let claims = world
        .parts
        .ledger
        .claim(&ids, &vanished, world.parts.timings.lease)
        .await
        .unwrap();
    assert_eq!(claims.len(), 5);

    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.done), (RunState::Done, 10));
    world.assert_truth(&["invoice"], 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_taken_over_writes_nothing_more() {
    let world = World::new().await;
    let run = world.submit(&["invoice"], 1, 1_000).await;
    let ledger = &world.parts.ledger;
    let due = ledger.due(&limits()).await.unwrap();
    let zombie = WorkerName::of_this_process("zombie");
    let claim = ledger
        .claim(&[due[0].segment], &zombie, world.parts.timings.lease)
        .await
        .unwrap()
        .remove(0);
    ledger
        .rescue(RescueScope::All, &world.parts.timings)
        .await
        .unwrap();

    let forged = Record {
        id: "1".into(),
        payload: "{}".into(),
        payload_hash: [7; 32],
        source_version: Some(99),
        source_created_at: None,
        source_updated_at: None,
        document_date: None,
        deleted: false,
        original: None,
    };
    let forged = [forged];
    let page = PageCommit {
        segment: claim.segment,
        epoch: claim.standing.epoch,
        connection: claim.connection,
        entity: "invoice",
        window: &claim.work.place(),
        pass: 1,
        page: 1,
        page_size: 1_000,
        request: "select",
        observed_at: claim.claimed_at,
        answered_at: None,
        batches: vec![Batch {
            entity: "invoice",
            table: "qbo_invoice",
            records: &forged,
            quarantined: &[],
        }],
        checkpoints: Vec::new(),
        follow_ups: Vec::new(),
        lease: world.parts.timings.lease,
        calls: 1,
        go_on: &ledgerfleet_model::Position::start(),
        next: NextStep::Done(ledgerfleet_ledger::FinishedWindow::default()),
    };
    assert_eq!(ledger.commit_page(&page).await.unwrap(), Committed::Fenced);
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_whose_segment_is_cancelled_stops_and_the_worker_goes_on() {
    let world = World::new().await;
    world.emulator.set_fault(FaultSpec {
        times: Some(8),
        ..FaultSpec::always(FaultKind::Delay { millis: 1_500 })
    });
    let cancelled = world.submit(&["invoice"], 8, 1_000).await;
    let runner = world.runner();
    world.until(cancelled, |report| report.running == 8).await;
    world
        .parts
        .ledger
        .steer_run(cancelled, ledgerfleet_ledger::Steer::Cancel)
        .await
        .unwrap();
    let next = world.submit(&["journal_entry"], 3, 1_000).await;
    let report = world.until(next, |report| report.state.is_over()).await;
    assert_eq!(report.state, RunState::Done);
    runner.stop().await;
    let report = world.parts.ledger.run(cancelled).await.unwrap().unwrap();
    assert_eq!(
        (report.state, report.rows, report.cancelled),
        (RunState::Cancelled, 0, 8)
    );
    assert!(world.stored(&world.connections[0], "invoice").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_the_work_and_buy_no_page_twice() {
    let world = World::new().await;
    world.trust_pages_of(&["invoice", "journal_entry"]).await;
    let run = world.submit(&["invoice", "journal_entry"], 30, 1_000).await;
    let workers = [Runner::start(&world.parts, 4), Runner::start(&world.parts, 4)];
    let report = world.until(run, |report| report.state.is_over()).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!((report.state, report.calls), (RunState::Done, report.segments));
    assert_eq!(world.emulator.summary().requests, report.segments);
    world.assert_truth(&["invoice", "journal_entry"], 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_runs_alone_and_its_third_crash_is_its_last() {
    let world = World::new().await;
    let run = world.submit(&["invoice"], 1, 1_000).await;
    let (ledger, timings) = (&world.parts.ledger, &world.parts.timings);
    let crashing = WorkerName::of_this_process("crashing");
    for crash in 0..2 {
        let due = ledger.due(&limits()).await.unwrap();
        let claims = ledger
            .claim(&[due[0].segment], &crashing, timings.lease)
            .await
            .unwrap();
        assert_eq!(claims[0].standing.crashes, crash);
        ledger.rescue(RescueScope::All, timings).await.unwrap();
    }
    // A third crash before it has begun alone does not count; then it begins, and ends well.
    let due = ledger.due(&limits()).await.unwrap();
    ledger
        .claim(&[due[0].segment], &crashing, timings.lease)
        .await
        .unwrap();
    ledger.rescue(RescueScope::All, timings).await.unwrap();
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_that_opens_the_ledger_finishes_what_the_first_began() {
    let world = World::new().await;
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::Delay { millis: SLOW }));
    let run = world.submit(&["invoice"], 20, 1_000).await;
    let first = world.runner();
    world.until(run, |report| report.done > 2).await;
    drop(first);
    let second = Runner::start(&world.another_process().await, 8);
    let report = world.until(run, |report| report.state.is_over()).await;
    second.stop().await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["invoice"], 20).await;
}

fn limits() -> ledgerfleet_ledger::DispatchLimits {
    ledgerfleet_ledger::DispatchLimits {
        slots: [("quickbooks".to_owned(), 9)].into(),
        total: 2_000,
    }
}
