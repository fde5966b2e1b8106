//! A shop: one company of Contífico in an emulator of its own, a ledger in a file, and what is stored of it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use futures::TryStreamExt;
use ledgerfleet_connectors::contifico::ENTRY;
use ledgerfleet_connectors::find_entity;
use ledgerfleet_emulator::{
    Clock, CompanyInfo, CompanySpec, Connector, ContificoSwitches, Emulator, EmulatorOptions, Rate,
    RunningEmulator, Size, Switches, TruthFilter,
};
use ledgerfleet_ledger::{
    CoverageFilter, CoverageRow, DeadLetterFilter, Listing, NewConnection, RecordStub, RunReport,
};
use ledgerfleet_model::{Axis, Connection, ConnectionId, Environment, RunId, RunState, Segmenting};
use ledgerfleet_planning::{Request, plan, submit};
use ledgerfleet_wiring::{Opening, Parts, assemble};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::world::{LAST_DAY, Runner, settings};

/// Longer than anything in these tests takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// Days of books.
pub(super) const DAYS: u64 = 30;

pub(super) struct Shop {
    pub(super) emulator: RunningEmulator,
    pub(super) company: CompanyInfo,
    pub(super) parts: Parts,
    pub(super) connection: Connection,
    _directory: TempDir,
}

pub(super) fn options(contifico: ContificoSwitches) -> EmulatorOptions {
    EmulatorOptions {
        rate: Rate::Off,
        days: u32::try_from(DAYS).unwrap(),
        clock: Clock::frozen_at(now()),
        companies: vec![CompanySpec {
            connector: Connector::Contifico,
            ..CompanySpec::new("tienda", Size::Small)
        }],
        switches: Switches {
            contifico,
            ..Switches::default()
        },
        ..EmulatorOptions::default()
    }
}

/// Noon of the last day of the books.
fn now() -> DateTime<Utc> {
    LAST_DAY.and_hms_opt(17, 0, 0).unwrap().and_utc()
}

impl Shop {
    pub(super) async fn with(contifico: ContificoSwitches) -> Self {
        Self::open(options(contifico)).await
    }

