//! Every fault at every place of a window: its first page, a later page, its count. The window recovers, and its tables
//! equal the truth; a fault is never read as "no rows".

use ledgerfleet_emulator::{CutLength, DropMoment, FaultKind, FaultSpec, Surface, ThrottleBody};
use ledgerfleet_model::RunState;

use crate::world::World;

fn faults() -> Vec<FaultKind> {
    let throttle = |status, body| FaultKind::Throttle {
        status: Some(status),
        body: Some(body),
        retry_after: Some(1),
    };
    let fault = |status, code| FaultKind::Fault { status, code };
    let cut = |length| FaultKind::Truncate {
        keep_percent: 60,
        length,
    };
    vec![
        throttle(429, ThrottleBody::Json),
        throttle(403, ThrottleBody::Xml),
        fault(500, 10_000),
        fault(200, 10_000),
        fault(401, 130),
        FaultKind::Html { status: 200 },
        FaultKind::Html { status: 502 },
        FaultKind::Empty { status: 200 },
        FaultKind::Empty { status: 503 },
        cut(CutLength::Cut),
        cut(CutLength::Full),
        FaultKind::BadGzip {},
        FaultKind::Drop {
            moment: DropMoment::Before,
        },
        FaultKind::Drop {
            moment: DropMoment::After,
        },
        FaultKind::Expired {},
    ]
}

/// Copies all customers, some five pages and a count, while `fault` strikes once.
async fn copy_despite(fault: FaultSpec) {
    let world = World::new().await;
    world.emulator.set_fault(fault.clone());
    let run = world.submit(&["customer"], 1, 30).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{fault:?}");
    assert_eq!(
        report.rows,
        world.truth("acme", "customer", 1).len() as u64,
        "{fault:?}"
    );
    world.assert_truth(&["customer"], 1).await;
}

async fn at_request(nth: u64) {
    for fault in faults() {
        copy_despite(FaultSpec {
            nth: Some(nth),
            ..FaultSpec::always(fault)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_first_page() {
    at_request(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_later_page() {
    at_request(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_count() {
    // After the pages: a hundred and twenty customers and an empty page.
    let world = World::new().await;
    let run = world.submit(&["customer"], 1, 30).await;
    world.run_to_the_end(run).await;
    let requests = world.emulator.summary().requests;
    at_request(requests).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_way_to_an_access_token() {
    for fault in [
        FaultKind::Fault {
            status: 500,
            code: 10_000,
        },
        FaultKind::Html { status: 503 },
        FaultKind::Empty { status: 502 },
        FaultKind::Drop {
            moment: DropMoment::Before,
        },
    ] {
        copy_despite(FaultSpec {
            on: Some(Surface::Token),
            nth: Some(1),
            ..FaultSpec::always(fault)
        })
        .await;
    }
}
