//! Machine: no room, no memory, time zones.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use chrono::NaiveDate;
use ledgerfleet_model::Axis;

use crate::oracle::retries;
use crate::verdict::Skip;
use crate::{Ending, Expect, Ground, Hire, Stage, Wish, World};

/// F22: the disk of a table is full for a while.
pub(super) async fn disk_full(stage: Stage) -> Ending {
    let disk = Disk::mount("1m")?;
    let mut world = World::new(&stage, Ground::default()).await;
    world.sql(&format!(
        "CREATE TABLESPACE small LOCATION '{}'; ALTER TABLE raw.qbo_invoice SET TABLESPACE small",
        disk.0.display()
    ));
    world.fleet.start(2);
    let run = world.ask(&Wish::days(&["invoice", "journal_entry"], 40)).await;
    let full = async || {
        let waiting = "SELECT count(*) FROM fleet.attempts WHERE message LIKE '%disk is full%'";
        world.count(waiting) > 0
    };
    crate::wait::until("the disk is full", crate::wait::PATIENCE, full).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let done = world.report(run).await.unwrap().done;
    disk.enlarge("256m");
    let mut facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "a full disk is no failure of a segment");
    facts.push(format!("{done} segments done when there was room again"));
    Ok(facts)
}

/// A disk of its own, which needs the rights to mount one. It goes after the server that lives on it.
struct Disk(PathBuf);

impl Disk {
    fn mount(size: &str) -> Result<Self, Skip> {
        let place = std::env::temp_dir().join(format!("chaos-disk-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let owner = if rustix::process::getuid().is_root() {
            ",uid=postgres,mode=700"
        } else {
            ""
        };
        let options = format!("size={size}{owner}");
        if !done(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                &options,
                "chaos",
                &place.display().to_string(),
            ],
        ) {
            let _ = std::fs::remove_dir(&place);
            return Err(Skip("no rights to mount a small disk".to_owned()));
        }
        Ok(Self(place))
    }

    fn enlarge(&self, size: &str) {
        let (options, place) = (format!("remount,size={size}"), self.0.display().to_string());
        assert!(
            done("mount", &["-o", &options, &place]),
            "the disk cannot be enlarged"
        );
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        done("umount", &["-l", &self.0.display().to_string()]);
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn done(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).status();
    status.is_ok_and(|status| status.success())
}

/// F60: the system kills a worker for its memory: an answer unfolds to more than it may have, and less than the product's
/// own limit.
pub(super) async fn out_of_memory(stage: Stage) -> Ending {
    // What a process has before it is put there is not counted; what it takes next is.
    let cage = Cage::new(24 << 20)?;
    let mut world = World::new(&stage, Ground::default()).await;
    let victim = world.fleet.hire(&Hire::default());
    let run = world.submit().await;
    world.until_done(run, 3).await;
    cage.put(world.fleet.workers[victim].process.pid());
    world
        .emulator
        .set_fault("gzip_bomb=60,entity=invoice".parse().unwrap());
    world.fleet.killed(victim).await;
    world.emulator.clear_faults();
    world.fleet.start(1);
    Ok(world.judge(Expect::default()).await)
}

/// A group of processes with little memory, where the system has such groups.
struct Cage(PathBuf);

impl Cage {
    fn new(bytes: u64) -> Result<Self, Skip> {
        let place = PathBuf::from(format!("/sys/fs/cgroup/memory/chaos-{}", std::process::id()));
        let made = std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::write(place.join("memory.limit_in_bytes"), bytes.to_string()));
        made.map_err(|_| Skip("no memory control group can be made".to_owned()))?;
        Ok(Self(place))
    }

    fn put(&self, pid: u32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// F50: days of 23 and 25 hours, and instants of a company far from UTC: no gap and no overlap.
pub(super) async fn time_zones(mut stage: Stage) -> Ending {
    let places = [
        (chrono_tz::America::New_York, (2026, 3, 10)),
        (chrono_tz::America::New_York, (2025, 11, 4)),
        (chrono_tz::America::Guayaquil, (2026, 1, 2)),
        (chrono_tz::Pacific::Auckland, (2026, 4, 7)),
        (chrono_tz::Asia::Kathmandu, (2026, 3, 1)),
    ];
    let chosen = usize::try_from(stage.draw(0, places.len() as u64 - 1)).unwrap();
    let (zone, (year, month, day)) = places[chosen];
    let mut ground = Ground {
        time_zone: zone,
        ..Ground::default()
    };
    ground.emulator.days = 400;
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    for axis in [Axis::Created, Axis::TxnDate] {
        let mut wish = Wish::days(&["invoice", "journal_entry"], 6);
        wish.axis = axis;
        wish.to = NaiveDate::from_ymd_opt(year, month, day).unwrap();
        if axis == Axis::TxnDate {
            wish.entities = vec!["payment", "bill"];
        }
        world.ask(&wish).await;
    }
    let mut facts = world.judge(Expect::default()).await;
    facts.insert(
        0,
        format!("{zone}, six days to {year}-{month}-{day}, by creation and by date"),
    );
    Ok(facts)
}
