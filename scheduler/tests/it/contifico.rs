//! A company of Contífico on the command line: added with a key, tested, copied, compared; and what is refused.

use std::path::Path;

use ledgerfleet_emulator::{
    CompanyInfo, CompanySpec, Connector, ContificoKind, ContificoMutation, ContificoSwitches, Emulator,
    EmulatorOptions, FaultSpec, PosAnswer, Rate, RunningEmulator, Size, Switches,
};

use crate::world::{Ended, World};

/// An emulator of two shops.
async fn shops(contifico: ContificoSwitches) -> RunningEmulator {
    let shop = |name| CompanySpec {
        connector: Connector::Contifico,
        ..CompanySpec::new(name, Size::Small)
    };
    let options = EmulatorOptions {
        rate: Rate::Off,
        days: 40,
        companies: vec![shop("tienda"), shop("bodega")],
        switches: Switches {
            contifico,
            ..Switches::default()
        },
        ..EmulatorOptions::default()
    };
    Emulator::start(options).await.unwrap()
}

/// A world whose settings point at it.
fn beside(emulator: &RunningEmulator) -> World {
    World::new()
        .with(
            "LEDGERFLEET_CONTIFICO_API_URL",
            &format!("{}/sistema", emulator.url()),
        )
        .with("LEDGERFLEET_CONTIFICO_REQUESTS_PER_SECOND", "200")
        .with("LEDGERFLEET_CONTIFICO_SLOTS", "8")
}

impl World {
    fn key_of(&self, company: &CompanyInfo) -> std::path::PathBuf {
        self.write(
            &format!("{}.key", company.name),
            &format!("{}\n", company.api_key.as_ref().unwrap()),
        )
    }

    async fn add(&self, name: &str, key: &Path, more: &str) -> Ended {
        let line = format!(
            "connection add contifico --yes --name {name} --api-key-file {} {more}",
            key.display()
        );
        self.run(&line).await
    }
}

#[tokio::test]
async fn a_company_is_added_by_its_key_tested_copied_and_compared() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let company = &emulator.info().companies[0];
    world
        .add("tienda", &world.key_of(company), "")
        .await
        .expect(0)
        .says("whose books its key opens");
    assert_eq!(emulator.summary().requests, 0, "adding makes no call");
    world
        .run("connection test tienda")
        .await
        .expect(0)
        .says(&format!("RUC {}", company.realm));
    let shown = world.run("connection show tienda -o json").await.expect(0).json();
    assert_eq!(shown["account"], company.realm.as_str(), "the RUC is pinned");
    assert_eq!(shown["time_zone"], "America/Guayaquil");
    let range = "--from 2026-06-20 --to 2026-06-30";
    let copied = world
        .run(&format!(
            "backfill --connection tienda --entity all {range} --wait -o json"
        ))
        .await
        .expect(0)
        .json();
    assert!(copied["rows"].as_u64() > Some(0), "{copied}");
    let verified = world
        .run(&format!(
            "verify --connection tienda --entity all {range} --strict -o json"
        ))
        .await
        .expect(0)
        .json();
    let sales: Vec<_> = verified
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["entity"] == "sales")
        .collect();
    assert!(!sales.is_empty(), "{verified}");
    world
        .run("records --connection tienda --entity persons --limit 1")
        .await
        .expect(0);
    world.run("doctor").await;
}

#[tokio::test]
async fn verify_tells_what_was_paid_late_and_what_was_deleted_silently() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    world
        .add("tienda", &world.key_of(&emulator.info().companies[0]), "")
        .await
        .expect(0);
    let range = "--connection tienda --entity sales,products --from 2026-06-01 --to 2026-06-30";
    world.run(&format!("backfill {range} --wait")).await.expect(0);
    for (entity, kind) in [("sales", ContificoKind::Pay), ("products", ContificoKind::Delete)] {
        let mutation = ContificoMutation::new("tienda", entity, kind);
        emulator.mutate_contifico(mutation).unwrap();
    }
    world.run(&format!("verify {range}")).await.expect(1);
    world.run(&format!("backfill {range} --wait")).await.expect(0);
    world.run(&format!("verify {range} --strict")).await.expect(0);
}

