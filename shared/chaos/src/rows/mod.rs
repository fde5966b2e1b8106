//! Rows: every fault there is a row for, in one table.

mod kills;
mod postgres;
mod redis;
mod stops;

use std::pin::Pin;

use crate::{Ending, Stage};

/// A fault and what plays it.
#[derive(Debug)]
pub struct Row {
    /// Its number in the table of faults.
    pub number: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// Whether it is one of those that run at every change.
    pub quick: bool,
    /// How it is played.
    pub play: Play,
}

/// How a row is played.
#[derive(Debug, Clone, Copy)]
pub enum Play {
    /// By this.
    Now(fn(Stage) -> Playing),
    /// Not yet, and why.
    Pending(&'static str),
}

/// A row that is being played.
pub type Playing = Pin<Box<dyn Future<Output = Ending>>>;

/// The row of that number.
pub fn find_row(number: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.number.eq_ignore_ascii_case(number))
}

macro_rules! rows {
    ($($number:ident $speed:ident $fault:literal => $($play:tt)::+ $(($why:literal))?;)+) => {
        /// Every row.
        pub const ROWS: &[Row] = &[$(Row {
            number: stringify!($number),
            fault: $fault,
            quick: rows!(@quick $speed),
            play: rows!(@play $($play)::+ $(($why))?),
        }),+];
    };
    (@quick quick) => { true };
    (@quick slow) => { false };
    (@quick later) => { false };
    (@play pending($why:literal)) => { Play::Pending($why) };
    (@play $($play:tt)::+) => { Play::Now(|stage| Box::pin($($play)::+(stage))) };
}

rows! {
    F01 quick "worker kill -9 after dequeue, before claim" => kills::after_dequeue;
    F02 quick "worker kill -9 after claim, before the first request" => kills::after_claim;
    F03 quick "worker kill -9 after the answer, before the write" => kills::after_response;
    F04 quick "worker kill -9 inside the write transaction" => kills::in_transaction;
    F05 quick "worker kill -9 after COMMIT, before the attempt ends" => kills::after_commit;
    F06 slow "worker kill -9 after the attempt, before it is counted" => kills::before_metrics;
    F08 quick "a worker stands still longer than its lease, then goes on" => stops::zombie;
    F09 slow "a worker stands still with its transaction open" => stops::holding_a_row;
    F13 quick "FLUSHALL in the middle of a run" => redis::flushed;
    F19 quick "Postgres is killed in the middle of transactions" => postgres::killed;
    F59 quick "SIGTERM in the middle of a page, and a second one" => stops::told_to_stop;
}
