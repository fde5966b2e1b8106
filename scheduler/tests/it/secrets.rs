//! Every secret at every sink: what is said, logged, traced, counted, stored in clear, kept in Redis, answered over HTTP.

use std::path::Path;

use ledgerfleet_emulator::{
    CompanySpec, Connector, EchoPlace, Emulator, EmulatorOptions, FaultKind, FaultSpec, Rate,
    RunningEmulator, Size, Surface,
};
use ledgerfleet_testkit::{Collector, postgres_program};

use crate::fleet::{DATABASE, Fleet, REDIS, Worker};
use crate::http::send;
use crate::world::World;

/// Of no secret does a part of so many bytes stay.
const PIECE: usize = 12;

/// The key of the HTTP API that stands in the settings, the keys of a collector, and passwords of servers.
const CONFIGURED: &str = "configured-key-of-the-api-Xq7Zt2Lm";
const COLLECTORS: &str = "collectors-own-key-81hf";
const PASSWORD: &str = "pa55word-of-servers";

/// What a run of commands has left, by where it stands.
type Sinks = Vec<(String, String)>;

/// One company of each connector.
async fn companies() -> RunningEmulator {
    let company = |name, connector| CompanySpec {
        connector,
        ..CompanySpec::new(name, Size::Small)
    };
    let options = EmulatorOptions {
        rate: Rate::Off,
        days: 30,
        companies: vec![
            company("demo-us", Connector::QuickBooks),
            company("tienda", Connector::Contifico),
        ],
        ..EmulatorOptions::default()
    };
    Emulator::start(options).await.unwrap()
}

fn settings(world: World, emulator: &RunningEmulator, collector: &Collector) -> World {
    world
        .with(
            "LEDGERFLEET_CONTIFICO_API_URL",
            &format!("{}/sistema", emulator.url()),
        )
        .with("LEDGERFLEET_CONTIFICO_REQUESTS_PER_SECOND", "200")
        .with("LEDGERFLEET_TIME_SCALE", "0.05")
        .with("LEDGERFLEET_API_KEY", CONFIGURED)
        .with("LEDGERFLEET_LOG_FORMAT", "json")
        .with("LEDGERFLEET_LOG_LEVEL", "debug")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .with(
            "OTEL_EXPORTER_OTLP_HEADERS",
            &format!("authorization=Bearer%20{COLLECTORS}"),
        )
}

async fn connect(world: &World, emulator: &RunningEmulator) {
    let info = emulator.info();
    world.connect(&info.companies[0]).await;
    let key = world.write("tienda.key", info.companies[1].api_key.as_ref().unwrap());
    let line = format!(
        "connection add contifico --yes --name tienda --api-key-file {}",
        key.display()
    );
    world.run(&line).await.expect(0);
}

/// An upstream that repeats what it is sent, whole and in part, in words that nobody has written.
fn repeat(emulator: &RunningEmulator, company: &str, on: Surface, place: EchoPlace, more: &str) {
    let text = format!("\u{202e}no\u{1b}[31m $TOKEN, '$AUTHORIZATION' {more}");
    emulator.set_fault(FaultSpec {
        on: Some(on),
        company: Some(company.to_owned()),
        ..FaultSpec::always(FaultKind::Echo {
            place,
            text,
            status: 400,
        })
    });
}

/// Commands that fail because of what the upstream answers, and those that tell of it afterwards.
async fn fail_and_tell(world: &World, emulator: &RunningEmulator) -> Sinks {
    let mut said = Sinks::new();
    let mut run = async |line: &str| {
        let ended = world.run(line).await;
        said.push((line.to_owned(), format!("{}{}", ended.stdout, ended.stderr)));
    };
    let info = emulator.info();
    let sent = [&info.client_secret, &info.companies[0].refresh_token].map(|secret| {
        let (half, _) = secret.split_at(secret.len() / 2 + PIECE);
        format!("{secret} {half}")
    });
    run("connection test demo-us -vv").await;
    run("connection test tienda -vv").await;
    let key = info.companies[1].api_key.clone().unwrap();
    repeat(emulator, "demo-us", Surface::Api, EchoPlace::Class, "");
    repeat(
        emulator,
        "tienda",
        Surface::Api,
        EchoPlace::Class,
        &key[..2 * PIECE],
    );
    let range = "--from 2026-06-20 --to 2026-06-21 --wait";
    run(&format!(
        "backfill --connection demo-us --entity invoice {range} -vv"
    ))
    .await;
    run(&format!(
        "backfill --connection tienda --entity sales {range} -vv"
    ))
    .await;
    run("verify --connection demo-us --entity invoice --from 2026-06-20 --to 2026-06-20").await;
    run("connection test tienda").await;
    emulator.clear_faults();
    emulator.set_fault("expired,times=1".parse().unwrap());
    repeat(
        emulator,
        "demo-us",
        Surface::Token,
        EchoPlace::Description,
        &sent.join(" "),
    );
    run("connection test demo-us").await;
    emulator.clear_faults();
    for line in [
        "dlq list",
        "dlq show last -o json",
        "dlq show last",
        "run list",
        "run show last -o json",
        "connection show demo-us -o json",
        "connection show tienda",
        "config show --origin",
        "status",
        "doctor -vv",
    ] {
        run(line).await;
    }
    said
}

