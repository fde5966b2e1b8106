//! The story of the README through the HTTP API alone, in both shapes: a company is connected by browser, copied, followed; what
//! died is found and sent again; records are fetched; it is kept in sync, and removed.

use std::time::Duration;

use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator};
use serde_json::{Value, json};

use crate::fleet::{Fleet, Worker};
use crate::http::get;
use crate::served::{Served, invoices};
use crate::world::{World, emulator};

/// A server to which browsers come back.
async fn serve(world: World) -> Served {
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = probe.local_addr().unwrap().to_string();
    drop(probe);
    let callback = format!("http://{address}/connect/quickbooks/callback");
    let world = world.with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", &callback);
    let server = world
        .start(&format!("serve --listen {address}"), "serving http://")
        .await;
    Served {
        world,
        server,
        address,
    }
}

#[tokio::test]
async fn the_whole_story_goes_through_the_api_on_a_file() {
    let emulator = emulator().await;
    let served = serve(World::beside(&emulator)).await;
    story(&served, &emulator).await;
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn the_whole_story_goes_through_the_api_in_a_fleet() {
    let fleet = Fleet::migrated().await;
    let worker = Worker::beside(&fleet).await;
    let served = serve(fleet.world.elsewhere("NO_COLOR", "1")).await;
    story(&served, &fleet.emulator).await;
    served.server.end_with("TERM").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such_and_is_asked_again_later() {
    let mut fleet = Fleet::migrated().await;
    let served = serve(fleet.world.elsewhere("NO_COLOR", "1")).await;
    let key = served.key("k", "--scope read,run,admin").await;
    served.get_with("/api/v1/connections", &key).await.expect(200);
    fleet.postgres.kill();
    for path in [
        "/api/v1/connections",
        "/api/v1/status",
        "/api/v1/runs",
        "/api/v1/audit",
    ] {
        let told = served.get_with(path, &key).await.expect(503);
        assert_eq!(told.json()["cause"], "dependency_down", "{path}");
        assert!(told.header("retry-after").is_some(), "{path}: {told:?}");
    }
    fleet.postgres.start_again();
    served.get_with("/api/v1/connections", &key).await.expect(200);
    served.server.end_with("TERM").await;
}

async fn story(served: &Served, emulator: &RunningEmulator) {
    connect(served, emulator).await;
    let run = served.backfill("acme").await;
    assert_eq!(
        (&run["state"], &run["dead"]),
        (&json!("done"), &json!(0)),
        "{run}"
    );
    dead_letters(served, emulator).await;
    records(served).await;
    sync(served).await;
    verify(served, emulator).await;
    plans(served).await;
    triggers(served).await;
    what_is_told(served).await;
    upkeep(served).await;
}

async fn connect(served: &Served, emulator: &RunningEmulator) {
    let us = &emulator.info().companies[0];
    let begun = served
        .post("/api/v1/connections/authorize", &json!({"name": "acme"}))
        .await;
    let page = begun.expect(200).json()["address"].as_str().unwrap().to_owned();
    let chosen = get(&format!("{page}&company={}", us.realm)).await.expect(302);
    get(chosen.header("location").unwrap()).await.expect(200);
    let tested = crate::http::send(&served.address, "POST", "/api/v1/connections/acme/test", &[], "")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&tested["state"], &tested["account"]),
        (&json!("active"), &json!(us.realm)),
        "{tested}"
    );
    assert!(tested["seconds"].as_f64().unwrap() > 0.0, "{tested}");
}

