//! Rows: every fault there is a row for, in one table.

mod calls;
pub(crate) mod clocks;
mod drift;
mod embedded;
mod jobs;
mod kills;
mod links;
mod machine;
mod names;
mod network;
mod paging;
mod postgres;
mod redis;
mod secrets;
mod stops;
mod suspension;
mod texts;
mod tokens;
mod unserved;
mod upstream;
mod words;

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
    F07 quick "worker kill -9 after a token is granted, before it is stored" => tokens::after_grant;
    F08 quick "a worker stands still longer than its lease, then goes on" => stops::zombie;
    F08b quick "a worker goes on while another one is at its segment" => stops::beside_another;
    F09 slow "a worker stands still with its transaction open" => stops::holding_a_row;
    F10 slow "the machine of some workers is suspended" => suspension::of_workers;
    F10b slow "the machine is suspended, with Redis and Postgres on it" => suspension::of_everything;
    F11 slow "Redis is killed and returns with its journal" => redis::killed_with_journal;
    F12 quick "Redis is killed and returns empty" => redis::killed_without_memory;
    F13 quick "FLUSHALL in the middle of a run" => redis::flushed;
    F14 slow "the end of the journal of Redis is lost" => redis::tail_lost;
    F15 quick "Redis is set back to an earlier state" => redis::rewound;
    F16 slow "Redis stands still for 0.6, 2 and 30 s" => redis::stalled;
    F17 slow "Redis has no memory left" => redis::full;
    F18 slow "twenty thousand retries are due" => upstream::many_due;
    F19 quick "Postgres is killed in the middle of transactions" => postgres::killed;
    F20 quick "COMMIT arrives, its answer is lost" => postgres::answer_lost;
    F21 slow "Postgres can only be read" => postgres::read_only;
    F22 slow "the disk is full" => machine::disk_full;
    F23 quick "deadlocks and serialization failures" => postgres::in_the_way;
    F24 slow "few connections to Postgres, slow transactions (the worker's half)" => postgres::one_connection;
    F25 slow "a worker is cut off from Redis, not from Postgres" => network::without_redis;
    F26 slow "a worker is cut off from Postgres, not from Redis" => network::without_postgres;
    F27 slow "the fleet is cut off from the upstream" => network::without_upstream;
    F28 slow "everything is late" => network::late;
    F28b slow "Redis is farther away than a grant may be old" => network::far_redis;
    F28c slow "Redis moves farther away in the middle of a run" => network::moved_redis;
    F29 slow "the upstream's name does not exist" => names::unknown;
    F29b slow "the name server fails" => names::failing;
    F29c slow "the name server is silent" => names::silent;
    F29d slow "the name server is late" => names::late;
    F29e slow "the upstream's name leads to another address" => names::moved;
    F30 slow "429 with Retry-After" => upstream::throttled;
    F31 quick "429 without Retry-After, in XML" => upstream::throttled_in_xml;
    F32 slow "bursts of 500, 502, 503 and 504" => upstream::failures;
    F33 slow "an answer stops after its head" => upstream::hung;
    F34 slow "an answer comes byte by byte" => upstream::dripping;
    F35 quick "an answer is cut off, or no gzip" => upstream::cut_off;
    F36 quick "a page of HTML with status 200" => upstream::html;
    F37 quick "a Fault with status 200" => upstream::fault_under_success;
    F38 slow "an answer without end" => upstream::endless;
    F39 quick "records appear between pages" => paging::appearing;
    F39b quick "records vanish between pages" => paging::vanishing;
    F39c slow "ten thousand invoices change and vanish while they are read" => drift::ten_thousand;
    F40 quick "rows of the page before come again" => paging::repeated_rows;
    F41 quick "short and empty pages in the middle" => paging::short_pages;
    F42 quick "records change while they are read" => paging::changing;
    F43 quick "the owner ends the consent" => tokens::disconnected;
    F44 quick "four processes refresh at once" => tokens::raced;
    F45 quick "the answer to a refresh is lost after the token has rotated" => tokens::answer_lost;
    F46 quick "a token is granted while Postgres is away" => tokens::ledger_away;
    F47 quick "access tokens die before their time" => tokens::revoked_early;
    F48 slow "the clock of one worker is ten minutes ahead" => clocks::ahead;
    F48b slow "the clock of one worker is ten minutes behind" => clocks::behind;
    F49 slow "the clock of a worker is set back an hour and forward a day" => clocks::set;
    F49b slow "all clocks of a worker jump an hour forward" => clocks::all_forward;
    F50 quick "days of 23 and 25 hours, zones far from UTC" => machine::time_zones;
    F51 quick "texts that the database cannot hold" => texts::unstorable;
    F51b slow "bytes that are no text" => texts::damaged;
    F52 slow "numbers that no float holds" => texts::numbers;
    F53 slow "records of ten megabytes, a thousand lines, or very deep" => texts::large;
    F54 slow "a segment kills whoever touches it" => jobs::poison;
    F55 quick "fields appear, vanish and change (without typed columns and drift events)" => texts::drifting;
    F56 quick "segments of a newer version" => jobs::newer_format;
    F57 quick "eight ask for the same at the same moment" => jobs::asked_twice;
    F58 quick "the leader stands still and comes back" => jobs::two_leaders;
    F59 quick "SIGTERM in the middle of a page, and a second one" => stops::told_to_stop;
    F60 slow "the system kills a worker for its memory" => machine::out_of_memory;
    F61 later "a storm of webhooks" => pending("a storm of webhooks is a test of the scheduler, and no row yet");
    F62 quick "the month's calls are used up" => calls::used_up;
    F63 quick "one process on a SQLite file: killed, and asked twice" => embedded::killed;
    F64 slow "another Redis is the master, and old connections live on" => links::redis_fails_over;
    F65 slow "flows to Redis and Postgres end without a word" => links::flows_vanish;
    F66 later "a standby of Postgres is promoted, and old sessions live on" => pending("the ledger's tests play it with a real standby; a world has one server");
    F67 slow "the leader alone is cut off from Redis" => links::leader_without_redis;
    F67b slow "the leader alone has an old password for Redis" => links::leader_with_old_password;
    F68 slow "statements of a page fail every time" => postgres::failing_statements;
    F69 slow "the rights on the records are taken away" => postgres::without_rights;
    F70 quick "every table is published" => postgres::published;
    F71 slow "the database stands still for 30 s while a command waits" => links::ledger_away_while_waiting;
    F72 slow "the upstream is away for ten minutes" => upstream::away;
    F73 slow "the upstream stops to order" => words::order;
    F73b slow "the upstream stops to count" => words::count;
    F73c slow "the upstream stops to look for several ids" => words::several_ids;
    F73d slow "the upstream stops to tell active from inactive names" => words::active;
    F74 slow "a record that cannot be served, pages that are too large or too slow" => unserved::set_aside;
    F75 quick "a worker with another master key beside good ones" => secrets::other_key;
    F76 quick "a token is repeated at every place of a refusal" => secrets::echoed;
    F77 quick "absurd numbers between a grant and its escrow" => secrets::absurd;
    F78 quick "a SQLite file is copied, moved, linked, and reached by two paths" => embedded::moved;
    F78b slow "the clock of a process on a SQLite file was ahead" => embedded::ahead;
    F79 slow "a segment that nobody can finish is handed back for ever" => postgres::lost_for_ever;
}
