//! Quota: how much of what the upstream allows a fleet uses.

use std::time::Duration;

use futures::FutureExt;
use ledgerfleet_testkit::wait::until;
use tokio::time::{Instant, sleep};

use crate::figure::nothing;
use crate::world::{Books, Ground, Limits, World, empty_days};
use crate::{Bench, Case, Figure, Reach, Times, Values};

/// What the upstream admits, in requests per second, and at once.
const ALLOWED: f64 = 500.0 / 60.0;
const AT_ONCE: f64 = 10.0;

macro_rules! case {
    ($millis:literal, $workers:literal) => {
        Case {
            name: concat!("answers after ", $millis, " ms, worker processes: ", $workers),
            times: Times::Once,
            measure: |bench| measure(bench, Duration::from_millis($millis), $workers).boxed_local(),
        }
    };
}

pub(super) const FIGURE: Figure = Figure {
    name: "quota",
    title: "Use of the quota",
    about: "One company with more work than time, an emulator that enforces QuickBooks' own limits (500 requests in any 60 s, 10 \
            in any second, 10 in flight) and takes so long for every answer, that many worker processes of 16 segments each, the \
            connector's own gate (8 a second, 9 slots). Counted are three minutes, after ten seconds of running in, by the \
            emulator; the peaks are those of its sliding windows since the start. What is allowed is the smaller of 500 in 60 s \
            and 10 at once: with 1,500 ms that is 6.67 a second. Up to three cases are measured at the same time, each with \
            servers of its own: they leave the machine idle.",
    cases: &[
        case!(50, 1),
        case!(50, 4),
        case!(50, 16),
        case!(300, 1),
        case!(300, 4),
        case!(300, 16),
        case!(1500, 1),
        case!(1500, 4),
        case!(1500, 16),
    ],
    side_by_side: 3,
    derive: nothing,
};

/// What the emulator has seen of the company.
struct Seen {
    at: Instant,
    admitted: f64,
}

async fn measure(bench: &Bench, latency: Duration, workers: usize) -> Values {
    let books = Books {
        companies: vec!["north=small".to_owned()],
        days: 1,
        rate: "enforce",
        latency,
    };
    let mut world = World::new(
        bench,
        &Ground {
            books,
            limits: Limits::Own,
        },
    )
    .await;
    let (running_in, length) = bench.of((10, 180), (0, 1));
    world.submit(empty_days(&world.ids(), bench.of(4_000, 100))).await;
    for _ in 0..workers {
        world.hire(16);
    }
    until("the fleet is at work", Duration::from_mins(2), async || {
        seen(&world).await.admitted >= 1.0
    })
    .await;
    sleep(Duration::from_secs(running_in)).await;
    let first = seen(&world).await;
    sleep(Duration::from_secs(length)).await;
    let last = seen(&world).await;
    told(&world, latency, &first, &last).await
}

async fn seen(world: &World) -> Seen {
    let at = Instant::now();
    let summary = world.upstream.summary().await;
    let count = |name: &str| summary[name].as_f64().unwrap();
    Seen {
        at,
        admitted: count("requests") - count("throttled"),
    }
}

async fn told(world: &World, latency: Duration, first: &Seen, last: &Seen) -> Values {
    let seconds = (last.at - first.at).as_secs_f64();
    let rate = (last.admitted - first.admitted) / seconds;
    let allowed = ALLOWED.min(AT_ONCE / latency.as_secs_f64());
    let summary = world.upstream.summary().await;
    let count = |name: &str| summary[name].as_f64().unwrap();
    let mut values = Values::default();
    values.put("requests a second", rate, "");
    if latency == Duration::from_millis(300) {
        values.judge(
            "share of what is allowed",
            rate / allowed,
            "",
            Reach::AtLeast(0.93),
        );
    } else {
        values.put("share of what is allowed", rate / allowed, "");
    }
    values.judge("throttled (429)", count("throttled"), "", Reach::AtMost(0.0));
    values.judge("most in any second", count("peak_1s"), "", Reach::AtMost(10.0));
    values.judge("most in any minute", count("peak_60s"), "", Reach::AtMost(500.0));
    values.judge("most in flight", count("peak_in_flight"), "", Reach::AtMost(10.0));
    values
}