async fn dead_letters(served: &Served, emulator: &RunningEmulator) {
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let june =
        json!({"connections": ["acme"], "entities": ["bill"], "from": "2026-06-01", "to": "2026-06-03"});
    let run = served.run_to_its_end("/api/v1/runs", &june).await;
    assert_eq!(run["dead"], 3, "{run}");
    let status = served.get("/api/v1/status").await.expect(200).json();
    assert_eq!(status["status"], "degraded");
    assert!(
        status["reasons"].to_string().contains("3 dead letters"),
        "{status}"
    );
    let which = json!({"connections": ["acme"], "entities": ["bill"]});
    let preview = served
        .post("/api/v1/dead-letters/preview", &which)
        .await
        .expect(200)
        .json();
    assert_eq!(preview["matching"], 3, "{preview}");
    emulator.clear_faults();
    let canary = json!({"connections": ["acme"], "canary": 1});
    served
        .post("/api/v1/dead-letters/replay", &canary)
        .await
        .expect(202);
    let place = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    served.get(&format!("{place}/events")).await.expect(200);
    let rest = json!({"connections": ["acme"], "per_minute": 600});
    loop {
        served
            .post("/api/v1/dead-letters/replay", &rest)
            .await
            .expect(202);
        let run = served.get(&place).await.expect(200).json();
        if run["done"] == 3 {
            return;
        }
        served.get(&format!("{place}/events")).await.expect(200);
    }
}

async fn records(served: &Served) {
    let of = "connection=acme&entity=invoice";
    let page = served
        .get(&format!("/api/v1/records?{of}&limit=2"))
        .await
        .expect(200)
        .json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let id = page["items"][0]["id"].as_str().unwrap();
    let live = served
        .get(&format!("/api/v1/records/live?{of}&id={id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&live["state"], &live["payload"]),
        (&json!("here"), &page["items"][0]["payload"])
    );
    let gone = served
        .get(&format!("/api/v1/records/live?{of}&id=987654"))
        .await
        .expect(200)
        .json();
    assert_eq!((&gone["state"], &gone["stored"]), (&json!("gone"), &Value::Null));
    served.get(&format!("/api/v1/quarantine?{of}")).await.expect(200);
    let (mut met, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/coverage?connection=acme&limit=3{cursor}");
        let page = served.get(&path).await.expect(200).json();
        met.extend(page["items"].as_array().unwrap().iter().map(ToString::to_string));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let all = served.get("/api/v1/coverage?limit=1000").await.expect(200).json();
    let all: Vec<String> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        (met.len(), &met),
        (8, &all),
        "five days of invoices, three of bills"
    );
}

async fn sync(served: &Served) {
    let short = "/api/v1/sync?resources=customer,vendor&connection=acme&full_refresh=true";
    let begun = crate::http::send(&served.address, "POST", short, &[], "")
        .await
        .expect(202);
    let place = begun.header("location").unwrap();
    assert_eq!(begun.json()["runs"][0]["connection"], "acme");
    served.get(&format!("{place}/events")).await.expect(200);
    let states = served
        .get("/api/v1/sync?connection=acme")
        .await
        .expect(200)
        .json();
    let of = |entity: &str| -> Value {
        let states = states.as_array().unwrap();
        states
            .iter()
            .find(|state| state["entity"] == entity)
            .cloned()
            .unwrap()
    };
    assert_eq!(of("customer")["state"], "in sync", "{states}");
    let both = json!({"since": "2026-06-01T00:00:00Z", "full": true});
    served.post("/api/v1/sync", &both).await.expect(400);
    served
        .post("/api/v1/sync?resources=customer", &json!({}))
        .await
        .expect(400);
    served
        .post("/api/v1/sync", &json!({"entities": ["costumer"]}))
        .await
        .expect(400);
}

/// The source is compared with what is stored; what differs is read again.
async fn verify(served: &Served, emulator: &RunningEmulator) {
    let mut wanted = invoices("acme");
    let followed = async |wanted: &Value| {
        let begun = served.post("/api/v1/verify", wanted).await.expect(202);
        let place = begun.header("location").unwrap().to_owned();
        // A key may ask 100 times a second.
        let mut paced = tokio::time::interval(Duration::from_millis(50));
        loop {
            paced.tick().await;
            let told = served.get(&place).await.expect(200).json();
            if told["state"] != "running" {
                return told;
            }
        }
    };
    let same = followed(&wanted).await;
    assert_eq!(
        (&same["state"], &same["verdict"], &same["compared"]),
        (&json!("done"), &json!("green"), &json!(1)),
        "{same}"
    );
    assert!(same["calls"].as_u64().unwrap() > 0, "{same}");
    emulator
        .mutate(Mutation {
            day: "2026-06-03".parse().ok(),
            count: 2,
            ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
        })
        .unwrap();
    wanted["fix"] = json!(true);
    let other = followed(&wanted).await;
    assert_eq!(
        (&other["state"], &other["verdict"]),
        (&json!("done"), &json!("red")),
        "{other}"
    );
    let findings = other["findings"].as_array().unwrap();
    assert_eq!(findings[0]["gone"], 2, "the worst first: {other}");
    assert_eq!(findings[0]["fix_run"], other["fix_run"], "{other}");
    let run = format!("/api/v1/runs/{}", other["fix_run"].as_str().unwrap());
    served.get(&format!("{run}/events")).await.expect(200);
    assert_eq!(followed(&wanted).await["verdict"], "green");

    // While a company is away, who asks for the same is told the same place.
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 503,
        code: 3001,
    }));
    let first = served.post("/api/v1/verify", &wanted).await.expect(202).json();
    assert_eq!(first["state"], "running", "{first}");
    let joined = served.post("/api/v1/verify", &wanted).await.expect(202).json();
    assert_eq!(joined["id"], first["id"]);
    wanted["fix"] = json!(false);
    let another = served.post("/api/v1/verify", &wanted).await.expect(202).json();
    assert_ne!(another["id"], first["id"], "that reads nothing again");
    emulator.clear_faults();
    wanted["fix"] = json!(true);
    assert_eq!(followed(&wanted).await["verdict"], "green");

    served.get("/api/v1/verify/0").await.expect(404);
    wanted["entities"] = json!(["invoces"]);
    served.post("/api/v1/verify", &wanted).await.expect(400);
}

