//! Calls: what reading costs in metered calls, by how days are cut, beside the least that it can cost.

use std::time::Duration;

use futures::FutureExt;
use ledgerfleet_model::Segmenting;

use crate::figure::nothing;
use crate::world::{Books, Ground, Limits, World};
use crate::{Bench, Case, Figure, Reach, Times, Values};

/// Documents of ten kinds.
const ENTITIES: [&str; 10] = [
    "invoice",
    "payment",
    "bill",
    "bill_payment",
    "purchase",
    "deposit",
    "estimate",
    "sales_receipt",
    "credit_memo",
    "journal_entry",
];

macro_rules! case {
    ($size:literal, $days:literal, $cut:ident, $reach:expr) => {
        Case {
            name: concat!($size, ", ", $days, " days, ", stringify!($cut)),
            times: Times::Once,
            measure: |bench| measure(bench, $size, $days, Segmenting::$cut, $reach).boxed_local(),
        }
    };
}

pub(super) const FIGURE: Figure = Figure {
    name: "calls",
    title: "Calls by how days are cut",
    about: "Ten entities of documents of one company, read once by one worker without limits, cut by day, by month, not at all, \
            and as the days turn out to be filled (auto). Small is 10 invoices a day, medium 100, large 10,000. Calls are what the \
            emulator has metered; the least that is possible is, for each entity, a call for each 1,000 rows and one more. Books \
            hold still.",
    cases: &[
        case!("small", 1826, Day, None),
        case!("small", 1826, Month, None),
        case!("small", 1826, Whole, None),
        case!("small", 1826, Auto, Some(1.2)),
        case!("medium", 365, Day, None),
        case!("medium", 365, Month, None),
        case!("medium", 365, Whole, None),
        case!("medium", 365, Auto, None),
        case!("large", 10, Day, None),
        case!("large", 10, Month, None),
        case!("large", 10, Whole, None),
        case!("large", 10, Auto, Some(1.01)),
    ],
    side_by_side: 1,
    derive: nothing,
};

async fn measure(bench: &Bench, size: &str, days: u32, cut: Segmenting, most: Option<f64>) -> Values {
    let (size, days) = bench.of((size, days), ("small", 3));
    let books = Books {
        companies: vec![format!("north={size}")],
        days,
        rate: "off",
        latency: Duration::ZERO,
    };
    let limits = Limits::Off { slots: 9 };
    let mut world = World::new(bench, &Ground { books, limits }).await;
    world.hire(16);
    let run = world.submit_cut(&ENTITIES, days, cut).await;
    let seconds = world.until_done(run).await;
    told(&world, seconds, most).await
}

async fn told(world: &World, seconds: f64, most: Option<f64>) -> Values {
    let summary = world.upstream.summary().await;
    let calls = summary["metered"].as_f64().unwrap();
    let least = world
        .number(
            "SELECT sum(ceil(rows / 1000.0) + 1)::float8
             FROM (SELECT entity, count(*) AS rows FROM raw.records GROUP BY entity) AS entities",
        )
        .await;
    let rows = world.number("SELECT count(*)::float8 FROM raw.records").await;
    let pages = world
        .number("SELECT max(pages)::float8 FROM fleet.segments")
        .await;
    let mut values = Values::default();
    values.put("rows", rows, "");
    values.put("calls", calls, "");
    values.put("the least possible", least, "");
    match most {
        Some(most) => {
            values.judge(
                "calls, of the least possible",
                calls / least,
                "",
                Reach::AtMost(most),
            );
            values.judge("most pages of a window", pages, "", Reach::AtMost(20.0));
        }
        None => values.put("calls, of the least possible", calls / least, ""),
    }
    values.put("minutes", seconds / 60.0, "");
    values
}
