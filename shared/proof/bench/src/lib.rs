#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "a figure that cannot be taken fails; no number here is so large that a float does not hold it, and what is \
              compared are counts"
)]

mod bench;
mod figure;
mod figures;
mod http;
mod machine;
mod page;
mod programs;
mod report;
mod results;
mod statistics;
mod usage;
mod values;
mod world;

pub use bench::{Bench, Size};
pub use figure::{Case, Figure, Times};
pub use figures::{FIGURES, find_figure};
pub use machine::Machine;
pub use page::{check_page, write_report};
pub use programs::Programs;
pub use results::{Line, Results};
pub use values::{Reach, Value, Values};