/// What something would cost is told before, and nothing is submitted.
async fn plans(served: &Served) {
    let runs = served.get("/api/v1/runs").await.expect(200).json();
    let mut wanted = json!({
        "connections": ["acme"], "entities": ["invoice"], "from": "2026-05-01", "to": "2026-05-31", "segment": "auto",
    });
    let plan = served.post("/api/v1/runs/plan", &wanted).await.expect(200).json();
    assert_eq!(plan["total"]["segmenting"], "auto", "{plan}");
    assert_eq!(plan["otherwise"][0]["segmenting"], "day", "{plan}");
    assert_eq!(plan["otherwise"][0]["calls"]["least"], 31, "{plan}");
    assert_eq!(plan["parts"][0]["rows"], Value::Null, "nobody was asked: {plan}");
    wanted["ask"] = json!(true);
    let asked = served.post("/api/v1/runs/plan", &wanted).await.expect(200).json();
    assert!(asked["parts"][0]["rows"].as_u64().unwrap() > 0, "{asked}");
    served.post("/api/v1/runs", &wanted).await.expect(400);
    assert_eq!(served.get("/api/v1/runs").await.expect(200).json(), runs);
    let submitted = served
        .post("/api/v1/runs", &invoices("acme"))
        .await
        .expect(202)
        .json();
    let cuts: Vec<&Value> = submitted["prices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|price| &price["segmenting"])
        .collect();
    assert_eq!(cuts, ["day", "auto"], "{submitted}");
    let quota = served.get("/api/v1/quota").await.expect(200).json();
    assert_eq!(quota[0]["connector"], "quickbooks", "{quota}");
    assert_eq!(quota[0]["monthly_calls"], 500_000, "{quota}");
    served.get("/api/v1/quota?month=2026-13").await.expect(400);
    served.get("/api/v1/quota?connection=nobody").await.expect(404);
}

async fn triggers(served: &Served) {
    let backfill =
        json!({"connections": ["acme"], "entities": ["invoice"], "from": "-30d", "to": "yesterday"});
    let cron = json!({"cron": "30 2 * * *", "zone": "America/Guayaquil", "backfill": backfill});
    let made = served.post("/api/v1/triggers", &cron).await.expect(201);
    let place = made.header("location").unwrap().to_owned();
    let shown = served.get(&place).await.expect(200).json();
    assert_eq!(shown, made.json());
    assert_eq!(shown["state"], "active", "{shown}");
    let listed = served.get("/api/v1/triggers").await.expect(200).json();
    assert_eq!(listed["items"], json!([shown]), "{listed}");
    for _ in 0..2 {
        let ended = served
            .post_nothing(&format!("{place}/cancel"))
            .await
            .expect(200)
            .json();
        assert_eq!(ended["state"], "cancelled", "{ended}");
    }
    let sync = json!({"connections": ["acme"]});
    for (body, status) in [
        (json!({"cron": "30 2 * * *", "backfill": backfill}), 400),
        (json!({"cron": "61 2 * * *", "zone": "UTC", "sync": sync}), 400),
        (json!({"at": "2001-01-01T00:00:00Z", "sync": sync}), 400),
        (
            json!({"at": "2099-01-01T00:00:00Z", "cron": "30 2 * * *", "zone": "UTC", "sync": sync}),
            400,
        ),
        (json!({"at": "2099-01-01T00:00:00Z"}), 400),
        (
            json!({"at": "2099-01-01T00:00:00Z", "backfill": backfill, "sync": sync}),
            400,
        ),
        (
            json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": ["acme"], "full": true, "since": "2026-01-01"}}),
            400,
        ),
        (
            json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": ["acme"], "entities": ["costumer"]}}),
            400,
        ),
        (
            json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": ["nobody"]}}),
            404,
        ),
        (
            json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": []}}),
            400,
        ),
    ] {
        let told = served.post("/api/v1/triggers", &body).await;
        assert_eq!(told.status, status, "{body}: {told:?}");
    }
    let listed = served.get("/api/v1/triggers").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

async fn what_is_told(served: &Served) {
    let calls = served.get("/api/v1/calls").await.expect(200).json();
    let invoices = calls["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["entity"] == "invoice");
    assert!(invoices.unwrap()["calls"].as_u64().unwrap() >= 5, "{calls}");
    let before = served.get("/api/v1/calls?month=2001-01").await.expect(200).json();
    assert_eq!(before["items"], json!([]));
    served.get("/api/v1/calls?month=2001").await.expect(400);
    let audit = served.get("/api/v1/audit?limit=1000").await.expect(200).json();
    for action in [
        "run.submit",
        "sync.submit",
        "dead_letters.replay",
        "connection.test",
        "plan.ask",
        "verify.submit",
        "trigger.add",
        "trigger.cancel",
    ] {
        let rows = audit["items"].as_array().unwrap();
        let row = rows.iter().find(|row| row["action"] == action);
        assert!(row.is_some(), "{action} in {audit}");
    }
    let status = served.get("/api/v1/status").await.expect(200).json();
    assert!(!status["entities"].as_array().unwrap().is_empty(), "{status}");
    assert!(!status["sync"].as_array().unwrap().is_empty(), "{status}");
}

async fn upkeep(served: &Served) {
    let set = async |body: Value| served.post("/api/v1/connections/acme/set", &body).await;
    set(json!({"sync_every": "1s"})).await.expect(400);
    set(json!({})).await.expect(400);
    set(json!({"sync_every": "30m"})).await.expect(200);
    let moved = set(json!({"environment": "production"})).await.expect(409);
    assert!(moved.body.contains("is another one"), "{moved:?}");
    let renamed = set(json!({"name": "acme-2"})).await.expect(200).json();
    assert_eq!(renamed["name"], "acme-2", "{renamed}");
    let remove = async |body: Value| served.post("/api/v1/connections/acme-2/remove", &body).await;
    let would = remove(json!({"purge_data": true, "dry_run": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&would["removed"], &would["records"]),
        (&json!(false), &would["records_deleted"]),
        "{would}"
    );
    let meant = json!({"purge_data": true, "confirm": true, "records": would["records"]});
    let done = remove(meant).await.expect(200).json();
    assert_eq!(done["records_deleted"], would["records"], "{done}");
    served.get("/api/v1/connections/acme-2").await.expect(404);
    served.post("/api/v1/runs", &invoices("acme-2")).await.expect(404);
}
