//! A fleet: real workers as processes of their own, on a private Postgres and a private Redis, without any scheduler.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, FaultKind, FaultSpec, Rate, Size};
use ledgerfleet_ledger::{PostgresLedger, PostgresOptions, RunReport};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{PrivatePostgres, PrivateRedis};
use ledgerfleet_vault::MasterKey;
use secrecy::ExposeSecret;

use crate::world::{World, options};

const ENTITIES: &[&str] = &["invoice", "customer", "item", "journal_entry"];

pub(crate) struct Fleet {
    pub(crate) world: World,
    pub(crate) workers: Vec<Child>,
    pub(crate) redis: PrivateRedis,
    pub(crate) postgres: PrivatePostgres,
}

impl Fleet {
    async fn new(options: EmulatorOptions, requests_per_second: Option<f64>) -> Self {
        Self::with(options, requests_per_second, Vec::new()).await
    }

    /// A fleet whose environment holds more.
    pub(crate) async fn with(
        options: EmulatorOptions,
        requests_per_second: Option<f64>,
        variables: Vec<(&'static str, String)>,
    ) -> Self {
        Self::around(PrivatePostgres::start(), options, requests_per_second, variables).await
    }

    /// A fleet around this database.
    pub(crate) async fn around(
        postgres: PrivatePostgres,
        options: EmulatorOptions,
        requests_per_second: Option<f64>,
        mut variables: Vec<(&'static str, String)>,
    ) -> Self {
        let redis = PrivateRedis::start();
        let database = postgres.url("postgres");
        PostgresLedger::migrate(&database, &PostgresOptions::default())
            .await
            .unwrap();
        variables.extend([
            ("LEDGERFLEET_DATABASE_URL", database),
            ("LEDGERFLEET_REDIS_URL", redis.tcp_url()),
            (
                "LEDGERFLEET_MASTER_KEY",
                MasterKey::generate().to_text().expose_secret().to_owned(),
            ),
        ]);
        let world = World::on(options, requests_per_second, variables).await;
        Self {
            world,
            workers: Vec::new(),
            redis,
            postgres,
        }
    }

    /// Starts workers; each is a process that knows nothing but its environment.
    pub(crate) fn start_workers(&mut self, many: usize) {
        for _ in 0..many {
            self.start_worker_with(&[]);
        }
    }

    /// Starts one whose environment is different.
    pub(crate) fn start_worker_with(&mut self, variables: &[(&str, String)]) {
        let worker = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args(["--concurrency", "6"])
            .env_clear()
            .envs(self.world.variables.iter().map(|(name, value)| (name, value)))
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .spawn();
        self.workers.push(worker.unwrap());
    }

    pub(crate) fn signal(&self, worker: usize, signal: &str) {
        let pid = self.workers[worker].id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) async fn until_done(&self, run: RunId, segments: u64) -> RunReport {
        self.world
            .until(run, |report| report.done >= segments || report.state.is_over())
            .await
    }

    pub(crate) async fn end_of(&self, run: RunId) -> RunReport {
        self.world.until(run, |report| report.state.is_over()).await
    }

    /// Fails unless the upstream's limits were kept in every window it knows of.
    fn assert_limits(&self) {
        for company in &self.world.emulator.summary().companies {
            let seen = &company.api;
            assert!(
                seen.peak_1s <= 10 && seen.peak_60s <= 500 && seen.peak_in_flight <= 10,
                "{seen:?}"
            );
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // One that has ended already is what is wanted.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_alone_finish_what_was_submitted_within_the_upstreams_limits() {
    let companies = vec![
        CompanySpec::new("north", Size::Small),
        CompanySpec::new("south", Size::Small),
    ];
    let enforced = EmulatorOptions {
        rate: Rate::Enforce,
        companies,
        ..options()
    };
    let mut fleet = Fleet::new(enforced, None).await;
    fleet.start_workers(4);
    let run = fleet.world.submit(ENTITIES, 30, 1_000).await;
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    fleet.assert_limits();
    let seen = fleet.world.emulator.summary();
    assert_eq!((seen.throttled, seen.metered), (0, report.calls));
    fleet.world.assert_truth(ENTITIES, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_replaced_and_a_stopped_one_writes_nothing_when_it_comes_back() {
    let mut fleet = Fleet::new(options(), Some(40.0)).await;
    fleet
        .world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::Delay { millis: 100 }));
    fleet.start_workers(3);
    let run = fleet.world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    fleet.until_done(run, 15).await;
    fleet.signal(0, "-KILL");
    fleet.signal(1, "-STOP");
    fleet.until_done(run, 60).await;
    fleet.signal(1, "-CONT");
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    fleet.world.assert_truth(&["invoice", "journal_entry"], 60).await;
    assert!(
        fleet.workers[1].try_wait().unwrap().is_none(),
        "a worker that was taken over works on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losing_all_of_redis_loses_no_work() {
    let mut fleet = Fleet::new(options(), Some(40.0)).await;
    fleet.start_workers(2);
    let run = fleet.world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    fleet.until_done(run, 20).await;
    fleet.redis.command("FLUSHALL");
    fleet.until_done(run, 50).await;
    fleet.redis.kill_and_restart();
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    fleet.world.assert_truth(&["invoice", "journal_entry"], 60).await;
    for worker in &mut fleet.workers {
        assert!(
            worker.try_wait().unwrap().is_none(),
            "no error of Redis ends a worker"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_postgres_is_waited_out() {
    let mut fleet = Fleet::new(options(), Some(40.0)).await;
    fleet.start_workers(2);
    let run = fleet.world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    fleet.until_done(run, 30).await;
    fleet.postgres.kill();
    fleet.postgres.start_again();
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    fleet.world.assert_truth(&["invoice", "journal_entry"], 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_postgres_longer_than_a_lease_is_nobodys_crash() {
    // A lease of four seconds: who looks for crashes leaves the others two of them to say that they live, and to connect
    // anew takes its time at any scale.
    let scale = ("LEDGERFLEET_TIME_SCALE", "0.2".to_owned());
    let mut fleet = Fleet::with(options(), Some(40.0), vec![scale]).await;
    // One segment alone: nothing else is claimed by which the worker could find out what it has left behind. Its answer
    // comes so slowly that the lease is lost before anything else ends the attempt.
    fleet.world.emulator.set_fault(FaultSpec::always(FaultKind::Slow {
        chunk: 250,
        millis: 300,
    }));
    fleet.start_workers(1);
    let run = fleet.world.submit(&["customer"], 1, 1_000).await;
    let mut asked = 0;
    for outage in 1..=2 {
        until("the source is asked", PATIENCE, async || {
            fleet.world.emulator.summary().requests > asked
        })
        .await;
        fleet.postgres.kill();
        // Longer than the lease and what a heartbeat tries within it.
        tokio::time::sleep(Duration::from_secs(6)).await;
        asked = fleet.world.emulator.summary().requests;
        if outage == 2 {
            fleet.world.emulator.clear_faults();
        }
        fleet.postgres.start_again();
    }
    let report = fleet.end_of(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    let crashes = fleet
        .postgres
        .command("SELECT count(*) FROM fleet.attempts WHERE outcome = 'crash'");
    assert_eq!(crashes.trim(), "0", "the worker was alive all the time");
    fleet.world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leaders_duties_are_taken_over_when_it_dies() {
    let mut fleet = Fleet::new(options(), Some(40.0)).await;
    fleet.start_workers(1);
    let first = fleet.world.submit(&["invoice"], 5, 1_000).await;
    fleet.end_of(first).await;
    fleet.start_workers(1);
    fleet.signal(0, "-KILL");
    let second = fleet.world.submit(&["journal_entry"], 20, 1_000).await;
    assert_eq!(fleet.end_of(second).await.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_stop_ends_well_and_leaves_nothing_behind() {
    let mut fleet = Fleet::new(options(), Some(40.0)).await;
    fleet.start_workers(1);
    let run = fleet.world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    fleet.until_done(run, 20).await;
    fleet.signal(0, "-TERM");
    let mut worker = fleet.workers.remove(0);
    let ended = tokio::task::spawn_blocking(move || worker.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(ended.code(), Some(143));
    let report = fleet.world.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!((report.running, report.dead), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_company_does_not_delay_another() {
    let companies = vec![
        CompanySpec::new("busy", Size::Small),
        CompanySpec::new("calm", Size::Small),
    ];
    let mut fleet = Fleet::new(
        EmulatorOptions {
            companies,
            ..options()
        },
        Some(20.0),
    )
    .await;
    fleet.start_workers(2);
    let busy = fleet.world.connections.remove(0);
    let calm = std::mem::replace(&mut fleet.world.connections, vec![busy]);
    let first = fleet.world.submit(&["invoice", "journal_entry"], 60, 1_000).await;
    fleet.until_done(first, 5).await;
    fleet.world.connections = calm;
    let second = fleet.world.submit(&["invoice"], 10, 1_000).await;
    fleet.end_of(second).await;
    let report = fleet.world.parts.ledger.run(first).await.unwrap().unwrap();
    assert!(
        report.pending > 30,
        "the calm company's ten days came long before the busy one's end: {report:?}"
    );
}