/// What a server answers, also to who has no key or a wrong one.
async fn serve_and_ask(world: &World) -> Sinks {
    let server = world
        .start("serve --listen 127.0.0.1:0 -vv", "serving http://")
        .await;
    let address = server.address_of("serving http://");
    let configured = format!("Bearer {CONFIGURED}");
    let wrong = format!("Bearer {CONFIGURED}x");
    let mut said = Sinks::new();
    for (path, key) in [
        ("/metrics", &configured),
        ("/readyz", &configured),
        ("/api/v1/status", &configured),
        ("/api/v1/dead-letters", &configured),
        ("/api/v1/connections", &configured),
        ("/api/v1/runs", &configured),
        ("/api/v1/runs", &wrong),
        ("/api/v1/runs/nothing", &configured),
    ] {
        let answer = send(&address, "GET", path, &[("Authorization", key)], "").await;
        said.push((format!("{path} {}", answer.status), answer.head + &answer.body));
    }
    let ended = server.end_with("TERM").await;
    said.push(("serve".to_owned(), ended.stdout + &ended.stderr));
    said
}

/// Settings that are wrong, each with a secret in it.
async fn refuse_settings(world: &World) -> Sinks {
    let url = |scheme: &str, rest: &str| format!("{scheme}://me:{PASSWORD}@{rest}");
    let mut said = Sinks::new();
    for (name, value) in [
        (DATABASE, url("postgres", "127.0.0.1:9/books")),
        (DATABASE, url("postgres", "a:1,b:2/books")),
        (DATABASE, url("mysql", "127.0.0.1/books")),
        (DATABASE, url("postgres", "127.0.0.1:9/books?sslmode=perhaps")),
        (REDIS, url("redis", "127.0.0.1:9")),
        (REDIS, url("http", "127.0.0.1:9")),
        (REDIS, url("redis", "127.0.0.1:9/no-number")),
        ("LEDGERFLEET_MASTER_KEY", format!("lfk1_{PASSWORD}")),
        ("LEDGERFLEET_MASTER_KEY", format!("lfk2_{PASSWORD}")),
        ("LEDGERFLEET_API_KEY", PASSWORD.to_owned()),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            format!("no header {PASSWORD}\u{7f}"),
        ),
        ("LEDGERFLEET_QUICKBOOKS_API_URL", url("https", "127.0.0.1:9")),
        ("LEDGERFLEET_CONTIFICO_API_URL", url("ftp", "127.0.0.1:9")),
    ] {
        let ended = world.elsewhere(name, &value).run("connection list").await;
        said.push((format!("{name}={value}"), ended.stdout + &ended.stderr));
    }
    said
}

/// Every secret there is, by name.
fn secrets(world: &World, emulator: &RunningEmulator, key: &str) -> Vec<(&'static str, String)> {
    let info = emulator.info();
    let master = key.trim().strip_prefix("lfk1_").unwrap().to_owned();
    let mut secrets = vec![
        ("client secret", info.client_secret.clone()),
        ("refresh token", info.companies[0].refresh_token.clone()),
        ("access token", "eyJlbmMiOiJBMTI4".to_owned()),
        ("key of Contífico", info.companies[1].api_key.clone().unwrap()),
        ("key of the HTTP API", CONFIGURED.to_owned()),
        ("master key", master),
        ("key of a collector", COLLECTORS.to_owned()),
        ("password of a server", PASSWORD.to_owned()),
    ];
    let made = std::fs::read_to_string(world.path("made.key")).unwrap();
    secrets.push(("made key of the HTTP API", made));
    secrets
}

async fn make_key(world: &World) {
    let made = world
        .run("api-key create --name shop --scope read -o json")
        .await
        .expect(0)
        .json();
    let (_, secret) = made["key"].as_str().unwrap().rsplit_once('_').unwrap();
    world.write("made.key", secret);
}

