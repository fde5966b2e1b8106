//! `doctor`: checks what can be checked without asking an upstream for anything.

mod clocks;
mod keys;
mod machine;
mod syncs;
mod upstreams;
mod webhooks;

use std::error::Error;
use std::time::Duration;

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_connectors::REGISTRY;
use ledgerfleet_ledger::{BrakeScope, Leader, RunReport};
use ledgerfleet_model::{Connection, ConnectionState};
use ledgerfleet_wiring::{Parts, RunnerLockError};

use crate::advice::to_authorise;
use crate::braked::{closed, next, whose};
use crate::commands::model;
use crate::commands::quota::quota;
use crate::countdown;
use crate::exit::{Exit, explain};
use crate::output::{counted, instant, span, thousands};
use crate::running::role::take_lock;
use crate::running::watch::ended;
use crate::session::Session;
use crate::views::checks::Check;
use clocks::clocks;

/// Unfinished work is looked for among this many newest runs.
const RUNS: u32 = 100;

/// What a line looks at has this long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let settings = &session.settings;
    let mut checks = vec![configuration(settings)];
    checks.extend(machine::checks(settings));
    match within(session.parts()).await {
        Some(Ok(parts)) => checks.extend(look_at(&parts, settings).await),
        Some(Err(error)) => checks.extend(failed("database", &error)),
        None => checks.push(silent("database")),
    }
    session.output.list(&checks)?;
    Ok(Exit::most_telling(checks.iter().filter_map(|check| check.exit)))
}

async fn look_at(parts: &Parts, settings: &Settings) -> Vec<Check> {
    let mut checks = vec![
        line("quickbooks keys", app_keys(parts, settings)).await,
        line("database", database(parts, settings)).await,
        line("clocks", clocks(parts, settings)).await,
    ];
    if let Shape::Fleet { .. } = settings.shape {
        checks.push(line("redis", redis(parts)).await);
    }
    checks.push(line("runner", runner(parts, settings)).await);
    checks.extend(lines("dispatch", dispatch(parts)).await);
    checks.extend(lines("connections", connections(parts)).await);
    checks.extend(lines("upstream", upstreams::upstreams(parts, settings)).await);
    checks.push(line("keys", keys::keys(parts)).await);
    checks.push(line("sync", syncs::syncs(parts)).await);
    checks.extend(lines("triggers", syncs::triggers(parts)).await);
    checks.extend(lines("webhooks", webhooks::webhooks(parts, settings)).await);
    checks.extend(lines("brakes", brakes(parts)).await);
    checks.push(line("calls", calls(parts)).await);
    checks.push(line("dead letters", dead_letters(parts)).await);
    checks.push(line("tables", model::check(parts)).await);
    checks
}

/// One line; what does not answer in time says so, and does not keep the others from being looked at.
async fn line(what: &'static str, looking: impl Future<Output = anyhow::Result<Check>>) -> Check {
    match within(looking).await {
        Some(Ok(check)) => check,
        Some(Err(error)) => failed(what, &*error).unwrap_or_else(|| silent(what)),
        None => silent(what),
    }
}

/// The same for what takes several lines and one look.
async fn lines(what: &'static str, looking: impl Future<Output = anyhow::Result<Vec<Check>>>) -> Vec<Check> {
    match within(looking).await {
        Some(Ok(checks)) => checks,
        Some(Err(error)) => failed(what, &*error).into_iter().collect(),
        None => vec![silent(what)],
    }
}

async fn within<T>(looking: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, looking).await.ok()
}

fn silent(what: &str) -> Check {
    let next = "check that the servers of LEDGERFLEET_DATABASE_URL and LEDGERFLEET_REDIS_URL run, and that nothing on the \
                way to them (a firewall, a stopped process) swallows what is sent";
    let detail = format!("no answer within {} s", PATIENCE.as_secs());
    Check::bad(what, detail, next).ending(Exit::DependencyDown)
}

fn configuration(settings: &Settings) -> Check {
    if settings.warnings.is_empty() {
        return Check::good("configuration", "valid");
    }
    Check::doubtful(
        "configuration",
        settings.warnings.join("; "),
        "scheduler config show --origin",
    )
}

