//! Embedded: one process and a SQLite file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, Emulator, EmulatorOptions, Rate, RunningEmulator, Size};

use crate::process::Process;
use crate::wait::PATIENCE;
use crate::{Ending, Programs, Signal, Stage};

/// What a scheduler on a file needs.
struct Desk {
    programs: Programs,
    folder: PathBuf,
    emulator: RunningEmulator,
}

/// What is asked for.
const BACKFILL: &str = "backfill --connection north --entity invoice,journal_entry,customer --from 2026-06-01 \
                        --to 2026-06-30";

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
    let verified = desk
        .run("verify --connection north --entity invoice,journal_entry,customer --from 2026-06-01 --to 2026-06-30")
        .await;
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
            emulator: Emulator::start(options).await.unwrap(),
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

    fn command(&self, line: &str) -> Command {
        let info = self.emulator.info();
        let mut command = Command::new(self.programs.scheduler());
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("LEDGERFLEET_QUICKBOOKS_API_URL", self.emulator.url())
            .env("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", self.emulator.url())
            .env("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", info.client_id)
            .env("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", info.client_secret)
            .env("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "15")
            .env("LEDGERFLEET_PAGE_SIZE", "5")
            .env("LEDGERFLEET_TIME_SCALE", "0.1")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
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
        let line = format!("records --connection north --entity {entity} --limit 100000 -o jsonl");
        let shown = self.run(&line).await;
        let stored = shown.said.lines().filter(|line| line.starts_with('{')).count() as u64;
        assert_eq!(stored, truth, "documents of {entity}");
        stored
    }
}
