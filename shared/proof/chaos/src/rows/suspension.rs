//! Suspension: a machine stands still with everything on it. A freezer of the system's plays that: no process in it runs,
//! and none is told. CLOCK_MONOTONIC goes on meanwhile, which it does not on a machine that is suspended for real: what
//! is measured by it is over at once here, and would last longer there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

use crate::verdict::Skip;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Stage, Wish, World};

/// Longer than any lease, lock or grant at a row's scale.
const ASLEEP: Duration = Duration::from_secs(6);

/// F10: the machine of two workers is suspended. Another one does their work; when they wake up they write nothing of it,
/// and do what comes next.
pub(super) async fn of_workers(mut stage: Stage) -> Ending {
    let freezer = Freezer::new()?;
    let mut world = World::new(&stage, Ground::default().latency(Duration::from_millis(60))).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    freezer.put(&pids(&mut world));
    let frozen = freezer.freeze().await;
    let held = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'running'");
    assert!(held > 0, "nothing was under way");
    let elsewhere = world.fleet.hire(&crate::Hire::default());
    world
        .until(run, "all is done elsewhere", |report| report.state.is_over())
        .await;
    drop(frozen);
    world.fleet.kill(elsewhere).await;
    world.ask(&Wish::days(&["payment", "bill"], 5)).await;
    let mut facts = world.judge(late(12)).await;
    facts.push(format!(
        "{held} segments were held by the two that were suspended, who did the next run"
    ));
    Ok(facts)
}

/// F10b: the machine is suspended with its workers, Redis and Postgres. It goes on where it was.
pub(super) async fn of_everything(mut stage: Stage) -> Ending {
    let freezer = Freezer::new()?;
    let mut world = World::new(&stage, Ground::default().latency(Duration::from_millis(60))).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    let mut all = pids(&mut world);
    all.push(world.redis.pid());
    all.push(world.postgres.pid());
    freezer.put(&all);
    // Whoever is born from now on is born there.
    freezer.put(&children(world.postgres.pid()));
    let frozen = freezer.freeze().await;
    sleep(ASLEEP).await;
    drop(frozen);
    let back = world.report(run).await.map_or(0, |report| report.done);
    let took = world.until_done(run, back + 5).await;
    let mut facts = world.judge(late(12)).await;
    facts.push(format!(
        "asleep for {ASLEEP:?}; five more segments {:.1} s later",
        took.as_secs_f64()
    ));
    Ok(facts)
}

fn late(late: usize) -> Expect {
    Expect {
        late,
        ..Expect::default()
    }
}

fn pids(world: &mut World) -> Vec<u32> {
    let running = world.fleet.running();
    running.iter().map(|worker| worker.process.pid()).collect()
}

/// The processes that a process has started.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // State and parent follow the name, which is in brackets.
            let rest = stat.rsplit(") ").next().unwrap_or_default().to_owned();
            rest.split(' ').nth(1) == Some(&parent.to_string())
        })
        .collect()
}

/// A group of processes that stand still together, where the system has such groups and lets this process make one.
struct Freezer {
    place: PathBuf,
    words: &'static Words,
}

/// How a generation of control groups is told.
struct Words {
    root: &'static str,
    file: &'static str,
    freeze: &'static str,
    thaw: &'static str,
    told_in: &'static str,
    frozen: &'static str,
}

const GENERATIONS: &[Words] = &[
    Words {
        root: "/sys/fs/cgroup/freezer",
        file: "freezer.state",
        freeze: "FROZEN",
        thaw: "THAWED",
        told_in: "freezer.state",
        frozen: "FROZEN",
    },
    Words {
        root: "/sys/fs/cgroup",
        file: "cgroup.freeze",
        freeze: "1",
        thaw: "0",
        told_in: "cgroup.events",
        frozen: "frozen 1",
    },
];

impl Freezer {
    fn new() -> Result<Self, Skip> {
        let made = GENERATIONS.iter().find_map(|words| {
            let place = Path::new(words.root).join(format!("chaos-{}", std::process::id()));
            std::fs::create_dir(&place).ok()?;
            let freezer = Self { place, words };
            freezer.place.join(words.file).exists().then_some(freezer)
        });
        made.ok_or_else(|| Skip("no group of processes can be made that can be frozen (root can)".to_owned()))
    }

    fn put(&self, pids: &[u32]) {
        for pid in pids {
            // A session of the database may have ended since it was seen.
            let _ = std::fs::write(self.place.join("cgroup.procs"), pid.to_string());
        }
    }

    /// Stops everything in it, until what is answered is dropped: a process that stands still cannot even be killed.
    async fn freeze(&self) -> Frozen<'_> {
        let frozen = Frozen(self);
        self.tell(self.words.freeze);
        until("all are frozen", PATIENCE, async || {
            let told = std::fs::read_to_string(self.place.join(self.words.told_in)).unwrap();
            told.contains(self.words.frozen)
        })
        .await;
        frozen
    }

    fn tell(&self, word: &str) {
        std::fs::write(self.place.join(self.words.file), word).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        // Made before the world, it goes after everything that was in it.
        let _ = std::fs::remove_dir(&self.place);
    }
}

/// While this lives, nothing in the group runs.
struct Frozen<'a>(&'a Freezer);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.tell(self.0.words.thaw);
    }
}
