//! Idle: how soon a segment begins when a worker only waits for it.

use std::time::Duration;

use tokio::time::sleep;

use crate::figures::rows::invoices;
use crate::statistics::quantile;
use crate::world::{Ground, Limits, World, empty_days};
use crate::{Bench, Reach, Values};

pub(super) async fn measure(bench: &Bench) -> Values {
    let ground = Ground {
        books: invoices("small", 1),
        limits: Limits::Off { slots: 16 },
    };
    let mut world = World::new(bench, &ground).await;
    let number = world.hire(16);
    world.until_ready(number).await;
    let mut waited = Vec::new();
    // The first one exchanges the token, and what is prepared at first use is not idle.
    for sample in 0..bench.of(401, 4) {
        let run = world.submit(empty_days(&world.ids(), 1)).await;
        world.until_done(run).await;
        if sample > 0 {
            waited.push(world.waited(run).await * 1e3);
        }
        // Not in step with any clock of the leader's.
        sleep(Duration::from_millis(20 + sample * 7 % 90)).await;
    }
    let mut values = Values::default();
    values.judge(
        "to the claim, half of them within",
        quantile(&waited, 0.5),
        "ms",
        Reach::AtMost(5.0),
    );
    values.judge(
        "to the claim, 99 of 100 within",
        quantile(&waited, 0.99),
        "ms",
        Reach::AtMost(50.0),
    );
    values.put("to the claim, at most", quantile(&waited, 1.0), "ms");
    values
}
