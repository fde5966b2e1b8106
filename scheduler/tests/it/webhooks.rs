//! Webhooks, received by the real program: what is taken, what is refused, and what comes of it.

use std::time::{Duration, Instant};

use futures::StreamExt;
use ledgerfleet_emulator::{
    Mutation, MutationKind, RunningEmulator, WebhookForm, WebhookTarget, webhook_signature,
};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::fleet::{Fleet, Worker};
use crate::http::{Answered, raw, send};
use crate::world::{Running, World, emulator};

const TOKEN: &str = "the token of now";
const FORMER: &str = "the token of yesterday";

/// A company that is kept in sync, and is not due for a day; then a server.
async fn serve(world: &World, emulator: &RunningEmulator) -> (Running, String) {
    let company = &emulator.info().companies[0];
    world.connect(company).await;
    world
        .run("connection set demo-us --sync-every 24h")
        .await
        .expect(0);
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = server.address_of("serving http://");
    (server, address)
}

fn with_tokens(world: World) -> World {
    world
        .with("LEDGERFLEET_QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN", TOKEN)
        .with("LEDGERFLEET_QUICKBOOKS_WEBHOOK_FORMER_VERIFIER_TOKEN", FORMER)
}

async fn post(address: &str, path: &str, signature: &str, body: &str) -> Answered {
    let headers = [
        ("intuit-signature", signature),
        ("Content-Type", "application/cloudevents+json"),
        ("User-Agent", "intuit_notification_server/0.1"),
    ];
    send(address, "POST", path, &headers, body).await
}

async fn post_signed(address: &str, body: &str) -> Answered {
    post(
        address,
        "/webhooks/quickbooks",
        &webhook_signature(body, TOKEN),
        body,
    )
    .await
}

fn event(id: &str, realm: &str, kind: &str, record: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"{kind}","time":"2026-06-30T21:31:25.179851517Z","intuitentityid":"{record}","intuitaccountid":"{realm}","data":{{}}}}"#
    )
}

