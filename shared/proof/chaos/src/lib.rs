#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a row that cannot be set up, or a promise that is broken, fails"
)]

mod audit;
pub mod grants;
mod oracle;
mod programs;
pub mod report;
mod rows;
mod run;
mod soak;
mod stage;
mod verdict;
mod world;

use ledgerfleet_testkit::{process, wait};

pub use ledgerfleet_testkit::process::{Process, Signal};
pub use oracle::Expect;
pub use programs::Programs;
pub use rows::{Play, Playing, ROWS, Row, find_row};
pub use run::{run, run_grants, run_soak};
pub use stage::Stage;
pub use verdict::{Ending, Facts, Skip, Verdict};
pub use world::{Asked, Fleet, Ground, Hire, Memory, Wish, Worker, World};
