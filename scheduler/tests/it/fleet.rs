//! The command line of a fleet: on a private Postgres and a private Redis, beside a worker.

use std::net::TcpListener;

use ledgerfleet_config::{Inputs, Settings};
use ledgerfleet_duties::lead;
use ledgerfleet_emulator::RunningEmulator;
use ledgerfleet_model::WorkerName;
use ledgerfleet_testkit::{PrivatePostgres, PrivateRedis};
use ledgerfleet_vault::MasterKey;
use ledgerfleet_wiring::{Opening, Parts, assemble};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::WorkerOptions;

use crate::world::{World, emulator};

pub(crate) const DATABASE: &str = "LEDGERFLEET_DATABASE_URL";
pub(crate) const REDIS: &str = "LEDGERFLEET_REDIS_URL";

pub(crate) struct Fleet {
    pub(crate) world: World,
    pub(crate) emulator: RunningEmulator,
    pub(crate) postgres: PrivatePostgres,
    pub(crate) redis: PrivateRedis,
}

impl Fleet {
    /// Servers, and nothing on them.
    async fn new() -> Self {
        Self::around(PrivatePostgres::start()).await
    }

    /// The same around this database.
    async fn around(postgres: PrivatePostgres) -> Self {
        Self::of(postgres, emulator().await)
    }

    fn of(postgres: PrivatePostgres, emulator: RunningEmulator) -> Self {
        let redis = PrivateRedis::start();
        let key = MasterKey::generate().to_text();
        let world = World::beside(&emulator)
            .with(DATABASE, &postgres.url("postgres"))
            .with(REDIS, &redis.tcp_url())
            .with("LEDGERFLEET_MASTER_KEY", key.expose_secret())
            .with("LEDGERFLEET_TIME_SCALE", "0.05")
            .with("LEDGERFLEET_SPOOL_DIR", "spool");
        Self {
            world,
            emulator,
            postgres,
            redis,
        }
    }

    /// A fleet whose database has a ledger.
    pub(crate) async fn migrated() -> Self {
        Self::migrated_around(PrivatePostgres::start()).await
    }

    /// The same in this database.
    pub(crate) async fn migrated_around(postgres: PrivatePostgres) -> Self {
        let fleet = Self::around(postgres).await;
        fleet.world.run("migrate").await.expect(0);
        fleet
    }

    /// The same beside this emulator.
    pub(crate) async fn migrated_beside(emulator: RunningEmulator) -> Self {
        let fleet = Self::of(PrivatePostgres::start(), emulator);
        fleet.world.run("migrate").await.expect(0);
        fleet
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.world = self.world.with(name, value);
        self
    }

    async fn doctor(&self, code: i32) -> Vec<Value> {
        let checks = self.world.run("doctor -o json").await.expect(code).json();
        checks.as_array().unwrap().clone()
    }
}

fn result<'a>(checks: &'a [Value], what: &str) -> &'a str {
    let check = checks.iter().find(|check| check["check"] == what);
    check.unwrap_or_else(|| panic!("no {what} in {checks:?}"))["result"]
        .as_str()
        .unwrap()
}