/// That what the upstream repeats has reached people at all, without what is secret in it.
#[track_caller]
fn assert_repeated(sinks: &Sinks) {
    let dead = sinks.iter().find(|(line, _)| line == "dlq show last").unwrap();
    assert!(dead.1.contains("[secret]"), "{dead:?}");
}

#[track_caller]
fn assert_nothing_stays(secrets: &[(&str, String)], sinks: &Sinks) {
    for (place, text) in sinks {
        for (name, secret) in secrets {
            let found = secret
                .as_bytes()
                .windows(PIECE)
                .filter_map(|piece| std::str::from_utf8(piece).ok())
                .find(|piece| text.contains(piece));
            assert!(
                found.is_none(),
                "of the {name} stays {found:?} at {place}: {text}"
            );
        }
        let steering = text.chars().find(|c| "\u{202e}\u{1b}\u{9b}".contains(*c));
        assert!(
            steering.is_none() || place.starts_with("file "),
            "{steering:?} at {place}: {text}"
        );
    }
}

fn file(path: &Path) -> (String, String) {
    let bytes = std::fs::read(path).unwrap_or_default();
    let name = format!("file {}", path.display());
    (name, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn no_secret_of_one_process_reaches_any_sink() {
    let (emulator, collector) = (companies().await, Collector::start().await);
    let world = settings(World::beside(&emulator), &emulator, &collector);
    connect(&world, &emulator).await;
    make_key(&world).await;
    let mut sinks = fail_and_tell(&world, &emulator).await;
    assert_repeated(&sinks);
    let logs: String = sinks.iter().map(|(_, said)| said.as_str()).collect();
    assert!(logs.contains("\"level\":\"DEBUG\""), "{logs}");
    let logged = world.with("LEDGERFLEET_LOG_FILE", "logs/all.json");
    sinks.extend(serve_and_ask(&logged).await);
    sinks.push(file(&logged.path("logs/all.json")));
    assert!(collector.text().contains("ledgerfleet.entity"));
    sinks.push(("file of spans".to_owned(), collector.text()));
    sinks.extend(["ledgerfleet.db", "ledgerfleet.db-wal"].map(|name| file(&logged.path(name))));
    let key = std::fs::read_to_string(logged.path("ledgerfleet.db.key")).unwrap();
    assert_nothing_stays(&secrets(&logged, &emulator, &key), &sinks);
}

#[tokio::test]
async fn no_secret_of_a_fleet_reaches_any_sink() {
    let (emulator, collector) = (companies().await, Collector::start().await);
    let fleet = Fleet::migrated_beside(emulator).await;
    fleet
        .redis
        .command(&format!("ACL SETUSER fleet on >{PASSWORD} ~* &* +@all"));
    let redis = format!("redis://fleet:{PASSWORD}@127.0.0.1:{}", fleet.redis.port());
    let database = fleet.postgres.url("postgres");
    let database = format!("{database}&password={PASSWORD}");
    let fleet = fleet.with(REDIS, &redis).with(DATABASE, &database);
    let Fleet {
        world,
        emulator,
        postgres,
        redis,
    } = fleet;
    let world = settings(world, &emulator, &collector);
    connect(&world, &emulator).await;
    make_key(&world).await;
    let fleet = Fleet {
        world,
        emulator,
        postgres,
        redis,
    };
    let worker = Worker::beside(&fleet).await;
    let mut sinks = fail_and_tell(&fleet.world, &fleet.emulator).await;
    assert_repeated(&sinks);
    sinks.extend(serve_and_ask(&fleet.world).await);
    sinks.extend(refuse_settings(&fleet.world).await);
    worker.stop().await;
    fleet.redis.command("CONFIG SET rdbcompression no");
    fleet.redis.command("SAVE");
    sinks.push(file(&fleet.redis.directory().join("dump.rdb")));
    sinks.push((
        "file Postgres".to_owned(),
        dumped(&fleet.postgres.url("postgres")),
    ));
    let variables = fleet.world.variables();
    let key = variables
        .iter()
        .find(|(name, _)| name == "LEDGERFLEET_MASTER_KEY");
    assert_nothing_stays(&secrets(&fleet.world, &fleet.emulator, &key.unwrap().1), &sinks);
}

/// All that a database holds, as text.
fn dumped(url: &str) -> String {
    let dump = std::process::Command::new(postgres_program("pg_dump"))
        .args(["--dbname", url])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&dump.stdout).into_owned();
    assert!(text.contains("COPY fleet.segment"), "{dump:?}");
    text
}