/// A line of the metrics.
async fn counted(address: &str, result: &str) -> u64 {
    let text = send(address, "GET", "/metrics", &[], "").await.expect(200).body;
    let name = format!("ledgerfleet_webhook_events_total{{result=\"{result}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

#[tokio::test]
async fn a_delivery_is_answered_by_its_signature_and_nothing_inside_it_is_refused() {
    let emulator = emulator().await;
    let world = with_tokens(World::beside(&emulator));
    let (_server, address) = serve(&world, &emulator).await;
    let realm = emulator.info().companies[0].realm.clone();
    let good = event("a", &realm, "qbo.invoice.updated.v1", "1");
    let whole = format!("[{good}]");
    let path = "/webhooks/quickbooks";
    for (path, by, status) in [
        (path, TOKEN, 200),
        (path, FORMER, 200),
        ("/webhooks/quickbooks/", TOKEN, 200),
        ("//webhooks/quickbooks", TOKEN, 200),
        ("/webhooks/quickbooks?x=1", TOKEN, 200),
        (path, "another token", 401),
    ] {
        let signature = webhook_signature(&whole, by);
        post(&address, path, &signature, &whole).await.expect(status);
    }
    assert_eq!(
        (
            counted(&address, "accepted").await,
            counted(&address, "duplicate").await
        ),
        (1, 4)
    );
    let signature = webhook_signature(&whole, TOKEN);
    post(&address, path, &signature, &format!("{whole}\n"))
        .await
        .expect(401);
    let two = [
        ("intuit-signature", signature.as_str()),
        ("Intuit-Signature", "other"),
    ];
    send(&address, "POST", path, &two, &whole).await.expect(401);
    send(&address, "POST", path, &[], &whole).await.expect(401);
    for method in ["GET", "PUT"] {
        send(&address, method, path, &[], "").await.expect(405);
    }
    let told =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nintuit-signature: {signature}\r\n");
    raw(&address, &format!("{told}Content-Length: 41943040\r\n\r\n"))
        .await
        .expect(413);
    assert_eq!(counted(&address, "refused").await, 5);

    for body in [
        "[]",
        "{}",
        r#"[1,"x"]"#,
        "null",
        "text",
        "",
        "[1e400]",
        &"[".repeat(5_000),
    ] {
        post_signed(&address, body).await.expect(200);
    }
    let mixed = [
        event("b", &realm, "qbo.invoice.updated.v1", "2"),
        event("c", &realm, "qbo.yacht.updated.v1", "2"),
        r#"{"type":"qbo.invoice.updated.v1"}"#.to_owned(),
        // The portal sends such ones when its button is pressed.
        event("d", "310687", "qbo.account.created.v1", "1234"),
        event("e", &realm, "qbo.bill.deleted.v1", "3"),
    ];
    let mixed = format!("[{}]", mixed.join(","));
    post_signed(&address, &mixed).await.expect(200);
    // Beyond what servers take as a rule: six megabytes.
    let long = format!(r#""data":{{"note":"{}"}}"#, "x".repeat(6_000));
    let many: Vec<String> = (0..1_000)
        .map(|number| {
            event(
                &format!("many-{number}"),
                "310687",
                "qbo.invoice.updated.v1",
                &number.to_string(),
            )
        })
        .map(|event| event.replace(r#""data":{}"#, &long))
        .collect();
    let many = format!("[{}]", many.join(","));
    post_signed(&address, &many).await.expect(200);
    let all = [
        "accepted",
        "duplicate",
        "unknown_company",
        "unknown_kind",
        "unreadable",
        "refused",
        "not_stored",
    ];
    let mut counts = Vec::new();
    for result in all {
        counts.push(counted(&address, result).await);
    }
    assert_eq!(counts, [3, 4, 1_001, 1, 9, 5, 0]);
}

#[tokio::test]
async fn without_a_token_webhooks_are_put_off_and_the_doctor_says_what_is_missing() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let (_server, address) = serve(&world, &emulator).await;
    let answered = post_signed(&address, "[]").await.expect(503);
    assert!(answered.header("retry-after").is_some(), "{answered:?}");
    let checks = world.run("doctor -o json").await.json();
    let check = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == "webhooks");
    assert!(
        check.unwrap()["detail"]
            .as_str()
            .unwrap()
            .contains("no verifier token is set"),
        "{check:?}"
    );
}

/// What the warehouse holds of some ids: (id, whether it is a tombstone).
trait Warehouse {
    async fn stored(&mut self, table: &str) -> Vec<(String, bool)>;
}

struct File(World);

impl Warehouse for File {
    async fn stored(&mut self, table: &str) -> Vec<(String, bool)> {
        let file = format!("sqlite://{}?mode=ro", self.0.path("ledgerfleet.db").display());
        let mut database = SqliteConnection::connect(&file).await.unwrap();
        let query = "SELECT id, deleted_at_utc IS NOT NULL FROM raw_records WHERE entity = ?";
        sqlx::query_as(query)
            .bind(table)
            .fetch_all(&mut database)
            .await
            .unwrap()
    }
}

struct Server(String);

impl Warehouse for Server {
    async fn stored(&mut self, table: &str) -> Vec<(String, bool)> {
        let mut database = PgConnection::connect(&self.0).await.unwrap();
        let query = "SELECT id, deleted_at_utc IS NOT NULL FROM raw.records WHERE entity = $1";
        sqlx::query_as(query)
            .bind(table)
            .fetch_all(&mut database)
            .await
            .unwrap()
    }
}

fn mutate(emulator: &RunningEmulator, entity: &str, kind: MutationKind, count: u32) -> Vec<String> {
    let mutation = Mutation {
        count,
        ..Mutation::new("demo-us", entity, kind)
    };
    emulator.mutate(mutation).unwrap()
}

/// A change is in the warehouse within ten seconds, however it is sent; of many in a burst none is lost, and few are paid for.
async fn changes_arrive(
    emulator: &RunningEmulator,
    address: &str,
    warehouse: &mut impl Warehouse,
    burst: u32,
) {
    emulator.send_webhooks(Some(WebhookTarget {
        form: WebhookForm::Both,
        copies: 2,
        shuffled: true,
        batch: 3,
        forge_every: Some(1),
        ..WebhookTarget::new(format!("http://{address}/webhooks/quickbooks"), TOKEN)
    }));
    let began = Instant::now();
    let mut expected: Vec<(String, bool)> = Vec::new();
    for (kind, is_gone) in [
        (MutationKind::Create, false),
        (MutationKind::Update, false),
        (MutationKind::Void, false),
        (MutationKind::Delete, true),
    ] {
        let ids = mutate(emulator, "invoice", kind, 2);
        expected.retain(|(id, _)| !ids.contains(id));
        expected.extend(ids.into_iter().map(|id| (id, is_gone)));
    }
    expected.sort_unstable();
    let are_there = async || {
        let mut stored = warehouse.stored("qbo_invoice").await;
        stored.sort_unstable();
        stored == expected
    };
    until("all changes are in the warehouse", PATIENCE, are_there).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let done = async || emulator.webhooks().waiting == 0;
    until("all is sent", PATIENCE, done).await;
    let report = emulator.webhooks();
    assert!(report.forged.keys().all(|status| *status == 401), "{report:?}");
    assert!(report.answers.keys().all(|status| *status == 200), "{report:?}");
    emulator.send_webhooks(None);

    let ids = mutate(emulator, "customer", MutationKind::Create, burst);
    let realm = emulator.info().companies[0].realm.clone();
    let before = emulator.summary().metered;
    let sent = futures::stream::iter(ids.chunks(10).enumerate()).map(|(number, ids)| {
        let events: Vec<String> = ids
            .iter()
            .map(|id| {
                event(
                    &format!("burst-{number}-{id}"),
                    &realm,
                    "qbo.customer.created.v1",
                    id,
                )
            })
            .collect();
        let body = format!("[{}]", events.join(","));
        async move {
            let began = Instant::now();
            post_signed(address, &body).await.expect(200);
            began.elapsed()
        }
    });
    let longest = sent
        .buffer_unordered(50)
        .fold(Duration::ZERO, async |most, took| most.max(took))
        .await;
    assert!(
        longest < Duration::from_secs(3),
        "Intuit waits no longer than that: {longest:?}"
    );
    let are_there = async || warehouse.stored("qbo_customer").await.len() == ids.len();
    until("the burst is in the warehouse", PATIENCE * 2, are_there).await;
    let calls = emulator.summary().metered - before;
    assert!(calls <= u64::from(burst) / 50, "{calls} metered calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_the_file_within_ten_seconds_of_its_webhook_and_a_burst_loses_none() {
    let emulator = emulator().await;
    let world = with_tokens(World::beside(&emulator));
    let (_server, address) = serve(&world, &emulator).await;
    let mut warehouse = File(world.elsewhere("UNUSED", ""));
    changes_arrive(&emulator, &address, &mut warehouse, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_the_fleets_database_within_ten_seconds_of_its_webhook_and_a_burst_loses_none() {
    let fleet = Fleet::migrated().await;
    let fleet = Fleet {
        world: with_tokens(fleet.world),
        ..fleet
    };
    let (_server, address) = serve(&fleet.world, &fleet.emulator).await;
    let worker = Worker::beside(&fleet).await;
    let mut warehouse = Server(fleet.postgres.url("postgres"));
    changes_arrive(&fleet.emulator, &address, &mut warehouse, 2_000).await;
    worker.stop().await;
}
