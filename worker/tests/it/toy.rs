//! A connector that can do as little as one may: a key that is never exchanged, a bare array without pages, count or
//! look-up, and rows without an id. It is one file and one line of a registry; worker, ledger and gate know nothing of it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use ledgerfleet_connectors::http::{Answer, HttpClient};
use ledgerfleet_connectors::{
    Account, Connector, ConnectorEntry, Ending, Endpoints, EntityKind, EntitySpec, GateDefaults, Identity,
    Page, PageRequest, SourceSpec, Synopsis, Target, Trust,
};
use ledgerfleet_ledger::{NewConnection, NewRun, NewSegment, RecordStub, RunReport};
use ledgerfleet_model::{
    Axis, ConnectionId, ConnectionState, Environment, Failure, FailureKind, Lane, Position, Record, RunId,
    RunState, SegmentId, Window,
};
use ledgerfleet_wiring::{Opening, Parts, assemble_of};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::world::{Runner, settings};

static REGISTRY: &[ConnectorEntry] = &[ENTRY];

const ENTRY: ConnectorEntry = ConnectorEntry {
    name: "toy",
    title: "Toy",
    entities: &[THING],
    gate: GateDefaults {
        requests_per_second: 1_000.0,
        slots: 2,
    },
    page_size_max: 1_000,
    free_calls_a_month: None,
    cuts_days: false,
    environments: &[],
    account: Account::OfKey { what: "address" },
    credential: &[],
    time_zone: chrono_tz::UTC,
    domains: &[],
    addresses: |_| ["http://127.0.0.1", "http://127.0.0.1"],
    build: |_: Endpoints, http: HttpClient| Arc::new(Toy { http }),
    synopsis: |_| Synopsis::default(),
};

const THING: EntitySpec = EntitySpec {
    name: "thing",
    upstream: "things",
    table: "toy_thing",
    kind: EntityKind::List,
    axes: &[],
    ahead: false,
    trust: Trust::OnePage,
    optional: false,
    in_all: true,
    total: None,
    source: SourceSpec::Name,
};

#[derive(Debug)]
struct Toy {
    http: HttpClient,
}

impl Toy {
    async fn get(&self, target: &Target<'_>, path: &str) -> Result<Answer, Failure> {
        let url = Url::parse(&format!("http://{}/{path}", target.account)).unwrap();
        let request = self
            .http
            .get(url)
            .header("authorization", target.access.expose_secret());
        let answer = self.http.send(request).await?;
        match answer.status {
            200 => Ok(answer),
            401 => Err(Failure::new(FailureKind::Unauthorised, "the key is not known")),
            status => Err(Failure::new(FailureKind::UpstreamError, format!("HTTP {status}"))),
        }
    }
}

#[async_trait]
impl Connector for Toy {
    async fn page(&self, target: &Target<'_>, _: &PageRequest<'_>) -> Result<Page, Failure> {
        let answer = self.get(target, "things").await?;
        let rows: Vec<Box<serde_json::value::RawValue>> = serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::new(FailureKind::Malformed, "this is no array"))?;
        Ok(Page {
            records: rows.iter().map(|row| record(row.get())).collect(),
            // A bare array is all there is.
            ending: Ending::Counted,
            in_order: true,
            held: answer.held,
            ..Page::default()
        })
    }

    async fn identify(&self, target: &Target<'_>) -> Result<Identity, Failure> {
        let me = self.get(target, "me").await;
        me.map(|_| Identity::named("Toy Ltd".to_owned()))
    }

    fn describe(&self, _: &PageRequest<'_>) -> String {
        "GET things".to_owned()
    }

    fn is_in_order(&self, _: &Position) -> bool {
        true
    }
}

/// A row without an id is known by what it says.
fn record(row: &str) -> Record {
    let value: serde_json::Value = serde_json::from_str(row).unwrap();
    let hash = blake3::hash(row.as_bytes());
    let id = value["id"]
        .as_str()
        .map_or_else(|| hash.to_string(), str::to_owned);
    Record {
        payload: row.into(),
        payload_hash: *hash.as_bytes(),
        deleted: false,
        ..Record::tombstone(&id)
    }
}

/// What the upstream serves, and the key that it knows.
#[derive(Debug, Default)]
struct Books {
    rows: String,
    key: String,
    requests: usize,
}

