//! Rows: invoices from the emulator into a database, beside the least that could bring them there.

mod dlt;
mod postgres;
mod sqlite;

use std::time::Duration;

use futures::FutureExt;

use crate::figure::nothing;
use crate::world::{Books, Ground, Limits};
use crate::{Bench, Case, Figure, Times};

pub(super) const FIGURE: Figure = Figure {
    name: "rows",
    title: "Ten thousand invoices",
    about: "Some ten thousand invoices of one company of the emulator, a segment a day (about a hundred invoices each), no limits \
            of gate and emulator, one worker with 64 segments at once that has carried some days of a small company before. Time is the ledger's, from the submission to the end of the \
            last segment; processor time and memory are those of the whole worker process, its start included. COPY is \
            `COPY … FROM STDIN` of the very same rows, as text, into an empty table of the same shape with the same indexes, on \
            the same server. On SQLite `scheduler backfill` does everything, from its start and without a warm-up, beside `INSERT … SELECT` of \
            the same rows into an empty file of the same shape. `dlt` is the Python extractor in `deploy/bench-dlt`: one \
            company, pages of 1,000, raw JSON in one table, no checks; its time is that of the pipeline without Python's \
            start and imports, its processor time and memory those of the whole process as for ours.",
    cases: &[
        Case {
            name: "postgres",
            times: Times::Repeated,
            measure: |bench| postgres::measure(bench, ten_thousand(bench)).boxed_local(),
        },
        Case {
            name: "sqlite",
            times: Times::Repeated,
            measure: |bench| sqlite::measure(bench, ten_thousand(bench)).boxed_local(),
        },
    ],
    side_by_side: 1,
    derive: nothing,
};

/// How many invoices, and of what kind of company.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    size: &'static str,
    days: u32,
}

fn ten_thousand(bench: &Bench) -> Amount {
    let full = Amount {
        size: "medium",
        days: 102,
    };
    bench.of(full, a_few())
}

/// For a look at whether this works.
fn a_few() -> Amount {
    Amount {
        size: "small",
        days: 10,
    }
}

/// The million of the figure `scale`.
pub(super) fn a_million(bench: &Bench) -> Amount {
    let full = Amount {
        size: "large",
        days: 138,
    };
    bench.of(full, a_few())
}

pub(super) use postgres::measure as into_postgres;
pub(super) use sqlite::measure as into_sqlite;

/// One company of that size, and a small one.
pub(super) fn invoices(size: &str, days: u32) -> Books {
    Books {
        companies: vec![format!("north={size}"), "south=small".to_owned()],
        days,
        rate: "off",
        latency: Duration::ZERO,
    }
}

fn ground(amount: Amount) -> Ground {
    Ground {
        books: invoices(amount.size, amount.days),
        limits: Limits::Off { slots: 64 },
    }
}
