//! Scale: whether a segment, and a row, costs the same among a million as among ten thousand.

mod dead_letters;
mod segments;

use futures::FutureExt;

use super::rows::{a_hundred_thousand, a_million, into_postgres, into_sqlite};
use crate::{Case, Figure, Line, Reach, Times, Values};

pub(super) const FIGURE: Figure = Figure {
    name: "scale",
    title: "Scale",
    about: "Segments: 200 connections, days without invoices, no limits of gate and emulator, two workers of 32 segments at once that \
            have carried some of every connection before; saved by the command `scheduler backfill`, and carried by the workers' \
            own way, gate and lock included. A dispatch is the leader's reading of what is due and its writing of the ready sets. The preview of the dead letters is that of the same segments, all \
            made dead. Rows: as above, with a company that has ten thousand invoices a day, so that a day takes ten pages and is \
            counted at the source.",
    cases: &[
        Case {
            name: "10,000 segments",
            times: Times::Repeated,
            measure: |bench| segments::measure(bench, bench.of(10_000, 400)).boxed_local(),
        },
        Case {
            name: "100,000 segments",
            times: Times::Repeated,
            measure: |bench| segments::measure(bench, bench.of(100_000, 400)).boxed_local(),
        },
        Case {
            name: "1,000,000 segments",
            times: Times::Once,
            measure: |bench| segments::measure_million(bench).boxed_local(),
        },
        Case {
            name: "100,000 rows into Postgres",
            times: Times::Once,
            measure: |bench| into_postgres(bench, a_hundred_thousand(bench)).boxed_local(),
        },
        Case {
            name: "1,000,000 rows into Postgres",
            times: Times::Once,
            measure: |bench| into_postgres(bench, a_million(bench)).boxed_local(),
        },
        Case {
            name: "1,000,000 rows into SQLite",
            times: Times::Once,
            measure: |bench| into_sqlite(bench, a_million(bench)).boxed_local(),
        },
    ],
    side_by_side: 1,
    derive,
};

/// How the cost of a segment changes.
fn derive(lines: &[Line]) -> Values {
    let mut values = Values::default();
    let median = |case: &str, name: &str| {
        let measured: Vec<f64> = lines
            .iter()
            .filter(|line| line.case == case)
            .filter_map(|line| line.values.get(name))
            .collect();
        (!measured.is_empty()).then(|| crate::statistics::quantile(&measured, 0.5))
    };
    for name in segments::COSTS {
        let few = median("10,000 segments", name);
        for many in ["100,000 segments", "1,000,000 segments"] {
            if let (Some(few), Some(many_cost)) = (few, median(many, name)) {
                values.judge(
                    format!("{name}: {many} against 10,000"),
                    many_cost / few,
                    "",
                    Reach::AtMost(1.15),
                );
            }
        }
    }
    values
}
