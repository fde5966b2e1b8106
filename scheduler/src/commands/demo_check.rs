//! The demo's check: what is stored against what the emulator says must be.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_emulator::TruthLine;
use ledgerfleet_ledger::RecordStub;
use ledgerfleet_model::{Axis, Connection, ConnectionId, DateRange};
use ledgerfleet_wiring::Parts;
use serde::Serialize;
use url::Url;

use crate::output::Row;
use crate::plan::Part;

/// Version and hash of every live record of one table, by id.
pub(super) type Hashes = HashMap<String, (Option<i64>, String)>;

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
}

impl Comparison {
    pub(super) fn is_equal(&self) -> bool {
        self.missing + self.extra + self.different == 0
    }
}

impl Row for Comparison {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "rows",
        "truth",
        "missing",
        "extra",
        "different",
        "new",
        "changed",
    ];

    fn cells(&self) -> Vec<String> {
        let counts = [
            self.rows,
            self.truth,
            self.missing,
            self.extra,
            self.different,
            self.new,
            self.changed,
        ];
        let names = [self.connection.clone(), self.entity.to_owned()];
        names
            .into_iter()
            .chain(counts.map(|count| count.to_string()))
            .collect()
    }
}

/// Everything that is stored of these companies.
pub(super) async fn stored(
    parts: &Parts,
    connections: &[Connection],
) -> anyhow::Result<HashMap<(ConnectionId, &'static str), Hashes>> {
    let mut all = HashMap::new();
    for connection in connections {
        let entry = ledgerfleet_connectors::connector_entry(&connection.connector);
        for entity in entry.map(|entry| entry.entities).unwrap_or_default() {
            let hashes = table_of(parts, connection.id, entity.table).await?;
            all.insert((connection.id, entity.table), hashes);
        }
    }
    Ok(all)
}

/// The live records of one table.
pub(super) async fn table_of(parts: &Parts, connection: ConnectionId, table: &str) -> anyhow::Result<Hashes> {
    let live = |stub: RecordStub| async move {
        Ok((!stub.deleted).then_some((stub.id, (stub.source_version, stub.payload_hash))))
    };
    Ok(parts
        .ledger
        .record_stubs(connection, table)
        .try_filter_map(live)
        .try_collect()
        .await?)
}

/// Compares one part of the plan. The truth of all days is asked for, so that what an earlier, longer demo stored is
/// not taken for too much; missing is what the asked days lack.
pub(super) async fn compare(
    http: &HttpClient,
    emulator: &str,
    part: &Part,
    range: DateRange,
    before: &Hashes,
    after: &Hashes,
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
    let differs = |(id, (version, hash)): &(&String, &(Option<i64>, String))| {
        by_id.get(id.as_str()).is_some_and(|line| {
            line.hash != *hash || version.is_some_and(|version| version.to_string() != line.version)
        })
    };
    let count = |number: usize| number as u64;
    let missing = count(asked.iter().filter(|line| !after.contains_key(&line.id)).count());
    let extra = count(after.keys().filter(|id| !by_id.contains_key(id.as_str())).count());
    Ok(Comparison {
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