/// Whoever copies nothing from QuickBooks needs none.
async fn app_keys(parts: &Parts, settings: &Settings) -> anyhow::Result<Check> {
    let quickbooks = &settings.quickbooks;
    if quickbooks.client_id.is_some() && quickbooks.client_secret.is_some() {
        return Ok(Check::good("quickbooks keys", "set"));
    }
    let connections = parts.ledger.connections().await?;
    let needs = |connection: &Connection| connection.connector == "quickbooks";
    if !connections.is_empty() && !connections.iter().any(needs) {
        return Ok(Check::good("quickbooks keys", "no company needs them"));
    }
    Ok(Check::doubtful(
        "quickbooks keys",
        "client id or secret is not set: no access can be renewed",
        "set LEDGERFLEET_QUICKBOOKS_CLIENT_ID and LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET_FILE",
    ))
}

fn place(settings: &Settings) -> String {
    match &settings.shape {
        Shape::Embedded { path } => format!("{}, schema up to date", path.display()),
        Shape::Fleet { .. } => "Postgres".to_owned(),
    }
}

/// What is read only is no ledger, however well it answers.
async fn database(parts: &Parts, settings: &Settings) -> anyhow::Result<Check> {
    parts.ledger.check_writable().await?;
    Ok(Check::good("database", place(settings)))
}

/// What is left of the metered calls of the month.
async fn calls(parts: &Parts) -> anyhow::Result<Check> {
    let metered = REGISTRY
        .iter()
        .find_map(|entry| Some((entry.name, parts.budget.allowance(entry.name)?)));
    let Some((connector, allowance)) = metered else {
        return Ok(Check::good("calls", "no upstream meters them"));
    };
    let quota = quota(parts, connector, &allowance, None).await?;
    let detail = format!(
        "{} of {} used this month; {} left before the reserve",
        thousands(quota.used),
        thousands(quota.monthly_calls),
        thousands(quota.left_before_reserve)
    );
    if quota.left_before_reserve == 0 {
        let next = "scheduler quota; more calls: quickbooks.monthly_calls, quickbooks.reserve";
        return Ok(Check::doubtful("calls", detail, next));
    }
    Ok(Check::good("calls", detail))
}

