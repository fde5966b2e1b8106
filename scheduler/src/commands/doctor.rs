//! `doctor`: checks what can be checked without asking an upstream.

use std::error::Error;

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::{BrakeScope, Leader, RunReport};
use ledgerfleet_model::ConnectionState;
use ledgerfleet_wiring::{Parts, RunnerLockError};
use serde::Serialize;

use crate::advice::to_authorise;
use crate::braked::{closed, whose};
use crate::exit::{Exit, explain};
use crate::output::{Row, counted, instant, span};
use crate::runner::take_lock;
use crate::session::Session;
use crate::watch::ended;

/// Unfinished work is looked for among this many newest runs.
const RUNS: u32 = 100;

pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let mut checks = vec![configuration(&session.settings), app_keys(&session.settings)];
    let mut exits = Vec::new();
    match session.parts().await {
        Ok(parts) => {
            checks.push(database(&parts, &session.settings, &mut exits).await);
            checks.extend(redis(&parts, &session.settings, &mut exits).await);
            checks.push(runner(&parts, &session.settings).await?);
            checks.extend(connections(&parts, &mut exits).await?);
            checks.extend(brakes(&parts, &mut exits).await?);
            checks.push(dead_letters(&parts, &mut exits).await?);
        }
        Err(error) => checks.extend(failed("database", &error, &mut exits)),
    }
    session.output.list(&checks)?;
    Ok(Exit::most_telling(exits))
}

/// One thing that was looked at.
#[derive(Serialize)]
pub(super) struct Check {
    #[serde(rename = "check")]
    what: String,
    result: &'static str,
    pub(super) detail: String,
    pub(super) next: String,
}

impl Check {
    pub(super) fn is_good(&self) -> bool {
        self.result == "ok"
    }

    fn good(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: check.into(),
            result: "ok",
            detail: detail.into(),
            next: String::new(),
        }
    }

    fn doubtful(check: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: check.into(),
            result: "warning",
            detail: detail.into(),
            next: next.into(),
        }
    }

    fn bad(check: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: check.into(),
            result: "failed",
            detail: detail.into(),
            next: next.into(),
        }
    }
}

impl Check {
    /// A command is not cut, so it goes on below.
    fn detail_and_next(&self) -> String {
        if self.next.is_empty() {
            self.detail.clone()
        } else {
            format!("{}\ntry: {}", self.detail, self.next)
        }
    }
}

impl Row for Check {
    const COLUMNS: &'static [&'static str] = &["check", "result", "detail"];
    const TEXTS: &'static [&'static str] = &["detail"];
    const WRAPS: bool = true;

    fn cells(&self) -> Vec<String> {
        vec![self.what.clone(), self.result.to_owned(), self.detail_and_next()]
    }
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

fn app_keys(settings: &Settings) -> Check {
    let quickbooks = &settings.quickbooks;
    if quickbooks.client_id.is_some() && quickbooks.client_secret.is_some() {
        return Check::good("quickbooks keys", "set");
    }
    Check::doubtful(
        "quickbooks keys",
        "client id or secret is not set: no access can be renewed",
        "set LEDGERFLEET_QUICKBOOKS_CLIENT_ID and LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET_FILE",
    )
}

fn place(settings: &Settings) -> String {
    match &settings.shape {
        Shape::Embedded { path } => format!("{}, schema up to date", path.display()),
        Shape::Fleet { .. } => "Postgres".to_owned(),
    }
}

/// What is read only is no ledger, however well it answers.
async fn database(parts: &Parts, settings: &Settings, exits: &mut Vec<Exit>) -> Check {
    let place = || Check::good("database", place(settings));
    match parts.ledger.check_writable().await {
        Ok(()) => place(),
        Err(error) => failed("database", &error, exits).unwrap_or_else(place),
    }
}

fn failed(check: &str, error: &(dyn Error + 'static), exits: &mut Vec<Exit>) -> Option<Check> {
    let problem = explain(error)?;
    exits.push(problem.exit);
    let why = problem.why.map(|why| format!(" ({why})")).unwrap_or_default();
    Some(Check::bad(check, format!("{}{why}", problem.what), problem.next))
}

/// Asked in every way that a worker asks: reading is not all that a user of Redis must be allowed.
async fn redis(parts: &Parts, settings: &Settings, exits: &mut Vec<Exit>) -> Option<Check> {
    let Shape::Fleet { .. } = settings.shape else {
        return None;
    };
    let answered = match parts.bell.probe().await {
        Ok(()) => parts.gate.is_new().await.map(drop),
        Err(unreachable) => Err(unreachable),
    };
    Some(match answered {
        Ok(()) => Check::good("redis", "answers"),
        Err(unreachable) => {
            exits.push(Exit::DependencyDown);
            let next = "start Redis, or give LEDGERFLEET_REDIS_URL with a user who may do what it must";
            Check::bad("redis", unreachable.to_string(), next)
        }
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
            "no process leads the fleet: no worker runs, or none reaches this database",
            "start one: worker",
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

async fn connections(parts: &Parts, exits: &mut Vec<Exit>) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for connection in parts.ledger.connections().await? {
        let title = format!("connection {}", connection.name);
        let reason = connection.state_reason.clone().unwrap_or_default();
        checks.push(match connection.state {
            ConnectionState::Active => Check::good(title, "active"),
            ConnectionState::Paused => Check::doubtful(title, format!("paused {reason}"), ""),
            ConnectionState::NeedsReauthorisation => {
                exits.push(Exit::NeedsAuthorisation);
                Check::bad(
                    title,
                    format!("needs authorisation: {reason}"),
                    to_authorise(&connection),
                )
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

/// What fails for everybody, and is tried once a minute.
async fn brakes(parts: &Parts, exits: &mut Vec<Exit>) -> anyhow::Result<Vec<Check>> {
    let connections = parts.ledger.connections().await?;
    let mut checks = Vec::new();
    for brake in closed(&*parts.ledger, &connections).await? {
        let title = format!("{} {}", brake.scope.kind(), whose(&brake, &connections));
        let is_table = matches!(brake.scope, BrakeScope::Table(_));
        checks.push(if is_table {
            exits.push(Exit::DependencyDown);
            let next = "give the database's user the rights, room and time that the message misses; work goes on by itself";
            Check::bad(title, brake.to_string(), next)
        } else {
            let next = "nothing: work goes on by itself when the upstream answers again";
            Check::doubtful(title, brake.to_string(), next)
        });
    }
    Ok(checks)
}

async fn dead_letters(parts: &Parts, exits: &mut Vec<Exit>) -> anyhow::Result<Check> {
    let count = parts
        .ledger
        .count_dead_letters(&ledgerfleet_ledger::DeadLetterFilter::default())
        .await?;
    if count == 0 {
        return Ok(Check::good("dead letters", "none"));
    }
    exits.push(Exit::DeadSegments);
    Ok(Check::doubtful(
        "dead letters",
        counted(count, "segment"),
        "scheduler dlq list --group",
    ))
}
