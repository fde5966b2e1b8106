//! The demo's check: what is stored against what the emulator says must be.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_emulator::TruthLine;
use ledgerfleet_ledger::{LedgerError, Share, Slice, Which};
use ledgerfleet_model::{Axis, Connection, ConnectionId, DateRange};
use ledgerfleet_planning::Part;
use ledgerfleet_verification::Side;
use ledgerfleet_wiring::Parts;
use rust_decimal::Decimal;
use serde::Serialize;
use url::Url;

use crate::output::{amount, number, optional, row, thousands};

/// Hash and amount of every live record of one table, by id.
pub(super) type Stored = HashMap<String, (String, Option<String>)>;

/// One entity of one company, stored and true.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) connection: String,
    pub(super) entity: &'static str,
    pub(super) rows: u64,
    pub(super) truth: u64,
    pub(super) missing: u64,
    pub(super) extra: u64,
    pub(super) different: u64,
    pub(super) new: u64,
    pub(super) changed: u64,
    /// The sums of the amounts, of an entity whose records have one.
    #[serde(serialize_with = "number")]
    pub(super) total: Option<Decimal>,
    #[serde(serialize_with = "number")]
    pub(super) true_total: Option<Decimal>,
}

impl Comparison {
    pub(super) fn is_equal(&self) -> bool {
        self.missing + self.extra + self.different == 0 && self.total == self.true_total
    }
}

row! {
    Comparison as row,
    LESSER = ["changed", "new", "truth", "true total", "total"],
    "connection" => row.connection,
    "entity" => row.entity,
    "rows" => thousands(row.rows),
    "truth" => thousands(row.truth),
    "missing" => thousands(row.missing),
    "extra" => thousands(row.extra),
    "different" => thousands(row.different),
    "new" => thousands(row.new),
    "changed" => thousands(row.changed),
    "total" => optional(row.total.map(amount)),
    "true total" => optional(row.true_total.map(amount)),
}

/// Everything that is stored of these companies.
pub(super) async fn stored(
    parts: &Parts,
    connections: &[Connection],
) -> anyhow::Result<HashMap<(ConnectionId, &'static str), Stored>> {
    let mut all = HashMap::new();
    for connection in connections {
        let entry = ledgerfleet_connectors::connector_entry(&connection.connector);
        for entity in entry.map(|entry| entry.entities).unwrap_or_default() {
            let records = table_of(parts, connection.id, entity).await?;
            all.insert((connection.id, entity.table), records);
        }
    }
    Ok(all)
}

/// The live records of one table.
pub(super) async fn table_of(
    parts: &Parts,
    connection: ConnectionId,
    entity: &EntitySpec,
) -> Result<Stored, LedgerError> {
    let slice = Slice {
        connection,
        table: entity.table,
        which: Which::All,
        share: Share::ALL,
    };
    let summaries = parts.ledger.summaries(&slice, entity.total).await?;
    let live = summaries.into_iter().filter(|summary| !summary.deleted);
    Ok(live
        .map(|summary| (summary.id, (hexadecimal(summary.payload_hash), summary.total)))
        .collect())
}

fn hexadecimal(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}

/// Compares one part of the plan. The truth of all days is asked for, so that what an earlier, longer demo stored is
/// not taken for too much; missing is what the asked days lack.
pub(super) async fn compare(
    http: &HttpClient,
    emulator: &str,
    part: &Part,
    range: DateRange,
    before: &Stored,
    after: &Stored,
) -> anyhow::Result<Comparison> {
    let (name, entity) = (&part.connection.name, part.entity.name);
    let truth = truth(http, emulator, name, entity).await?;
    let is_asked_for = |line: &&TruthLine| {
        part.axis == Axis::Whole
            || line
                .date
                .is_some_and(|date| range.from() <= date && date <= range.to())
    };
    let by_id: HashMap<&str, &TruthLine> = truth.iter().map(|line| (line.id.as_str(), line)).collect();
    let asked: Vec<&TruthLine> = truth.iter().filter(is_asked_for).collect();
    let differs = |(id, (hash, _)): &(&String, &(String, Option<String>))| {
        by_id.get(id.as_str()).is_some_and(|line| line.hash != *hash)
    };
    let count = |number: usize| number as u64;
    let missing = count(asked.iter().filter(|line| !after.contains_key(&line.id)).count());
    let extra = count(after.keys().filter(|id| !by_id.contains_key(id.as_str())).count());
    let has_total = part.entity.total.is_some();
    let stored = asked.iter().filter_map(|line| after.get(&line.id));
    let extras = after.iter().filter(|(id, _)| !by_id.contains_key(id.as_str()));
    let amounts = stored
        .chain(extras.map(|(_, record)| record))
        .map(|(_, amount)| amount);
    let total = has_total.then(|| sum(amounts)).flatten();
    let true_total = has_total
        .then(|| sum(asked.iter().map(|line| &line.total)))
        .flatten();
    Ok(Comparison {
        total,
        true_total,
        connection: name.clone(),
        entity,
        rows: count(asked.len()) - missing + extra,
        truth: count(asked.len()),
        missing,
        extra,
        different: count(after.iter().filter(differs).count()),
        new: count(after.keys().filter(|id| !before.contains_key(*id)).count()),
        changed: count(
            after
                .iter()
                .filter(|(id, now)| before.get(*id).is_some_and(|was| was != *now))
                .count(),
        ),
    })
}

/// The sum of amounts; none if one of them is none that can be summed.
fn sum<'a>(amounts: impl Iterator<Item = &'a Option<String>>) -> Option<Decimal> {
    let mut side = Side::default();
    for amount in amounts {
        side.add(amount.as_deref());
    }
    side.total.map(|total| total.normalize())
}

/// The emulator's truth about one entity, over HTTP as anyone could ask for it.
async fn truth(
    http: &HttpClient,
    emulator: &str,
    company: &str,
    entity: &str,
) -> anyhow::Result<Vec<TruthLine>> {
    let url: Url = format!("{emulator}/__emulator/truth/{company}/{entity}").parse()?;
    let answer = http
        .send(http.get(url))
        .await
        .context("the emulator did not tell its truth")?;
    ensure!(
        answer.status == 200,
        "the emulator has no truth about {company} {entity}: status {}",
        answer.status
    );
    let text = std::str::from_utf8(&answer.body).context("the emulator's truth is not text")?;
    text.lines()
        .map(|line| serde_json::from_str(line).context("a line of the truth cannot be read"))
        .collect()
}
