//! Clocks: a worker whose clock is wrong, or jumps. libfaketime tells the process another time than the system's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ledgerfleet_emulator::{Rotation, Switches};

use crate::oracle::retries;
use crate::verdict::Skip;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Stage, World};

const SKEW: &str = "ledgerfleet_clock_skew_seconds";
const ATTEMPTS: &str = "ledgerfleet_attempts_total";
const LEADER: &str = "ledgerfleet_leader";

/// F48: ten minutes ahead.
pub(super) async fn ahead(stage: Stage) -> Ending {
    skewed(stage, 600).await
}

/// F48b: ten minutes behind.
pub(super) async fn behind(stage: Stage) -> Ending {
    skewed(stage, -600).await
}

/// One of two workers has a wrong clock, and leads. It takes nothing from the other, lets nothing expire early, and is
/// of use.
async fn skewed(stage: Stage, seconds: i32) -> Ending {
    let library = library()?;
    let mut world = World::new(&stage, ground()).await;
    let wrong = world
        .fleet
        .hire(&told(&library).with("FAKETIME", signed(seconds)));
    until("the one with the wrong clock leads", PATIENCE, async || {
        world.fleet.workers[wrong].metric(LEADER) > 0.5
    })
    .await;
    world.fleet.start(1);
    world.submit().await;
    world.until_over(PATIENCE).await;
    let skew = world.fleet.workers[wrong].metric(SKEW);
    assert!((skew - f64::from(seconds)).abs() < 5.0, "it is {skew} s off");
    for worker in &world.fleet.workers {
        assert!(worker.metric(ATTEMPTS) > 0.0, "one of the two did nothing");
    }
    let mut facts = world.judge(Expect::default()).await;
    nothing_was_taken(&world);
    assert_eq!(refreshes(&world), [1, 1], "no token was over early");
    facts.push(format!("{skew:.0} s off"));
    Ok(facts)
}

/// F49: the clock of a worker is set back an hour, then forward a day, while it runs.
pub(super) async fn set(mut stage: Stage) -> Ending {
    let library = library()?;
    let mut world = World::new(&stage, ground()).await;
    let clock = Clock::new(&stage.folder);
    let wrong = world.fleet.hire(&clock.told_to(told(&library)));
    world.fleet.start(1);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 15)).await;
    for (seconds, more) in [(-3_600, 10), (86_400, 10)] {
        clock.set(seconds);
        noticed(&world, wrong, seconds).await;
        let done = world.report(run).await.unwrap().done;
        world.until_done(run, done + more).await;
    }
    let mut facts = world.judge(Expect::default()).await;
    nothing_was_taken(&world);
    let refreshes = refreshes(&world);
    assert!(
        refreshes.iter().all(|refreshes| (1..=2).contains(refreshes)),
        "a day later every token seems over, once: {refreshes:?} refreshes"
    );
    facts.push(format!(
        "an hour back, then a day forward; {refreshes:?} refreshes"
    ));
    Ok(facts)
}

/// F49b: all clocks of a worker jump an hour forward, also the one that its timers follow. They are over at once; no
/// other worker notices.
pub(super) async fn all_forward(mut stage: Stage) -> Ending {
    let library = library()?;
    let mut world = World::new(&stage, ground()).await;
    let clock = Clock::new(&stage.folder);
    let everything = told(&library).with("FAKETIME_DONT_FAKE_MONOTONIC", "0");
    let wrong = world.fleet.hire(&clock.told_to(everything));
    world.fleet.start(1);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 15)).await;
    clock.set(3_600);
    noticed(&world, wrong, 3_600).await;
    let expect = Expect {
        late: 6,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    let failed = world.count("SELECT coalesce(max(failures), 0) FROM fleet.segments");
    assert!(failed <= 1, "one jump made a segment fail {failed} times");
    facts.push("an hour forward, timers and all".to_owned());
    Ok(facts)
}

/// Waits until a worker's clock is that far off, by its own account.
async fn noticed(world: &World, worker: usize, seconds: i32) {
    let what = format!("the worker's clock is {seconds} s off");
    until(&what, PATIENCE, async || {
        (world.fleet.workers[worker].metric(SKEW) - f64::from(seconds)).abs() < 5.0
    })
    .await;
}

/// No attempt was ended by anybody but who began it.
fn nothing_was_taken(world: &World) {
    let crashes = world.count("SELECT count(*) FROM fleet.attempts WHERE outcome = 'crash'");
    assert_eq!(crashes, 0, "attempts were taken from a worker that lives");
    assert_eq!(retries(world), 0, "a clock is no failure");
}

fn refreshes(world: &World) -> Vec<u64> {
    let companies = world.emulator.summary().companies;
    companies.iter().map(|company| company.tokens.refreshes).collect()
}

/// A ground on which a refresh too many would be seen, and where work lasts longer than a clock needs to be noticed.
fn ground() -> Ground {
    let mut ground = Ground::default().latency(Duration::from_millis(60));
    ground.emulator.switches = Switches {
        rotation: Rotation::EveryRefresh,
        ..Switches::default()
    };
    ground.pace = 12.0;
    ground
}

fn signed(seconds: i32) -> String {
    format!("{seconds:+}")
}

/// A worker that asks the library for the time of day, and the system for the time that passes.
fn told(library: &Path) -> Hire {
    Hire::default()
        .with("LD_PRELOAD", library.display().to_string())
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        // Files keep their own times.
        .with("NO_FAKE_STAT", "1")
}

/// A clock that can be set while a worker runs.
struct Clock(PathBuf);

impl Clock {
    fn new(folder: &Path) -> Self {
        let clock = Self(folder.join("clock"));
        clock.set(0);
        clock
    }

    fn told_to(&self, hire: Hire) -> Hire {
        hire.with("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string())
            .with("FAKETIME_NO_CACHE", "1")
    }

    fn set(&self, seconds: i32) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, signed(seconds)).unwrap();
        std::fs::rename(&new, &self.0).unwrap();
    }
}

/// Where the library is installed.
pub(crate) fn library() -> Result<PathBuf, Skip> {
    const NAME: &str = "faketime/libfaketimeMT.so.1";
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders = folders.map(|folder| folder.path());
    let also = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let mut found = folders.chain(also).map(|folder| folder.join(NAME));
    found
        .find(|library| library.exists())
        .ok_or_else(|| Skip("libfaketime is not installed".to_owned()))
}
