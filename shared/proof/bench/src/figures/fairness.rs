//! Fairness: what a small request waits beside a huge one of somebody else.

use std::time::Duration;

use futures::FutureExt;
use ledgerfleet_testkit::wait::until;

use crate::figure::nothing;
use crate::world::{Books, Ground, Limits, World, empty_days};
use crate::{Bench, Case, Figure, Times, Values};

pub(super) const FIGURE: Figure = Figure {
    name: "fairness",
    title: "Fairness",
    about: "One connection has 100,000 due segments and one worker of 16 segments at once works on them; another connection asks \
            for ten, in the same lane. How long the ten take from their submission to the end of the last, beside how long ten \
            take while nobody else wants anything. With the limits of gate and emulator (answers after 50 ms), and without any.",
    cases: &[
        Case {
            name: "with QuickBooks' limits",
            times: Times::Repeated,
            measure: |bench| measure(bench, Limits::Own, "enforce", Duration::from_millis(50)).boxed_local(),
        },
        Case {
            name: "without limits",
            times: Times::Repeated,
            measure: |bench| measure(bench, Limits::Off { slots: 16 }, "off", Duration::ZERO).boxed_local(),
        },
    ],
    side_by_side: 1,
    derive: nothing,
};

async fn measure(bench: &Bench, limits: Limits, rate: &'static str, latency: Duration) -> Values {
    let books = Books {
        companies: vec!["huge=small".to_owned(), "tiny=small".to_owned()],
        days: 1,
        rate,
        latency,
    };
    let mut world = World::new(bench, &Ground { books, limits }).await;
    let number = world.hire(16);
    world.until_ready(number).await;
    let [huge, tiny] = [vec![world.ids()[0]], vec![world.ids()[1]]];
    // The first request of all exchanges a token.
    warm_up(&world, &tiny).await;
    let alone = world.until_done(world.submit(empty_days(&tiny, 10)).await).await;
    let many = bench.of(100_000, 300);
    world.submit(empty_days(&huge, many)).await;
    until(
        "the huge request is at work",
        Duration::from_mins(2),
        async || {
            world
                .number("SELECT count(*)::float8 FROM fleet.segments WHERE state = 'done'")
                .await
                >= 50.0
        },
    )
    .await;
    let beside = world.until_done(world.submit(empty_days(&tiny, 10)).await).await;
    let mut values = Values::default();
    values.put("ten segments alone", alone * 1e3, "ms");
    values.put("ten segments beside 100,000", beside * 1e3, "ms");
    values.put("as a multiple", beside / alone, "");
    values
}

async fn warm_up(world: &World, connection: &[ledgerfleet_model::ConnectionId]) {
    let run = world.submit(empty_days(connection, 1)).await;
    world.until_done(run).await;
}