fn failed(check: &str, error: &(dyn Error + 'static)) -> Option<Check> {
    let problem = explain(error)?;
    let why = problem.why.map(|why| format!(" ({why})")).unwrap_or_default();
    let bad = Check::bad(check, format!("{}{why}", problem.what), problem.next);
    Some(bad.ending(problem.exit))
}

/// Asked in every way that a worker asks: reading is not all that a user of Redis must be allowed.
async fn redis(parts: &Parts) -> anyhow::Result<Check> {
    let answered = match parts.bell.probe().await {
        Ok(()) => parts.gate.is_new().await.map(drop),
        Err(unreachable) => Err(unreachable),
    };
    if let Err(unreachable) = answered {
        let next = "start Redis, or give LEDGERFLEET_REDIS_URL with a user who may do what it must: \
                    shared/coordination/README.md";
        return Ok(Check::bad("redis", unreachable.to_string(), next).ending(Exit::DependencyDown));
    }
    // A user who may not ask what the server is may do all that is needed.
    let found = parts.examine_redis().await.unwrap_or_default();
    Ok(match (found.unsuitable, found.warnings.as_slice()) {
        (Some(why), _) => {
            let next = "give LEDGERFLEET_REDIS_URL a single Redis, version 7 or newer";
            Check::bad("redis", why, next).ending(Exit::Usage)
        }
        (None, []) => Check::good("redis", "answers"),
        (None, warnings) => Check::doubtful(
            "redis",
            warnings.join("; "),
            "CONFIG SET maxmemory-policy noeviction",
        ),
    })
}

/// Taking the role and giving it back at once tells whether somebody has it.
pub(super) async fn runner(parts: &Parts, settings: &Settings) -> anyhow::Result<Check> {
    Ok(match take_lock(settings) {
        Ok(None) => leader(parts).await?,
        Ok(Some(lock)) => {
            drop(lock);
            nobody_runs(&parts.ledger.runs(RUNS).await?)
        }
        Err(held @ RunnerLockError::Held { .. }) => Check::good("runner", held.to_string()),
        Err(error) => Check::bad(
            "runner",
            error.to_string(),
            "make the database's directory writable for you",
        ),
    })
}

/// Whoever works also stands for leader, so without a leader nobody works.
async fn leader(parts: &Parts) -> anyhow::Result<Check> {
    let Some(leader) = parts.ledger.leader().await? else {
        return Ok(Check::doubtful(
            "runner",
            "no process leads the fleet: no worker runs, or none reaches both this database and Redis",
            "start one: worker; its /readyz says what it does not reach",
        ));
    };
    let Leader {
        holder,
        term,
        since,
        lease,
    } = leader;
    let since = since
        .map(|since| format!(" since {}", instant(since)))
        .unwrap_or_default();
    let left = span(lease.as_secs_f64());
    Ok(Check::good(
        "runner",
        format!("{holder} leads the fleet{since}, in term {term}; its lease lasts {left} more"),
    ))
}

/// Who leads and does not dispatch does no good: nothing new is begun anywhere.
async fn dispatch(parts: &Parts) -> anyhow::Result<Vec<Check>> {
    let Some(ago) = parts.ledger.last_dispatch().await? else {
        return Ok(Vec::new());
    };
    let said = span(ago.as_secs_f64());
    // The leader tells it with its renewals.
    let late = parts.timings.dispatch_patience() + parts.timings.leadership();
    Ok(vec![if ago <= late {
        Check::good("dispatch", format!("the last one was {said} ago"))
    } else {
        let since = instant(parts.clock.now() - ago);
        Check::doubtful(
            "dispatch",
            format!("no dispatch since {since}, which is {said} ago: nothing new is begun"),
            "see what the workers cannot reach: their /readyz, and their log",
        )
    }])
}

/// Work that waits although nobody does it is easily taken for work that is being done.
fn nobody_runs(runs: &[RunReport]) -> Check {
    let waiting: Vec<&RunReport> = runs.iter().filter(|run| ended(run).is_none()).collect();
    let Some(first) = waiting.first() else {
        return Check::good("runner", "nobody runs segments now, and none waits");
    };
    Check::doubtful(
        "runner",
        format!(
            "nobody runs segments now, and unfinished runs wait: {}",
            waiting.len()
        ),
        format!("scheduler serve, or scheduler run watch {}", first.run_id),
    )
}

async fn connections(parts: &Parts) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for connection in parts.ledger.connections().await? {
        let title = format!("connection {}", connection.name);
        let reason = connection.state_reason.clone().unwrap_or_default();
        checks.push(match connection.state {
            ConnectionState::Active => active(parts, &connection, title).await,
            ConnectionState::Paused => Check::doubtful(title, format!("paused {reason}"), ""),
            ConnectionState::NeedsReauthorisation => {
                let detail = format!("needs authorisation: {reason}");
                Check::bad(title, detail, to_authorise(&connection)).ending(Exit::NeedsAuthorisation)
            }
            ConnectionState::Removed => continue,
        });
    }
    if checks.is_empty() {
        checks.push(Check::doubtful(
            "connections",
            "none yet",
            "scheduler connection add quickbooks --help",
        ));
    }
    Ok(checks)
}

/// A company that is asked, and whether somebody has to authorise it again soon.
async fn active(parts: &Parts, connection: &Connection, title: String) -> Check {
    let ends = countdown::ends(parts, connection).await;
    let warning = ends.and_then(|ends| countdown::warning(connection, ends, parts.clock.now()));
    match warning.as_deref().and_then(|warning| warning.split_once(": ")) {
        Some((detail, next)) => Check::doubtful(title, detail, next),
        None => Check::good(title, "active"),
    }
}

/// What fails for everybody, and is tried once a minute.
async fn brakes(parts: &Parts) -> anyhow::Result<Vec<Check>> {
    let connections = parts.ledger.connections().await?;
    let mut checks = Vec::new();
    for brake in closed(&*parts.ledger, &connections).await? {
        let title = format!("{} {}", brake.scope.kind(), whose(&brake, &connections));
        let (told, next) = (brake.to_string(), next(&brake, &connections));
        checks.push(match brake.scope {
            BrakeScope::Table(_) => Check::bad(title, told, next).ending(Exit::DependencyDown),
            BrakeScope::AppKeys { .. } => Check::bad(title, told, next).ending(Exit::NeedsAuthorisation),
            _ => Check::doubtful(title, told, next),
        });
    }
    Ok(checks)
}

async fn dead_letters(parts: &Parts) -> anyhow::Result<Check> {
    let count = parts
        .ledger
        .count_dead_letters(&ledgerfleet_ledger::DeadLetterFilter::default())
        .await?;
    if count == 0 {
        return Ok(Check::good("dead letters", "none"));
    }
    let dead = Check::doubtful(
        "dead letters",
        counted(count, "segment"),
        "scheduler dlq list --group",
    );
    Ok(dead.ending(Exit::DeadSegments))
}