#[tokio::test]
async fn a_key_of_another_company_is_refused_before_anything_is_read_with_it() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let [tienda, bodega] = &emulator.info().companies[..] else {
        panic!("two shops")
    };
    world.add("tienda", &world.key_of(tienda), "").await.expect(0);
    world.run("connection test tienda").await.expect(0);
    world
        .add("tienda", &world.key_of(bodega), "")
        .await
        .expect(0)
        .says("waits to be tested");
    let backfill = "backfill --connection tienda --entity products --from 2026-06-01 --to 2026-06-30 --wait";
    let before = emulator.summary().requests;
    world.run(backfill).await.expect(4);
    assert_eq!(
        emulator.summary().requests,
        before,
        "nothing is read with an untested key"
    );
    let refused = world.run("connection test tienda").await.expect(4);
    let refused = refused.says(&tienda.realm).says(&bodega.realm);
    for secret in [&bodega.api_key, &bodega.api_token] {
        assert!(
            !refused.stderr.contains(secret.as_deref().unwrap()),
            "{}",
            refused.stderr
        );
    }
    world.add("tienda", &world.key_of(tienda), "").await.expect(0);
    world
        .run("connection test tienda")
        .await
        .expect(0)
        .says("active again");
    world.run(backfill).await.expect(0);
    world.add("copy", &world.key_of(tienda), "").await.expect(0);
    world
        .run("connection test copy")
        .await
        .expect(4)
        .says("connected already");
}

#[tokio::test]
async fn a_key_is_not_replaced_while_segments_run_and_a_replaced_one_waits_to_be_tested() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let [tienda, bodega] = &emulator.info().companies[..] else {
        panic!("two shops")
    };
    world.add("tienda", &world.key_of(tienda), "").await.expect(0);
    world.run("connection test tienda").await.expect(0);
    emulator.set_fault("delay=600000,entity=products".parse::<FaultSpec>().unwrap());
    let before = emulator.summary().requests;
    let backfill = "backfill --connection tienda --entity products --from 2026-06-01 --to 2026-06-30 --wait";
    let running = world.start(backfill, "").await;
    while emulator.summary().requests == before {
        tokio::task::yield_now().await;
    }
    world
        .add("tienda", &world.key_of(bodega), "")
        .await
        .expect(1)
        .says("connection pause tienda");
    let shown = world.run("connection show tienda -o json").await.expect(0).json();
    assert_eq!(shown["state"], "active", "nothing has changed: {shown}");
    running.end_with("KILL").await;
}

#[tokio::test]
async fn a_paused_company_with_another_key_is_not_resumed_before_the_key_was_tested() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let [tienda, bodega] = &emulator.info().companies[..] else {
        panic!("two shops")
    };
    world.add("tienda", &world.key_of(tienda), "").await.expect(0);
    world.run("connection test tienda").await.expect(0);
    world.run("connection pause tienda").await.expect(0);
    world
        .add("tienda", &world.key_of(bodega), "")
        .await
        .expect(0)
        .says("waits to be tested");
    world.run("connection resume tienda").await.expect(4);
    world
        .run("connection test tienda")
        .await
        .expect(4)
        .says(&bodega.realm);
}

#[tokio::test]
async fn a_removed_company_that_is_added_again_has_its_books_once_and_an_untested_key_reads_nothing() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let tienda = &emulator.info().companies[0];
    world.add("tienda", &world.key_of(tienda), "").await.expect(0);
    world.run("connection test tienda").await.expect(0);
    let backfill = "backfill --connection shop --entity sales --from 2026-06-20 --to 2026-06-30 --wait";
    world.run(&backfill.replace("shop", "tienda")).await.expect(0);
    let records = "records --entity sales --limit 1000 -o json --connection";
    let before = world.run(&format!("{records} tienda")).await.expect(0).json();
    world.run("connection remove tienda --yes").await.expect(0);
    let checks = world.run("doctor -o json").await.json();
    let keys = |checks: &serde_json::Value| {
        let mut checks = checks.as_array().unwrap().iter();
        checks.find(|check| check["check"] == "quickbooks keys").unwrap()["result"].clone()
    };
    assert_eq!(keys(&checks), "warning", "nobody is connected");

    world
        .add("shop", &world.key_of(tienda), "")
        .await
        .expect(0)
        .says("may be it");
    // Neither is it paused and resumed into being read.
    world.run("connection pause shop").await.expect(4);
    world.run("connection resume shop").await.expect(4);
    world
        .run("connection test shop")
        .await
        .expect(0)
        .says("its history");
    assert_eq!(
        world.run(&format!("{records} shop")).await.expect(0).json(),
        before
    );
    world.run(backfill).await.expect(0);
    let after = world.run(&format!("{records} shop")).await.expect(0).json();
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len());
    let checks = world.run("doctor -o json").await.json();
    assert_eq!(keys(&checks), "ok", "a company of Contífico alone needs none");
}

