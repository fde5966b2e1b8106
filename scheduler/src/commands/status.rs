//! `status`: one page about everything: the companies, and what a person should look at.

use std::collections::HashMap;

use ledgerfleet_ledger::{Brake, ConnectionSums, CoverageFilter, SyncState};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState};
use ledgerfleet_wiring::Parts;

use super::doctor::runner;
use crate::advice::to_authorise;
use crate::braked::{closed, line, next};
use crate::countdown;
use crate::exit::Exit;
use crate::output::counted;
use crate::session::Session;
use crate::views::companies::CompanyRow;
use crate::views::syncs::{self, Standing};

pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connections = parts.ledger.connections().await?;
    let brakes = closed(&*parts.ledger, &connections).await?;
    let mut rows = companies(&parts, &connections, &brakes).await?;
    count_down(&parts, &connections, &mut rows).await;
    session.output.list(&rows)?;
    tell(session, &parts, &connections, &rows).await?;
    for brake in &brakes {
        let (line, next) = (line(brake, &connections), next(brake, &connections));
        session.talk.warn(format!("{line}\n  try: {next}"));
    }
    Ok(Exit::Done)
}

pub(crate) async fn companies(
    parts: &Parts,
    connections: &[Connection],
    brakes: &[Brake],
) -> anyhow::Result<Vec<CompanyRow>> {
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
    let mut rows: Vec<CompanyRow> = known
        .map(|(connection, sums)| CompanyRow::of(connection, sums, &missing, brakes))
        .collect();
    tell_syncs(parts, connections, &mut rows).await?;
    Ok(rows)
}

/// Says of each company whether it is in sync.
async fn tell_syncs(
    parts: &Parts,
    connections: &[Connection],
    rows: &mut [CompanyRow],
) -> anyhow::Result<()> {
    let ids: Vec<ConnectionId> = connections.iter().map(|connection| connection.id).collect();
    let states = parts.ledger.sync_states(&ids).await?;
    let schedules = parts.ledger.sync_schedules(&ids).await?;
    let (usual, now) = (parts.sync_every(), parts.clock.now());
    for connection in connections {
        let of_it: Vec<&SyncState> = states
            .iter()
            .filter(|state| state.connection == connection.id)
            .collect();
        let schedule = schedules
            .iter()
            .find(|schedule| schedule.connection == connection.id);
        let standing = Standing {
            connection,
            schedule,
            usual,
            now,
        };
        if let Some(row) = rows.iter_mut().find(|row| row.connection == connection.name) {
            row.sync = syncs::word(&standing, &of_it);
            row.sync_lag_seconds = syncs::oldest(&of_it, now);
        }
    }
    Ok(())
}

/// Warns of companies that have to be authorised again soon.
async fn count_down(parts: &Parts, connections: &[Connection], rows: &mut [CompanyRow]) {
    let now = parts.clock.now();
    for connection in connections {
        let Some(ends) = countdown::ends(parts, connection).await else {
            continue;
        };
        let warning = countdown::warning(connection, ends, now);
        let row = rows.iter_mut().find(|row| row.connection == connection.name);
        if let (Some(row), Some(warning)) = (row, warning) {
            row.warnings.push(warning);
        }
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
