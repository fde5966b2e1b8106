//! Grants: many processes ask one gate for a great number of grants, while Redis forgets what it has granted.
//!
//! Everything is four times as fast as in a real fleet: the pace, the limits that it must keep, the deadline for which a
//! gate stays closed that has forgotten. What the machine itself delays is not, so this is the harder case.

pub mod asker;
mod judge;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ledgerfleet_coordination::GateLimits;
use ledgerfleet_testkit::PrivateRedis;
use tokio::time::sleep;

use crate::process::{Process, Signal};
use crate::rows::clocks::library;
use crate::wait::until;
use crate::{Ending, Stage};
use judge::{Grant, Limits, judge};

/// Processes that ask.
const PROCESSES: usize = 8;

/// How far off the clocks of the first of them are, in seconds.
const SKEWS: [&str; 2] = ["+600", "-600"];

/// Connections, each with a gate of its own.
pub const CONNECTIONS: u64 = 50;

/// How many times as fast as in a real fleet.
const SCALE: u32 = 4;

/// Between two losses of Redis' memory.
const BETWEEN_LOSSES: Duration = Duration::from_secs(45);

/// How long Redis stays away at times.
const AWAY: Duration = Duration::from_secs(3);

/// A real request's deadline; none here takes as long.
const DEADLINE: Duration = Duration::from_secs(40);

/// The gate's limits, as the QuickBooks connector has them, at scale.
pub fn limits() -> GateLimits {
    GateLimits {
        requests_per_second: 8.0 * f64::from(SCALE),
        slots: 9,
        slot_ttl: Duration::from_secs(20) / SCALE,
        quarantine: DEADLINE / SCALE,
        calm: Duration::from_mins(5) / SCALE,
    }
}

/// What the upstream allows, at scale.
fn allowed() -> Limits {
    Limits {
        windows: [
            (10, Duration::from_secs(1) / SCALE),
            (500, Duration::from_mins(1) / SCALE),
        ],
        in_flight: 10,
    }
}

pub(crate) async fn play(mut stage: Stage, wanted: u64) -> Ending {
    let mut redis = PrivateRedis::start();
    let mut askers = Askers::start(&stage, &redis.url(), &library()?);
    let mut losses = 0;
    while askers.granted() < wanted {
        let before = askers.granted();
        sleep(BETWEEN_LOSSES).await;
        lose_memory(&mut redis, stage.draw(0, 2)).await;
        losses += 1;
        until("grants after a loss", 4 * limits().quarantine, async || {
            askers.granted() > before
        })
        .await;
        askers.assert_all_alive();
    }
    let grants = askers.stop().await;
    let seen = judge(&grants, &allowed());
    Ok(vec![
        format!("{} grants to {PROCESSES} processes", grants.len()),
        format!("Redis forgot {losses} times"),
        format!("two clocks were {} s off", SKEWS.join(" and ")),
        format!(
            "at most {} of 10 in {:?}, {} of 500 in {:?}, {} of 10 in flight, of a connection",
            seen.peaks[0],
            allowed().windows[0].1,
            seen.peaks[1],
            allowed().windows[1].1,
            seen.in_flight
        ),
    ])
}

/// Restarted without what it knew, stopped for a while, or flushed.
async fn lose_memory(redis: &mut PrivateRedis, how: u64) {
    match how {
        0 => redis.kill_and_restart(),
        1 => {
            redis.kill();
            sleep(AWAY).await;
            redis.start_again();
        }
        _ => drop(redis.command("FLUSHALL")),
    }
}

/// The processes that ask, and the files into which they write what they were granted.
struct Askers(Vec<(Process, PathBuf)>);

impl Askers {
    fn start(stage: &Stage, redis: &str, faketime: &Path) -> Self {
        let program = stage.programs.gate_asker();
        let start = |number: usize| {
            let file = stage.folder.join(format!("grants-{number}"));
            let mut command = Command::new(&program);
            command.arg(redis).arg(&file).arg(stage.seed.to_string());
            if let Some(skew) = SKEWS.get(number) {
                command.env("LD_PRELOAD", faketime).env("FAKETIME", skew);
            }
            let log = stage.folder.join(format!("asker-{number}.log"));
            (Process::start(&mut command, &log), file)
        };
        Self((0..PROCESSES).map(start).collect())
    }

    /// How many grants have been written down.
    fn granted(&self) -> u64 {
        let length = |file: &Path| file.metadata().map_or(0, |data| data.len());
        let bytes: u64 = self.0.iter().map(|(_, file)| length(file)).sum();
        bytes / Grant::BYTES as u64
    }

    fn assert_all_alive(&mut self) {
        for (asker, _) in &mut self.0 {
            assert!(asker.ended().is_none(), "an asker ended: {}", asker.log());
        }
    }

    async fn stop(mut self) -> Vec<Grant> {
        for (asker, _) in &mut self.0 {
            asker.signal(Signal::TERM);
        }
        let mut grants = Vec::new();
        for (asker, file) in &mut self.0 {
            let status = asker.end(DEADLINE).await;
            assert!(status.success(), "{status}: {}", asker.log());
            let granted = Grant::read_all(file);
            assert!(!granted.is_empty(), "one was granted nothing: {}", asker.log());
            grants.extend(granted);
        }
        grants
    }
}
