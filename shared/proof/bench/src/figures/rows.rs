//! Rows: invoices from the emulator into a database, beside the least that could bring them there.

mod dlt;
mod ground;
mod postgres;
mod sqlite;

use futures::FutureExt;

use ground::Amount;

use crate::figure::nothing;
use crate::{Bench, Case, Figure, Times};

pub(super) const FIGURE: Figure = Figure {
    name: "rows",
    title: "Ten thousand invoices",
    about: "Some ten thousand invoices of one company of the emulator, a segment a day (about a hundred invoices each), no limits \
            of gate and emulator, one worker with 64 segments at once that has carried some days of a small company before. Time \
            is the ledger's, from the submission to the commit of the last segment; processor time (which the kernel counts in \
            hundredths of a second) and memory are those of the whole worker process, its start and those days included. COPY is \
            `COPY … FROM STDIN` of the very same rows, as text, into an empty table of the same shape with the same indexes, on \
            the same server; before each of the two there is a checkpoint. On SQLite `scheduler backfill` does everything, from its start \
            and without a warm-up, beside `INSERT … SELECT` of the same rows into an empty file of the same shape. `dlt` is the Python extractor in `deploy/bench-dlt`: one \
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

/// Rows of the figure `scale`, in pages of a thousand.
pub(super) fn a_hundred_thousand(bench: &Bench) -> Amount {
    let full = Amount {
        size: "large",
        days: 10,
    };
    bench.of(full, a_few())
}

/// The million of the figure `scale`.
pub(super) fn a_million(bench: &Bench) -> Amount {
    let full = Amount {
        size: "large",
        days: 138,
    };
    bench.of(full, a_few())
}

pub(super) use ground::invoices;
pub(super) use postgres::measure as into_postgres;
pub(super) use sqlite::measure as into_sqlite;