    pub(super) async fn open(options: EmulatorOptions) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        let company = emulator.info().companies.remove(0);
        let directory = tempfile::tempdir().unwrap();
        let spool = directory.path().join("spool").display().to_string();
        let variables = [
            ("LEDGERFLEET_TIME_SCALE", "0.05".to_owned()),
            ("LEDGERFLEET_SPOOL_DIR", spool),
            (
                "LEDGERFLEET_CONTIFICO_API_URL",
                format!("{}/sistema", emulator.url()),
            ),
        ];
        let settings = settings(&variables, &directory);
        let parts = assemble(&settings, Opening::MayCreate).await.unwrap();
        let new = NewConnection {
            id: ConnectionId::new(),
            name: "tienda".to_owned(),
            connector: ENTRY.name.to_owned(),
            account: company.realm.clone(),
            environment: Environment::Production,
            time_zone: chrono_tz::America::Guayaquil,
            requests_per_second: Some(1_000.0),
            slots: Some(4),
        };
        let key = SecretString::from(company.api_key.clone().unwrap());
        let credential = parts.access.seal_first(new.id, &key);
        let connection = parts.ledger.add_connection(&new, &credential).await.unwrap();
        Self {
            emulator,
            company,
            parts,
            connection,
            _directory: directory,
        }
    }

    /// Submits all days of these resources.
    pub(super) async fn submit(&self, entities: &[&str], segmenting: Segmenting, page_size: u32) -> RunId {
        let request = Request {
            connections: vec![self.connection.clone()],
            entities: entities.iter().map(ToString::to_string).collect(),
            from: first_day(),
            to: LAST_DAY,
            axis: Axis::TxnDate,
            segmenting,
            page_size,
            now: now(),
            upper_margin: Duration::ZERO,
        };
        let plan = plan(&request).unwrap();
        let (ledger, bell) = (&*self.parts.ledger, &*self.parts.bell);
        let submitted = submit(ledger, bell, plan.run(), &mut plan.segments()).await;
        submitted.unwrap().run
    }

    pub(super) async fn run(&self, run: RunId) -> RunReport {
        let runner = Runner::start(&self.parts, 4);
        let watching = async {
            loop {
                let report = self.parts.ledger.run(run).await.unwrap().unwrap();
                if report.state.is_over() {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let report = tokio::time::timeout(PATIENCE, watching).await;
        runner.stop().await;
        report.expect("the run ends")
    }

    pub(super) async fn backfill(&self, entities: &[&str], page_size: u32) -> RunReport {
        let run = self.submit(entities, Segmenting::Day, page_size).await;
        self.run(run).await
    }

    /// The same, which must end well.
    pub(super) async fn copy(&self, entities: &[&str], page_size: u32) -> RunReport {
        let report = self.backfill(entities, page_size).await;
        assert_eq!(
            report.state,
            RunState::Done,
            "{report:?} {:?}",
            self.reasons().await
        );
        report
    }

    /// Why segments are dead.
    pub(super) async fn reasons(&self) -> Vec<String> {
        let (filter, listing) = (DeadLetterFilter::default(), Listing::newest(20));
        let letters = self.parts.ledger.dead_letters(&filter, &listing).await.unwrap();
        letters.iter().map(|letter| format!("{letter:?}")).collect()
    }

    pub(super) async fn stubs(&self, entity: &str) -> Vec<RecordStub> {
        let table = find_entity(&ENTRY, entity).unwrap().table;
        let stubs = self.parts.ledger.record_stubs(self.connection.id, table);
        stubs.try_collect().await.unwrap()
    }

    /// What is stored of a resource: ids and hashes of live records.
    pub(super) async fn stored(&self, entity: &str) -> BTreeMap<String, String> {
        let live = self.stubs(entity).await.into_iter().filter(|stub| !stub.deleted);
        live.map(|stub| (stub.id, stub.payload_hash)).collect()
    }

    /// What the source has of it.
    pub(super) fn truth(&self, entity: &str) -> BTreeMap<String, String> {
        let is_dated = find_entity(&ENTRY, entity).unwrap().default_axis() == Axis::TxnDate;
        let filter = TruthFilter {
            from: is_dated.then(first_day),
            ..TruthFilter::default()
        };
        let lines = self.emulator.truth("tienda", entity, &filter).unwrap();
        lines.into_iter().map(|line| (line.id, line.hash)).collect()
    }

    /// Fails unless what is stored is what the source has, to the letter.
    pub(super) async fn assert_truth(&self, entities: &[&str]) {
        for entity in entities {
            let (stored, truth) = (self.stored(entity).await, self.truth(entity));
            assert!(!truth.is_empty(), "{entity} has no records at the source");
            let missing: Vec<_> = truth.keys().filter(|id| !stored.contains_key(*id)).collect();
            let ghosts: Vec<_> = stored.keys().filter(|id| !truth.contains_key(*id)).collect();
            assert!(
                missing.is_empty() && ghosts.is_empty(),
                "{entity}: missing {missing:?}, ghosts {ghosts:?}"
            );
            let other: Vec<_> = truth
                .iter()
                .filter(|(id, hash)| stored.get(*id) != Some(hash))
                .collect();
            assert!(other.is_empty(), "{entity}: different {other:?}");
        }
    }

    pub(super) async fn coverage(&self, entity: &str) -> Vec<CoverageRow> {
        let filter = CoverageFilter {
            entities: vec![entity.to_owned()],
            ..CoverageFilter::default()
        };
        self.parts.ledger.coverage(&filter).await.unwrap()
    }

    /// Requests that the company has had.
    pub(super) fn requests(&self) -> u64 {
        self.emulator.summary().companies[0].api.requests
    }
}

pub(super) fn first_day() -> NaiveDate {
    LAST_DAY - Days::new(DAYS - 1)
}
