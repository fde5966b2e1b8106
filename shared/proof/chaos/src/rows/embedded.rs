//! Embedded: one process and a SQLite file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use ledgerfleet_emulator::{
    CompanySpec, Emulator, EmulatorOptions, Mutation, MutationKind, Pick, Rate, RunningEmulator, Size,
};

use crate::process::Process;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Programs, Signal, Stage};

/// What a scheduler on a file needs.
struct Desk {
    programs: Programs,
    folder: PathBuf,
    emulator: Rc<RunningEmulator>,
    /// The file, in the folder.
    database: &'static str,
    /// The library that tells another time, and which.
    clock: Option<(PathBuf, &'static str)>,
}

/// What is asked for.
const BACKFILL: &str = "backfill --connection north --entity invoice,journal_entry,customer --from 2026-06-01 \
                        --to 2026-06-30";

/// The same, compared.
const VERIFY: &str =
    "verify --connection north --entity invoice,journal_entry,customer --from 2026-06-01 --to 2026-06-30";

/// F63: the process is killed at random instants; a second one is refused and told who has the file; in the end the
/// source and the file agree.
pub(super) async fn killed(mut stage: Stage) -> Ending {
    let desk = Desk::new(&stage).await;
    let kills = stage.draw(2, 4);
    for kill in 0..kills {
        let mut runner = desk.start(BACKFILL, &format!("backfill-{kill}"));
        tokio::time::sleep(Duration::from_millis(stage.draw(600, 1_800))).await;
        let pid = runner.pid().to_string();
        let second = desk.run("serve --listen 127.0.0.1:0").await;
        assert!(
            second.status.code() == Some(7) && second.said.contains(&pid),
            "a second process: {} {}",
            second.status,
            second.said
        );
        runner.signal(Signal::KILL);
        runner.end(PATIENCE).await;
    }
    let finished = desk.run(BACKFILL).await;
    assert!(finished.status.success(), "{}", finished.said);
    let verified = desk.run(VERIFY).await;
    assert!(verified.status.success(), "{}", verified.said);
    let rows = desk.compare("invoice").await + desk.compare("journal_entry").await;
    let traffic = desk.emulator.summary();
    let superseded: u64 = traffic
        .companies
        .iter()
        .map(|company| company.tokens.superseded_uses)
        .sum();
    assert_eq!(superseded, 0, "superseded refresh tokens were sent");
    Ok(vec![format!(
        "killed {kills} times; {rows} documents as at the source; verify agrees"
    )])
}

/// F78: the file is copied after an orderly end, moved, and reached by links. A copy of the one file is the whole ledger;
/// whatever the path, the file has one runner, also when the lock beside it was deleted.
pub(super) async fn moved(stage: Stage) -> Ending {
    let mut desk = Desk::new(&stage).await;
    let finished = desk.run(BACKFILL).await;
    assert!(finished.status.success(), "{}", finished.said);
    let rows = desk.compare("invoice").await;

    let copy = desk.at("copy/books.db");
    std::fs::create_dir(stage.folder.join("copy")).unwrap();
    for (from, to) in [
        ("ledgerfleet.db", "copy/books.db"),
        ("ledgerfleet.db.key", "copy/books.db.key"),
    ] {
        std::fs::copy(stage.folder.join(from), stage.folder.join(to)).unwrap();
    }
    assert_eq!(
        copy.count("invoice").await,
        rows,
        "documents in a copy of one file"
    );

    for end in ["db", "db.key"] {
        let name = |stem: &str| stage.folder.join(format!("{stem}.{end}"));
        std::fs::rename(name("ledgerfleet"), name("moved")).unwrap();
    }
    std::os::unix::fs::symlink("moved.db", stage.folder.join("link.db")).unwrap();
    std::os::unix::fs::symlink(".", stage.folder.join("folder")).unwrap();
    desk.database = "moved.db";
    let mut runner = desk.start("serve --listen 127.0.0.1:0", "serve");
    until("the server serves", PATIENCE, async || {
        runner.log().contains("serving http://")
    })
    .await;
    for path in ["moved.db", "link.db", "folder/moved.db"] {
        let second = desk.at(path).run("serve --listen 127.0.0.1:0").await;
        assert_eq!(second.status.code(), Some(7), "by {path}: {}", second.said);
    }
    std::fs::remove_file(stage.folder.join("moved.db.lock")).unwrap();
    for path in ["moved.db", "link.db"] {
        let second = desk.at(path).run("serve --listen 127.0.0.1:0").await;
        assert_eq!(
            second.status.code(),
            Some(7),
            "without the lock's file, by {path}: {}",
            second.said
        );
    }
    runner.signal(Signal::TERM);
    let ended = runner.end(PATIENCE).await;
    assert_eq!(ended.code(), Some(143), "{}", runner.log());
    desk.database = "link.db";
    let verified = desk.run(VERIFY).await;
    assert!(verified.status.success(), "{}", verified.said);
    assert_eq!(desk.count("invoice").await, rows, "documents after all that");
    Ok(vec![format!(
        "{rows} invoices in the copy and by every path; five others were refused with 7"
    )])
}

/// F78b: the clock of the process was two days ahead when it stored what it read. Right again, it tells so, and
/// `verify --fix` has everything as at the source, also what was deleted there since.
pub(super) async fn ahead(stage: Stage) -> Ending {
    let library = super::clocks::library()?;
    let mut desk = Desk::new(&stage).await;
    desk.clock = Some((library, "+2d"));
    let finished = desk.run(BACKFILL).await;
    assert!(finished.status.success(), "{}", finished.said);
    let stored = desk.compare("invoice").await;
    desk.clock = None;
    for kind in [MutationKind::Delete, MutationKind::Update] {
        let changed = Mutation {
            count: 3,
            pick: Pick::Last,
            ..Mutation::new("north", "invoice", kind)
        };
        desk.emulator.mutate(changed).unwrap();
    }
    let told = desk.run("doctor").await;
    assert!(told.said.contains("ahead of now"), "doctor: {}", told.said);
    let seen = desk.run(VERIFY).await;
    assert!(
        !seen.status.success() && seen.said.contains("a clock that was ahead"),
        "verify: {}",
        seen.said
    );
    let fixed = desk.run(&format!("{VERIFY} --fix")).await;
    assert!(fixed.status.success(), "verify --fix: {}", fixed.said);
    let verified = desk.run(VERIFY).await;
    assert!(verified.status.success(), "verify: {}", verified.said);
    let rows = desk.compare("invoice").await;
    assert_eq!(rows + 3, stored, "three were deleted");
    Ok(vec![format!(
        "{rows} of {stored} invoices are left, as at the source; verify agrees"
    )])
}

/// How a command has ended.
struct Ended {
    status: std::process::ExitStatus,
    said: String,
}

impl Desk {
    async fn new(stage: &Stage) -> Self {
        let options = EmulatorOptions {
            seed: stage.seed,
            days: 60,
            rate: Rate::PerSecond(50),
            companies: vec![CompanySpec::new("north", Size::Small)],
            ..EmulatorOptions::default()
        };
        let desk = Self {
            programs: stage.programs.clone(),
            folder: stage.folder.clone(),
            emulator: Rc::new(Emulator::start(options).await.unwrap()),
            database: "ledgerfleet.db",
            clock: None,
        };
        let company = &desk.emulator.info().companies[0];
        let token = desk.folder.join("token");
        std::fs::write(&token, &company.refresh_token).unwrap();
        let add = format!(
            "connection add quickbooks --name north --realm {} --refresh-token-file {}",
            company.realm,
            token.display()
        );
        let added = desk.run(&add).await;
        assert!(added.status.success(), "{}", added.said);
        desk
    }

