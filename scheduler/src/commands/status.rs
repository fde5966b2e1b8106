//! `status`: one page about everything: the companies, and what a person should look at.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{ConnectionSums, CoverageFilter, Missing};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState};
use ledgerfleet_wiring::Parts;
use serde::Serialize;

use super::doctor::runner;
use crate::advice::to_authorise;
use crate::exit::Exit;
use crate::output::{Row, counted, instant, some, thousands};
use crate::session::Session;

pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connections = parts.ledger.connections().await?;
    let rows = companies(&parts, &connections).await?;
    session.output.list(&rows)?;
    tell(session, &parts, &connections, &rows).await?;
    Ok(Exit::Done)
}

async fn companies(parts: &Parts, connections: &[Connection]) -> anyhow::Result<Vec<CompanyRow>> {
    let sums = parts.ledger.connection_sums().await?;
    let sums: HashMap<ConnectionId, ConnectionSums> =
        sums.into_iter().map(|sums| (sums.connection, sums)).collect();
    let filter = CoverageFilter {
        connections: connections.iter().map(|connection| connection.id).collect(),
        ..CoverageFilter::default()
    };
    let missing = match connections {
        [] => Vec::new(),
        _ => parts.ledger.asked_and_not_read(&filter).await?,
    };
    // A company that was added between the questions is in the next answer.
    let known = connections
        .iter()
        .filter_map(|connection| Some((connection, sums.get(&connection.id)?)));
    Ok(known
        .map(|(connection, sums)| CompanyRow::of(connection, sums, &missing))
        .collect())
}

/// One company on the page.
#[derive(Serialize)]
struct CompanyRow {
    connection: String,
    state: ConnectionState,
    last_success_at: Option<DateTime<Utc>>,
    /// Days that were asked for and are not complete; a list counts as one.
    gaps: u64,
    dead_letters: u64,
    running: u64,
    calls_this_month: u64,
    warnings: Vec<String>,
}

impl CompanyRow {
    fn of(connection: &Connection, sums: &ConnectionSums, missing: &[Missing]) -> Self {
        let of_it = missing
            .iter()
            .filter(|missing| missing.connection == connection.name);
        let mut row = Self {
            connection: connection.name.clone(),
            state: connection.state,
            last_success_at: sums.last_read_at,
            gaps: sums.open + of_it.map(days).sum::<u64>(),
            dead_letters: sums.dead,
            running: sums.running,
            calls_this_month: sums.calls,
            warnings: Vec::new(),
        };
        row.warnings = row.warnings(connection);
        row
    }

    fn warnings(&self, connection: &Connection) -> Vec<String> {
        let reason = connection.state_reason.as_deref().unwrap_or("no reason is known");
        let state = match self.state {
            ConnectionState::NeedsReauthorisation => Some(format!("needs authorisation: {reason}")),
            ConnectionState::Paused => Some("paused".to_owned()),
            ConnectionState::Active | ConnectionState::Removed => None,
        };
        let never = self
            .last_success_at
            .is_none()
            .then(|| "nothing was ever read".to_owned());
        state.into_iter().chain(never).collect()
    }
}

/// Days of a gap; what has no days is one.
fn days(missing: &Missing) -> u64 {
    let days = missing
        .from
        .zip(missing.to)
        .map_or(1, |(from, to)| (to - from).num_days() + 1);
    days.try_into().unwrap_or(0)
}

impl Row for CompanyRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "state",
        "last success",
        "gaps",
        "dead",
        "running",
        "calls",
        "warnings",
    ];
    const TEXTS: &'static [&'static str] = &["warnings"];
    const LESSER: &'static [&'static str] = &["warnings", "running", "calls"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.state.to_string(),
            self.last_success_at.map_or_else(|| "never".to_owned(), instant),
            some(self.gaps),
            some(self.dead_letters),
            some(self.running),
            thousands(self.calls_this_month),
            self.warnings.join("; "),
        ]
    }
}

/// Says what concerns all companies, and what to do next.
async fn tell(
    session: &Session,
    parts: &Parts,
    connections: &[Connection],
    rows: &[CompanyRow],
) -> anyhow::Result<()> {
    let talk = &session.talk;
    if connections.is_empty() {
        talk.say("there are no connections yet: scheduler connection add quickbooks --help");
    }
    for warning in &session.settings.warnings {
        talk.warn(warning);
    }
    let runner = runner(parts, &session.settings).await?;
    if runner.is_good() {
        talk.say(&runner.detail);
    } else {
        talk.warn(format!("{}\n  try: {}", runner.detail, runner.next));
    }
    for connection in connections
        .iter()
        .filter(|one| one.state == ConnectionState::NeedsReauthorisation)
    {
        talk.warn(format!(
            "{} needs authorisation\n  try: {}",
            connection.name,
            to_authorise(connection)
        ));
    }
    let sum = |count: fn(&CompanyRow) -> u64| rows.iter().map(count).sum::<u64>();
    if sum(|row| row.dead_letters) > 0 {
        let dead = counted(sum(|row| row.dead_letters), "dead letter");
        talk.warn(format!("{dead}; why: scheduler dlq list --group"));
    }
    if sum(|row| row.gaps) > 0 {
        talk.say("which days are not complete: scheduler coverage --gaps");
    }
    Ok(())
}
