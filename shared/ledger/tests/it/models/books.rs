//! The books of the emulator's companies: every record as it serves it, and what the emulator itself says they come to.

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_emulator::{
    CompanySpec, Currencies, Emulator, EmulatorOptions, Region, RunningEmulator, Size, TruthFilter,
};
use ledgerfleet_ledger::Purge;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::database::Database;
use super::made;

/// The companies: one deals in one currency, the other in several.
pub(super) const COMPANIES: [&str; 2] = ["demo-us", "demo-ca"];

/// Days of documents. Some follow others after a month.
const DAYS: u32 = 35;

/// One record.
#[derive(Clone)]
pub(super) struct RecordText {
    pub(super) id: String,
    pub(super) payload: String,
    pub(super) updated_at: String,
    pub(super) is_deleted: bool,
}

/// The emulator of this process' tests.
async fn emulator() -> &'static RunningEmulator {
    static EMULATOR: OnceCell<RunningEmulator> = OnceCell::const_new();
    let start = || async {
        let options = EmulatorOptions {
            days: DAYS,
            companies: vec![
                CompanySpec::new(COMPANIES[0], Size::Small),
                CompanySpec {
                    region: Region::Ca,
                    currencies: Currencies::Many,
                    ..CompanySpec::new(COMPANIES[1], Size::Small)
                },
            ],
            ..EmulatorOptions::default()
        };
        Emulator::start(options).await.unwrap()
    };
    EMULATOR.get_or_init(start).await
}

pub(super) fn entities() -> impl Iterator<Item = &'static str> {
    connector_entry("quickbooks")
        .unwrap()
        .entities
        .iter()
        .map(|entity| entity.name)
}

/// Every record of an entity of a company, parsed.
pub(super) async fn records(company: &str, entity: &str) -> Vec<Value> {
    let texts = texts(company, entity).await;
    texts
        .iter()
        .map(|record| serde_json::from_str(&record.payload).unwrap())
        .collect()
}

async fn texts(company: &str, entity: &str) -> Vec<RecordText> {
    let emulator = emulator().await;
    let lines = emulator.truth(company, entity, &TruthFilter::default()).unwrap();
    let text = |line: ledgerfleet_emulator::TruthLine| RecordText {
        payload: emulator.text(company, entity, &line.id).unwrap(),
        id: line.id,
        updated_at: line.updated_at,
        is_deleted: false,
    };
    lines.into_iter().map(text).collect()
}

/// How many records an entity of a company has, and what they come to in cents: the emulator's own account.
pub(super) async fn truth(company: &str, entity: &str) -> (usize, i128) {
    let totals = emulator().await.totals(company, &TruthFilter::default()).unwrap();
    let total = totals.into_iter().find(|total| total.entity == entity).unwrap();
    let cents = total
        .total
        .map_or(0, |total| total.replace('.', "").parse().unwrap());
    (usize::try_from(total.rows).unwrap(), cents)
}

/// A ledger with the books of both companies and of the one made by hand. Beside them: of every entity one record that was deleted, and a company with the
/// same books that was removed.
pub(super) async fn stored(database: &Database) {
    let removed = database.connect("removed").await;
    for company in COMPANIES {
        let connection = database.connect(company).await;
        for entity in entities() {
            let mut records = texts(company, entity).await;
            if company == COMPANIES[0] {
                database.store(removed, entity, &records).await;
            }
            let gone = records.first().cloned().map(|first| RecordText {
                id: format!("gone-{}", first.id),
                is_deleted: true,
                ..first
            });
            records.extend(gone);
            database.store(connection, entity, &records).await;
        }
    }
    made::stored(database).await;
    let ledger = database.world().ledger();
    ledger
        .remove_connection(removed, Purge::KeepRecords)
        .await
        .unwrap();
    database.lay_out().await;
}
