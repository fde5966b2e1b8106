//! What a collector sees of a fleet: workers that are processes of their own, on Postgres and Redis.

use std::time::{Duration, Instant};

use ledgerfleet_model::RunState;
use ledgerfleet_testkit::{CollectedSpan, Collector};

use crate::fleet::Fleet;
use crate::world::options;

/// A request's trace and span, as another process has stored them.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

async fn fleet(collector: &Collector) -> Fleet {
    // By a name, as in most fleets.
    let endpoint = collector.endpoint().replace("127.0.0.1", "localhost");
    let variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let mut fleet = Fleet::with(options(), Some(100.0), variables).await;
    fleet.world.trace_context = Some(format!("00-{TRACE}-{SPAN}-01"));
    fleet
}

/// Tells a worker to stop; how long it took.
async fn stop(fleet: &mut Fleet) -> Duration {
    let began = Instant::now();
    fleet.signal(0, "-TERM");
    let mut worker = fleet.workers.remove(0);
    let ended = tokio::task::spawn_blocking(move || worker.wait().unwrap());
    assert_eq!(ended.await.unwrap().code(), Some(143));
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_links_its_attempts_to_the_request_that_the_ledger_holds() {
    let collector = Collector::start().await;
    let mut fleet = fleet(&collector).await;
    fleet.start_workers(2);
    let run = fleet.world.submit(&["invoice"], 30, 1_000).await;
    assert_eq!(fleet.end_of(run).await.state, RunState::Done);
    stop(&mut fleet).await;
    stop(&mut fleet).await;

    let spans = collector.spans();
    let attempts: Vec<&CollectedSpan> = spans.iter().filter(|span| span.name == "attempt").collect();
    assert_eq!(attempts.len(), 30);
    for attempt in &attempts {
        assert_eq!(attempt.links, [(TRACE.to_owned(), SPAN.to_owned())]);
        assert_eq!(attempt.attribute("ledgerfleet.run.id"), run.to_string());
        assert_eq!(attempt.process["service.name"], "ledgerfleet-worker");
        assert_eq!(attempt.process["service.version"], env!("CARGO_PKG_VERSION"));
        for step in ["lock", "gate", "request", "commit"] {
            let is_its =
                |span: &&CollectedSpan| span.name == step && span.parent.as_ref() == Some(&attempt.id);
            let found = spans.iter().find(is_its);
            assert_eq!(found.map(|span| &span.trace), Some(&attempt.trace), "{step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_stops_as_quickly_beside_a_collector_that_hangs() {
    let collector = Collector::start_hanging().await;
    let mut fleet = fleet(&collector).await;
    fleet.start_workers(1);
    let run = fleet.world.submit(&["invoice", "journal_entry"], 30, 1_000).await;
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    let took = stop(&mut fleet).await;
    assert!(took < Duration::from_secs(6), "{took:?}");
    fleet.world.assert_truth(&["invoice", "journal_entry"], 30).await;
}