#[tokio::test]
async fn a_company_that_tells_no_ruc_is_tested_all_the_same() {
    for pos in [
        PosAnswer::Absent,
        PosAnswer::Refused,
        PosAnswer::NotAcceptable,
        PosAnswer::Failing,
        PosAnswer::Empty,
        PosAnswer::NullRuc,
    ] {
        let emulator = shops(ContificoSwitches {
            pos,
            ..ContificoSwitches::default()
        })
        .await;
        let world = beside(&emulator);
        world
            .add("tienda", &world.key_of(&emulator.info().companies[0]), "")
            .await
            .expect(0);
        world
            .run("connection test tienda")
            .await
            .expect(0)
            .says("tells no RUC");
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let company = &emulator.info().companies[0];
    let key = world.key_of(company);
    let token = world.write("token", company.api_token.as_ref().unwrap());
    for (name, file, more, code, says) in [
        ("empty", world.write("empty", "\n"), "", 2, "the file is empty"),
        ("words", world.write("words", "a b"), "", 2, "more than one word"),
        (
            "odd",
            world.write("odd", "clavé"),
            "",
            2,
            "characters that no key",
        ),
        ("absent", world.path("nowhere"), "", 2, "no API key can be read"),
        (
            "elsewhere",
            key.clone(),
            "--api-url https://evil.example/sistema",
            2,
            "is no address of Contífico",
        ),
        (
            "like",
            key.clone(),
            "--api-url https://contifico.com.evil.example/",
            2,
            "is no address of Contífico",
        ),
        (
            "plain",
            key.clone(),
            "--api-url http://api.contifico.com/sistema",
            2,
            "is no address of Contífico",
        ),
        (
            "no-url",
            key.clone(),
            "--api-url nowhere",
            2,
            "is no address of an API",
        ),
        (
            "twice",
            token.clone(),
            &format!("--api-token-file {}", token.display()),
            2,
            "the same text",
        ),
        ("env", key.clone(), "--environment production", 2, "--environment"),
    ] {
        world.add(name, &file, more).await.expect(code).says(says);
    }
    world.add("with-token", &token, "").await.expect(0);
    world
        .run("connection test with-token")
        .await
        .expect(4)
        .says("looks like the API token");
    let wrong = world.write("wrong", "no-key-of-anyone");
    world.add("wrong", &wrong, "").await.expect(0);
    world
        .run("connection test wrong")
        .await
        .expect(4)
        .says("no company has this API key");
    let local = format!("--api-url {}/sistema", emulator.url());
    world.add("tienda", &key, &local).await.expect(0);
    world.run("connection test tienda").await.expect(0);
    let days = "--from 2026-06-01 --to 2026-06-30";
    for (line, says) in [
        (
            format!("backfill --connection tienda --entity produts {days}"),
            "products",
        ),
        (
            "backfill --connection tienda --entity products --from 2026-06-30 --to 2026-06-01".to_owned(),
            "before it starts",
        ),
        (
            format!("backfill --connection tienda --entity products {days} --page-size 0"),
            "page-size",
        ),
        (
            format!("backfill --connection tienda --entity products {days} --page-size 100000"),
            "page-size",
        ),
        (
            "connection set tienda --environment sandbox".to_owned(),
            "no environments",
        ),
    ] {
        world.run(&line).await.expect(2).says(says);
    }
}

#[tokio::test]
async fn the_log_shows_what_was_asked_and_answered_and_no_key() {
    let emulator = shops(ContificoSwitches::default()).await;
    let world = beside(&emulator);
    let company = &emulator.info().companies[0];
    world.add("tienda", &world.key_of(company), "").await.expect(0);
    let world = world
        .with("LEDGERFLEET_LOG_LEVEL", "debug")
        .with("LEDGERFLEET_LOG_FILE", "logs/deep/ledgerfleet.log");
    world.run("connection test tienda").await.expect(0);
    let range = "--from 2026-06-29 --to 2026-06-30";
    let backfill = format!("backfill --connection tienda --entity sales {range} --wait");
    world.run(&backfill).await.expect(0);
    let log = std::fs::read_to_string(world.path("logs/deep/ledgerfleet.log")).unwrap();
    for shown in [
        "/sistema/api/v2/pos/",
        "razon_social",
        "fecha_emision=29/06/2026",
        "status=200",
    ] {
        assert!(log.contains(shown), "no {shown} in {log}");
    }
    for secret in [&company.api_key, &company.api_token] {
        assert!(!log.contains(secret.as_deref().unwrap()), "a secret in {log}");
    }
}