/// What a `worker` does, in this process.
pub(crate) struct Worker {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Worker {
    pub(crate) async fn beside(fleet: &Fleet) -> Self {
        let inputs = Inputs {
            environment: fleet.world.variables().iter().cloned().collect(),
            working_directory: fleet.world.directory.path().to_owned(),
            ..Inputs::default()
        };
        let settings = Settings::load(&inputs).unwrap();
        let parts: Parts = assemble(&settings, Opening::Existing).await.unwrap();
        // Whichever of the processes leads.
        let parts = parts.keeping_in_sync(settings.sync);
        let (stop, name) = (CancellationToken::new(), WorkerName::of_this_process("test"));
        let leading = lead(parts.duties(), name.clone(), stop.clone());
        let options = WorkerOptions { concurrency: 4, name };
        let stopped = stop.clone();
        let working = async move { worker::run(&parts, options, stopped).await.unwrap() };
        let tasks = vec![tokio::spawn(leading), tokio::spawn(working)];
        Self { stop, tasks }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_fleet_is_made_used_and_looked_at_from_the_command_line() {
    let fleet = Fleet::new().await;
    let world = &fleet.world;
    world.run("run list").await.expect(1).says("scheduler migrate");
    world.run("migrate").await.expect(0);
    world.run("migrate").await.expect(0);
    world.connect(&fleet.emulator.info().companies[0]).await;
    let before = fleet.doctor(0).await;
    assert_eq!(
        (result(&before, "database"), result(&before, "redis")),
        ("ok", "ok")
    );
    assert_eq!(result(&before, "runner"), "warning", "nobody works");

    let worker = Worker::beside(&fleet).await;
    let line =
        "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-05 --wait -o json";
    let run = world.run(line).await.expect(0).json();
    assert_eq!((&run["done"], &run["dead"]), (&5.into(), &0.into()));
    assert_eq!(result(&fleet.doctor(0).await, "runner"), "ok");
    let dead = world.run("dlq list -o json").await.expect(0).json();
    assert_eq!(dead, Value::Array(Vec::new()));
    world
        .run("verify --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-05")
        .await
        .expect(0);
    worker.stop().await;
    assert_eq!(result(&fleet.doctor(0).await, "runner"), "warning");
}

#[tokio::test]
async fn servers_that_are_away_are_dependencies_that_are_down() {
    let mut fleet = Fleet::migrated().await;
    fleet.redis.kill();
    assert_eq!(result(&fleet.doctor(5).await, "redis"), "failed");
    fleet.redis.start_again();
    assert_eq!(result(&fleet.doctor(0).await, "redis"), "ok");
    fleet.postgres.kill();
    fleet
        .world
        .run("run list")
        .await
        .expect(5)
        .says("check that Postgres answers");
    assert_eq!(result(&fleet.doctor(5).await, "database"), "failed");
    fleet.postgres.start_again();
    fleet.world.run("run list").await.expect(0);
}

#[tokio::test]
async fn doctor_tries_what_a_worker_does() {
    let fleet = Fleet::migrated().await;
    fleet
        .redis
        .command("ACL SETUSER reader on >word ~* +@all -@write");
    let url = format!("redis://reader:word@127.0.0.1:{}", fleet.redis.port());
    let fleet = fleet.with(REDIS, &url);
    assert_eq!(result(&fleet.doctor(5).await, "redis"), "failed");

    let url = fleet.redis.tcp_url();
    let fleet = fleet.with(REDIS, &url);
    fleet
        .postgres
        .command("ALTER DATABASE postgres SET default_transaction_read_only = on");
    assert_eq!(result(&fleet.doctor(5).await, "database"), "failed");
}

#[tokio::test]
async fn a_url_of_postgres_that_is_none_is_a_mistake_of_usage() {
    let mut fleet = Fleet::new().await;
    for url in [
        "postgres://localhost:99999/books",
        "postgres://localhost/books?sslmode=bogus",
    ] {
        fleet = fleet.with(DATABASE, url);
        for command in ["migrate", "run list"] {
            fleet
                .world
                .run(command)
                .await
                .expect(2)
                .says("postgres://USER:PASSWORD@HOST:PORT/DATABASE");
        }
    }
}

#[tokio::test]
async fn a_user_without_rights_is_told_so_and_what_to_grant() {
    let fleet = Fleet::migrated().await;
    fleet.postgres.command("CREATE ROLE stranger LOGIN");
    let owner = fleet.postgres.url("postgres");
    let url = owner.replace("postgres://postgres@", "postgres://stranger@");
    let fleet = fleet.with(DATABASE, &url);
    fleet
        .world
        .run("run list")
        .await
        .expect(5)
        .says("does not allow this user");
}

#[tokio::test]
async fn a_newer_ledger_of_a_fleet_is_not_answered_with_a_file() {
    let fleet = Fleet::migrated().await;
    fleet
        .postgres
        .command("UPDATE fleet.migrations SET version = 9999 WHERE version = 1");
    let ended = fleet.world.run("run list").await.expect(1);
    assert!(!ended.stderr.contains("sqlite://"), "{ended:?}");
    ended.says("LEDGERFLEET_DATABASE_URL");
}

/// Accepts whoever comes, and never says a word.
fn silent_server() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn doctor_waits_five_seconds_a_line_and_goes_on_to_the_next() {
    let mut fleet = Fleet::migrated().await;
    let (_silent, port) = silent_server();
    let redis = fleet.redis.tcp_url();
    for (variable, url, silent, others) in [
        (
            REDIS,
            format!("redis://127.0.0.1:{port}"),
            "redis",
            &["runner", "dead letters"][..],
        ),
        (
            DATABASE,
            format!("postgres://postgres@127.0.0.1:{port}/x"),
            "database",
            &["configuration"],
        ),
    ] {
        fleet = fleet.with(REDIS, &redis).with(variable, &url);
        let checks = fleet.doctor(5).await;
        let line = checks.iter().find(|check| check["check"] == silent).unwrap();
        assert_eq!(line["result"], "failed", "{line}");
        // Its connection may have been begun a moment before its line, and then it gives up a moment before.
        let detail = line["detail"].as_str().unwrap();
        assert!(
            detail == "no answer within 5 s" || detail.ends_with("cannot be reached: timed out"),
            "{line}"
        );
        for other in others {
            assert_ne!(result(&checks, other), "failed", "{checks:?}");
        }
    }
}

#[tokio::test]
async fn a_redis_that_may_forget_is_warned_about_and_a_cluster_is_refused() {
    let fleet = Fleet::migrated().await;
    let forgetful = PrivateRedis::start_with(&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]);
    let fleet = fleet.with(REDIS, &forgetful.tcp_url());
    assert_eq!(result(&fleet.doctor(0).await, "redis"), "warning");

    let cluster = PrivateRedis::start_with(&["--cluster-enabled", "yes"]);
    let fleet = fleet.with(REDIS, &cluster.tcp_url());
    assert_eq!(result(&fleet.doctor(5).await, "redis"), "failed");
    let refused = fleet.world.run("serve --listen 127.0.0.1:0").await.expect(2);
    refused.says("Redis Cluster");
}
