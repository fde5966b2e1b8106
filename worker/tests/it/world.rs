//! World: an emulator, a ledger in a temporary file, and the parts between them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use futures::TryStreamExt;
use ledgerfleet_config::{Inputs, Settings};
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_duties::lead;
use ledgerfleet_emulator::{
    CompanySpec, Emulator, EmulatorOptions, Rate, RunningEmulator, Size, TruthFilter,
};
use ledgerfleet_ledger::{Fact, NewConnection, NewRun, NewSegment, RecordStub, RunReport};
use ledgerfleet_model::{Axis, Connection, ConnectionId, Environment, RunId, Segmenting, WorkerName};
use ledgerfleet_planning::{Plan, Request, plan, submit};
use ledgerfleet_wiring::{Opening, Parts, assemble};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::WorkerOptions;

/// The last day of the emulator's books.
pub(crate) const LAST_DAY: NaiveDate = EmulatorOptions::AS_OF;

/// Longer than anything in these tests takes.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) emulator: RunningEmulator,
    pub(crate) parts: Parts,
    pub(crate) connections: Vec<Connection>,
    /// What a process of this world finds in its environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The trace in which its requests are made.
    pub(crate) trace_context: Option<String>,
    settings: Settings,
    directory: TempDir,
}

/// A runner of its own: the leader's duties and a worker.
pub(crate) struct Runner {
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// The default of a world: one small company, no rate limit, leases of one second.
pub(crate) fn options() -> EmulatorOptions {
    EmulatorOptions {
        days: 60,
        rate: Rate::Off,
        companies: vec![CompanySpec::new("acme", Size::Small)],
        ..EmulatorOptions::default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(options(), Some(1_000.0)).await
    }

    pub(crate) async fn with(options: EmulatorOptions, requests_per_second: Option<f64>) -> Self {
        Self::on(options, requests_per_second, Vec::new()).await
    }

    /// A world whose settings are also made of `variables`: on other ground than a file.
    pub(crate) async fn on(
        options: EmulatorOptions,
        requests_per_second: Option<f64>,
        mut variables: Vec<(&'static str, String)>,
    ) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        variables.extend(upstream(&emulator));
        // What the caller has put there already counts: of two values of one name the later one does.
        variables.insert(0, ("LEDGERFLEET_TIME_SCALE", "0.05".to_owned()));
        let spool = directory.path().join("spool").display().to_string();
        variables.push(("LEDGERFLEET_SPOOL_DIR", spool));
        let settings = settings(&variables, &directory);
        let parts = assemble(&settings, Opening::MayCreate).await.unwrap();
        let mut world = Self {
            emulator,
            parts,
            connections: Vec::new(),
            variables,
            trace_context: None,
            settings,
            directory,
        };
        for company in world.emulator.info().companies {
            let (name, realm, token) = (&company.name, &company.realm, &company.refresh_token);
            let environment = match company.environment {
                ledgerfleet_emulator::Environment::Sandbox => Environment::Sandbox,
                ledgerfleet_emulator::Environment::Production => Environment::Production,
            };
            let connection = world
                .connect(name, realm, token, requests_per_second, environment)
                .await;
            world.connections.push(connection);
        }
        world
    }

    /// Has it known that pages of these entities are not cut, so that none needs a count of its own.
    pub(crate) async fn trust_pages_of(&self, entities: &[&str]) {
        for connection in &self.connections {
            for entity in entities {
                let learning = self
                    .parts
                    .ledger
                    .learn(connection.id, entity, Fact::LargestPage, 1_000);
                assert!(learning.await.unwrap());
            }
        }
    }

    async fn connect(
        &self,
        name: &str,
        realm: &str,
        token: &str,
        requests_per_second: Option<f64>,
        environment: Environment,
    ) -> Connection {
        let new = NewConnection {
            id: ConnectionId::new(),
            name: name.to_owned(),
            connector: "quickbooks".to_owned(),
            account: realm.to_owned(),
            environment,
            time_zone: chrono_tz::UTC,
            requests_per_second,
            slots: None,
        };
        let credential = self.parts.access.seal_first(new.id, &SecretString::from(token));
        self.parts.ledger.add_connection(&new, &credential).await.unwrap()
    }

    /// A statement that no trait has, on the file.
    pub(crate) async fn sql(&self, statement: &'static str) {
        use sqlx::Connection;
        let path = self.directory.path().join("ledgerfleet.db");
        let url = format!("sqlite://{}", path.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The same ledger, opened by what would be another process.
    pub(crate) async fn another_process(&self) -> Parts {
        assemble(&self.settings, Opening::Existing).await.unwrap()
    }

    /// Submits the last `days` days of `entities` of every connection.
    pub(crate) async fn submit(&self, entities: &[&str], days: u64, page_size: u32) -> RunId {
        self.submit_for(&self.connections, entities, days, page_size)
            .await
    }

    /// The same, cut while it is read.
    pub(crate) async fn submit_cut(&self, entities: &[&str], days: u64, page_size: u32) -> RunId {
        self.submit_as(Segmenting::Auto, &self.connections, entities, days, page_size)
            .await
    }

    /// The same of these connections.
    pub(crate) async fn submit_for(
        &self,
        connections: &[Connection],
        entities: &[&str],
        days: u64,
        page_size: u32,
    ) -> RunId {
        self.submit_as(Segmenting::Day, connections, entities, days, page_size)
            .await
    }

    /// A run that was not submitted, and its segments.
    pub(crate) fn planned(&self, entities: &[&str], days: u64, page_size: u32) -> (NewRun, Vec<NewSegment>) {
        let plan = self.plan(Segmenting::Day, &self.connections, entities, days, page_size);
        (plan.run(), plan.segments().collect())
    }

    fn plan(
        &self,
        segmenting: Segmenting,
        connections: &[Connection],
        entities: &[&str],
        days: u64,
        page_size: u32,
    ) -> Plan {
        let now = match segmenting {
            Segmenting::Auto => self.parts.clock.now(),
            _ => LAST_DAY.and_time(NaiveTime::MIN).and_utc(),
        };
        let request = Request {
            connections: connections.to_vec(),
            entities: entities.iter().map(ToString::to_string).collect(),
            from: LAST_DAY - chrono::Days::new(days - 1),
            to: LAST_DAY,
            axis: Axis::TxnDate,
            segmenting,
            page_size,
            now,
            upper_margin: self.parts.timings.upper_margin,
        };
        plan(&request).unwrap()
    }

    async fn submit_as(
        &self,
        segmenting: Segmenting,
        connections: &[Connection],
        entities: &[&str],
        days: u64,
        page_size: u32,
    ) -> RunId {
        let plan = self.plan(segmenting, connections, entities, days, page_size);
        let run = NewRun {
            trace_context: self.trace_context.clone(),
            ..plan.run()
        };
        let (ledger, bell) = (&*self.parts.ledger, &*self.parts.bell);
        let submitted = submit(ledger, bell, run, &mut plan.segments()).await;
        submitted.unwrap().run
    }

    pub(crate) fn runner(&self) -> Runner {
        Runner::start(&self.parts, 8)
    }

    /// Runs everything that is submitted to its end.
    pub(crate) async fn run_to_the_end(&self, run: RunId) -> RunReport {
        let runner = self.runner();
        let report = self.until(run, |report| report.state.is_over()).await;
        runner.stop().await;
        report
    }

    /// Waits until a run is as `wanted`.
    pub(crate) async fn until(&self, run: RunId, wanted: impl Fn(&RunReport) -> bool) -> RunReport {
        let watching = async {
            loop {
                match self.parts.ledger.run(run).await {
                    Ok(report) if wanted(report.as_ref().unwrap()) => return report.unwrap(),
                    Err(error) => assert!(error.is_passing(), "{error}"),
                    Ok(_) => {}
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let watched = tokio::time::timeout(PATIENCE, watching).await;
        assert!(watched.is_ok(), "{:?}", self.parts.ledger.run(run).await);
        watched.unwrap()
    }

    /// Every record of `entity` that the warehouse has, tombstones left out.
    pub(crate) async fn stored(&self, connection: &Connection, entity: &str) -> BTreeMap<String, RecordStub> {
        let table = find_entity(connector_entry("quickbooks").unwrap(), entity)
            .unwrap()
            .table;
        let stubs = self.parts.ledger.record_stubs(connection.id, table);
        let stubs: Vec<RecordStub> = stubs.try_collect().await.unwrap();
        stubs
            .into_iter()
            .filter(|stub| !stub.deleted)
            .map(|stub| (stub.id.clone(), stub))
            .collect()
    }

    /// Fails unless the warehouse holds exactly the source's records, in their versions and to the letter.
    pub(crate) async fn assert_truth(&self, entities: &[&str], days: u64) {
        for connection in &self.connections {
            for entity in entities {
                let stored: HashMap<String, (String, String)> = self
                    .stored(connection, entity)
                    .await
                    .into_values()
                    .map(|stub| {
                        (
                            stub.id,
                            (stub.source_version.unwrap().to_string(), stub.payload_hash),
                        )
                    })
                    .collect();
                let truth = self.truth(&connection.name, entity, days);
                assert!(!truth.is_empty(), "{entity} has no records at the source");
                let missing: Vec<&String> = truth.keys().filter(|id| !stored.contains_key(*id)).collect();
                let ghosts: Vec<&String> = stored.keys().filter(|id| !truth.contains_key(*id)).collect();
                let other: Vec<&String> = truth
                    .iter()
                    .filter(|(id, line)| stored.get(*id) != Some(line))
                    .map(|(id, _)| id)
                    .collect();
                assert!(
                    missing.is_empty() && ghosts.is_empty() && other.is_empty(),
                    "{} {entity}: missing {missing:?}, ghosts {ghosts:?}, different {other:?}",
                    connection.name
                );
            }
        }
    }

    pub(crate) fn truth(&self, company: &str, entity: &str, days: u64) -> HashMap<String, (String, String)> {
        let is_dated = find_entity(connector_entry("quickbooks").unwrap(), entity)
            .unwrap()
            .default_axis()
            == Axis::TxnDate;
        let filter = TruthFilter {
            from: is_dated.then(|| LAST_DAY - chrono::Days::new(days - 1)),
            to: is_dated.then_some(LAST_DAY),
            ..TruthFilter::default()
        };
        let lines = self.emulator.truth(company, entity, &filter).unwrap();
        lines
            .into_iter()
            .map(|line| (line.id, (line.version, line.hash)))
            .collect()
    }
}

impl Runner {
    pub(crate) fn start(parts: &Parts, concurrency: usize) -> Self {
        let shutdown = CancellationToken::new();
        let options = WorkerOptions {
            concurrency,
            name: WorkerName::of_this_process("test"),
        };
        let leading = lead(parts.duties(), options.name.clone(), shutdown.clone());
        let (parts, stop) = (parts.clone(), shutdown.clone());
        let working = async move { worker::run(&parts, options, stop).await.unwrap() };
        Self {
            shutdown,
            tasks: vec![tokio::spawn(leading), tokio::spawn(working)],
        }
    }

    /// Drains as on a signal.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        for task in std::mem::take(&mut self.tasks) {
            task.await.unwrap();
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Where the emulator is, and with which keys it is asked.
fn upstream(emulator: &RunningEmulator) -> [(&'static str, String); 4] {
    let info = emulator.info();
    [
        ("LEDGERFLEET_QUICKBOOKS_API_URL", emulator.url().to_owned()),
        ("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", emulator.url().to_owned()),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", info.client_id),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", info.client_secret),
    ]
}

pub(crate) fn settings(variables: &[(&'static str, String)], directory: &TempDir) -> Settings {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let inputs = Inputs {
        environment: variables.collect(),
        working_directory: directory.path().to_owned(),
        ..Inputs::default()
    };
    Settings::load(&inputs).unwrap()
}
