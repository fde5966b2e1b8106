//! What a plan costs in the world as it is: what is stored, what is queued, what is left of the month.

use std::collections::HashMap;
use std::time::Duration;

use chrono::NaiveDate;
use ledgerfleet_connectors::ConnectorEntry;
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, LedgerError};
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::{Axis, Connection, ConnectionId, RunState, Segmenting};
use ledgerfleet_planning::{Estimate, Known, Left, Part, Plan};
use ledgerfleet_upstream::{Asking, KnownLessons, counting};
use ledgerfleet_wiring::Parts;

use crate::commands::connection::testing::refused;

/// Work that waits is looked for among this many newest runs.
const RUNS: u32 = 100;

/// A count that is not answered for so long is given up.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// So many windows of coverage are soon read.
const SOON: u64 = 20_000;

type Key = (ConnectionId, &'static str);

/// What is known of the world.
struct World<'a> {
    parts: &'a Parts,
    rows: HashMap<Key, u64>,
    queued: HashMap<ConnectionId, u64>,
    months: HashMap<String, Left>,
}

impl Known for World<'_> {
    fn rows(&self, part: &Part) -> Option<u64> {
        self.rows.get(&(part.connection.id, part.entity.name)).copied()
    }

    fn rate(&self, connection: &Connection, entry: &'static ConnectorEntry) -> f64 {
        self.parts.gate_limits(connection, entry).requests_per_second
    }

    fn queued(&self, connection: &Connection) -> u64 {
        self.queued.get(&connection.id).copied().unwrap_or(0)
    }

    fn month(&self, connection: &Connection) -> Option<Left> {
        self.months.get(&connection.connector).copied()
    }
}

/// What a plan costs, by what the ledger knows. Nothing is asked upstream.
pub(crate) async fn estimate(parts: &Parts, plan: &Plan) -> anyhow::Result<Estimate> {
    let rows = stored_rows(parts, plan).await?;
    estimate_with(parts, plan, rows).await
}

/// The same where that is soon known; else without the rows that are stored.
pub(crate) async fn estimate_soon(parts: &Parts, plan: &Plan) -> anyhow::Result<Estimate> {
    let most: u64 = plan
        .parts()
        .iter()
        .map(|part| plan.count(part, Segmenting::Day))
        .sum();
    if most <= SOON {
        return estimate(parts, plan).await;
    }
    estimate_with(parts, plan, HashMap::new()).await
}

/// The first, but every source is asked how many rows it has: a metered call for each entity that is counted. How a part's
/// company is asked is `asking`'s to say.
pub(crate) async fn estimate_by_asking<'a, E>(
    parts: &Parts,
    plan: &'a Plan,
    asking: impl Fn(&'a Part) -> Result<Asking<'a>, E>,
) -> anyhow::Result<Estimate>
where
    anyhow::Error: From<E>,
{
    let mut rows = stored_rows(parts, plan).await?;
    let lessons = KnownLessons::default();
    for part in plan.parts() {
        let asking = asking(part)?
            .for_at_most(LONGEST_WAIT)
            .with_purpose(Purpose::Background);
        let ledger = &*parts.ledger;
        let mut learner = lessons
            .learner(ledger, part.connection.id, part.entity.name)
            .await?;
        let counted = counting::count(&asking, &mut learner, part.entity, &plan.span(part), None).await;
        asking.count_calls(ledger, part.entity.name).await?;
        if let Some(counted) = counted.map_err(|failure| refused(&part.connection, &failure))? {
            rows.insert((part.connection.id, part.entity.name), counted);
        }
    }
    estimate_with(parts, plan, rows).await
}

async fn estimate_with(parts: &Parts, plan: &Plan, rows: HashMap<Key, u64>) -> anyhow::Result<Estimate> {
    let world = World {
        parts,
        rows,
        queued: queued(parts).await?,
        months: months(parts, plan).await?,
    };
    Ok(Estimate::of(plan, &world))
}

/// Rows of those parts of which all days were read before.
async fn stored_rows(parts: &Parts, plan: &Plan) -> Result<HashMap<Key, u64>, LedgerError> {
    let (from, to) = (plan.range().from(), plan.range().to());
    let filter = CoverageFilter {
        connections: plan.connections().into_iter().map(|one| one.id).collect(),
        from: Some(from),
        to: Some(to),
        ..CoverageFilter::default()
    };
    let coverage = parts.ledger.coverage(&filter).await?;
    let known = |part: &Part| {
        let of_it = coverage.iter().filter(|row| {
            row.connection == part.connection.name && row.entity == part.entity.name && row.axis == part.axis
        });
        let rows = rows_of(of_it, part.axis, (from, to))?;
        Some(((part.connection.id, part.entity.name), rows))
    };
    Ok(plan.parts().iter().filter_map(known).collect())
}

/// The rows of windows that follow each other over all days; none where they do not.
fn rows_of<'a>(
    windows: impl Iterator<Item = &'a CoverageRow>,
    axis: Axis,
    (from, to): (NaiveDate, NaiveDate),
) -> Option<u64> {
    let (mut next, mut rows, mut any) = (from, 0, false);
    for window in windows {
        any = true;
        rows += window.rows;
        if axis == Axis::Whole {
            continue;
        }
        if window.from? != next {
            return None;
        }
        next = window.to?.succ_opt()?;
    }
    let is_all = axis == Axis::Whole || next > to;
    (any && is_all).then_some(rows)
}

/// Segments that wait at each company.
async fn queued(parts: &Parts) -> Result<HashMap<ConnectionId, u64>, LedgerError> {
    let mut queued: HashMap<ConnectionId, u64> = HashMap::new();
    for run in parts.ledger.runs(RUNS).await? {
        if run.state != RunState::Active {
            continue;
        }
        for left in parts.ledger.remaining(run.run_id).await? {
            *queued.entry(left.connection).or_default() += left.segments;
        }
    }
    Ok(queued)
}

/// What is left of the month, by connector.
async fn months(parts: &Parts, plan: &Plan) -> Result<HashMap<String, Left>, LedgerError> {
    let now = parts.ledger.clock().await?.now;
    let mut months = HashMap::new();
    for connection in plan.connections() {
        let Some(allowance) = parts.budget.allowance(&connection.connector) else {
            continue;
        };
        if months.contains_key(&connection.connector) {
            continue;
        }
        let spent = parts.budget.spent(allowance.month_of(now)).await?;
        let of_it = spent
            .iter()
            .filter(|company| company.connector == connection.connector);
        let left = Left {
            monthly: allowance.monthly_calls,
            left: allowance.left(of_it.map(|company| company.calls).sum()),
        };
        months.insert(connection.connector.clone(), left);
    }
    Ok(months)
}