    /// The same with another file.
    fn at(&self, database: &'static str) -> Self {
        Self {
            programs: self.programs.clone(),
            folder: self.folder.clone(),
            emulator: Rc::clone(&self.emulator),
            database,
            clock: None,
        }
    }

    fn command(&self, line: &str) -> Command {
        let info = self.emulator.info();
        let mut command = Command::new(self.programs.scheduler());
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("LEDGERFLEET_DATABASE_URL", format!("sqlite://{}", self.database))
            .env("LEDGERFLEET_QUICKBOOKS_API_URL", self.emulator.url())
            .env("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", self.emulator.url())
            .env("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", info.client_id)
            .env("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", info.client_secret)
            .env("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "15")
            .env("LEDGERFLEET_PAGE_SIZE", "5")
            .env("LEDGERFLEET_TIME_SCALE", "0.1")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        if let Some((library, time)) = &self.clock {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", time)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    fn start(&self, line: &str, name: &str) -> Process {
        Process::start(&mut self.command(line), &self.log(name))
    }

    /// Runs a command to its end.
    async fn run(&self, line: &str) -> Ended {
        let mut process = self.start(line, "command");
        let status = process.end(PATIENCE).await;
        Ended {
            status,
            said: process.log(),
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{name}.log"))
    }

    /// Fails unless the file has as many documents as the source; answers how many.
    async fn compare(&self, entity: &str) -> u64 {
        let filter = ledgerfleet_emulator::TruthFilter {
            from: chrono::NaiveDate::from_ymd_opt(2026, 6, 1),
            to: chrono::NaiveDate::from_ymd_opt(2026, 6, 30),
            ..ledgerfleet_emulator::TruthFilter::default()
        };
        let truth = self.emulator.truth("north", entity, &filter).unwrap().len() as u64;
        let stored = self.count(entity).await;
        assert_eq!(stored, truth, "documents of {entity}");
        stored
    }

    /// How many documents the file has.
    async fn count(&self, entity: &str) -> u64 {
        let line = format!("records --connection north --entity {entity} --limit 100000 -o jsonl");
        let shown = self.run(&line).await;
        let lines = shown.said.lines();
        let stored = lines.filter(|line| line.starts_with('{') && line.contains("\"deleted_at\":null"));
        stored.count() as u64
    }
}