/// A small upstream of its own; answers where it listens.
async fn serve(books: Arc<Mutex<Books>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let answer = {
                let mut books = books.lock().unwrap();
                books.requests += 1;
                if head.contains(&format!("authorization: {}\r\n", books.key)) {
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
                        books.rows.len(),
                        books.rows
                    )
                } else {
                    "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
                }
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

struct ToyWorld {
    books: Arc<Mutex<Books>>,
    parts: Parts,
    connection: ConnectionId,
    _directory: tempfile::TempDir,
}

impl ToyWorld {
    async fn new(rows: &str) -> Self {
        let books = Arc::new(Mutex::new(Books {
            rows: rows.to_owned(),
            key: "open-sesame".to_owned(),
            requests: 0,
        }));
        let account = serve(books.clone()).await;
        let directory = tempfile::tempdir().unwrap();
        let scale = [("LEDGERFLEET_TIME_SCALE", "0.05".to_owned())];
        let settings = settings(&scale, &directory);
        let parts = assemble_of(REGISTRY, &settings, Opening::MayCreate)
            .await
            .unwrap();
        let new = NewConnection {
            id: ConnectionId::new(),
            name: "toys".to_owned(),
            connector: ENTRY.name.to_owned(),
            account,
            environment: Environment::Production,
            time_zone: chrono_tz::UTC,
            requests_per_second: None,
            slots: None,
        };
        let credential = parts
            .access
            .seal_first(new.id, &SecretString::from("open-sesame"));
        parts.ledger.add_connection(&new, &credential).await.unwrap();
        Self {
            books,
            parts,
            connection: new.id,
            _directory: directory,
        }
    }

    async fn submit(&self) -> RunId {
        let segment = NewSegment {
            id: SegmentId::new(),
            connection: self.connection,
            entity: THING.name.to_owned(),
            work: Window::Whole.into(),
        };
        let run = NewRun {
            id: RunId::new(),
            lane: Lane::Backfill,
            connections: vec!["toys".to_owned()],
            entities: vec![THING.name.to_owned()],
            from: None,
            to: None,
            axis: Axis::Whole,
            segmenting: "whole".to_owned(),
            page_size: 100,
            request_key: "things".to_owned(),
            trace_context: None,
        };
        let ledger = &self.parts.ledger;
        let submitted = ledger.submit(&run, &mut std::iter::once(segment)).await.unwrap();
        self.parts.bell.ring().await.unwrap();
        submitted.run
    }

    async fn until(&self, run: RunId, wanted: impl Fn(&RunReport) -> bool) -> RunReport {
        loop {
            let report = self.parts.ledger.run(run).await.unwrap().unwrap();
            if wanted(&report) {
                return report;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    async fn backfill(&self) -> RunReport {
        let run = self.submit().await;
        let runner = Runner::start(&self.parts, 2);
        let report = self.until(run, |report| report.state.is_over()).await;
        runner.stop().await;
        report
    }

    async fn stored(&self) -> Vec<RecordStub> {
        let stubs = self.parts.ledger.record_stubs(self.connection, THING.table);
        stubs.try_collect().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_with_a_key_and_one_bare_array_is_copied_in_one_request() {
    let rows = r#"[{"id":"1","name":"ball"},{"id":"2","name":"top"},{"id":null,"name":"kite"}]"#;
    let world = ToyWorld::new(rows).await;
    let report = world.backfill().await;
    assert_eq!((report.state, report.rows), (RunState::Done, 3), "{report:?}");
    assert_eq!(world.stored().await.len(), 3);
    assert_eq!(
        world.books.lock().unwrap().requests,
        1,
        "nothing was exchanged, counted or looked up"
    );
    let report = world.backfill().await;
    assert_eq!(report.state, RunState::Done);
    assert_eq!(world.stored().await.len(), 3, "the row without an id is the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_such_an_upstream_shows_no_more_stays_stored_because_nobody_can_tell_that_it_is_gone() {
    let world = ToyWorld::new(r#"[{"id":"1"},{"id":"2"}]"#).await;
    world.backfill().await;
    world.books.lock().unwrap().rows = r#"[{"id":"1"}]"#.to_owned();
    let report = world.backfill().await;
    assert_eq!((report.state, report.deleted), (RunState::Done, 0), "{report:?}");
    assert!(world.stored().await.iter().all(|stub| !stub.deleted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_refused_parks_its_company_and_kills_no_segment() {
    let world = ToyWorld::new("[]").await;
    world.books.lock().unwrap().key = "another".to_owned();
    let run = world.submit().await;
    let runner = Runner::start(&world.parts, 2);
    loop {
        let connection = world
            .parts
            .ledger
            .connection(world.connection)
            .await
            .unwrap()
            .unwrap();
        if connection.state == ConnectionState::NeedsReauthorisation {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    runner.stop().await;
    let report = world.parts.ledger.run(run).await.unwrap().unwrap();
    assert_eq!(report.dead, 0, "{report:?}");
    assert_eq!(
        world.books.lock().unwrap().requests,
        1,
        "the same key is not sent twice"
    );
}
