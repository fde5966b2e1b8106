//! `connection`: the companies.

pub(crate) mod add;
mod authorize;
mod credential;
mod key;
mod pin;
mod remove;
mod set;
pub(crate) mod steering;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ledgerfleet_connectors::Identity;
use ledgerfleet_ledger::{BrakeScope, Ledger, Purge};
use ledgerfleet_model::{Connection, ConnectionState, Failure, FailureKind};
use ledgerfleet_upstream::{Asking, Identify};
use ledgerfleet_wiring::Parts;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use remove::OpenConsent;

use crate::advice::to_place_rightly;
use crate::cli::ConnectionCommand;
use crate::countdown;
use crate::exit::{APP_KEYS, Exit, Problem};
use crate::output::span;
use crate::running::role::{Role, role, tell_if_nobody_runs};
use crate::session::Session;
use crate::views::connections::{ConnectionRow, RefreshRow, ShownConnection};
use crate::waits::Waits;
use ledgerfleet_planning::connection_named;

/// How long `connection test --wait` waits.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

pub(crate) async fn run(session: &Session, command: ConnectionCommand) -> anyhow::Result<Exit> {
    match command {
        ConnectionCommand::Add(add) => add::run(session, add).await,
        ConnectionCommand::Authorize(args) => authorize::run(session, args).await,
        ConnectionCommand::List => list(session).await,
        ConnectionCommand::Pause { name } => steer(session, &name, ConnectionState::Paused).await,
        ConnectionCommand::Resume { name } => steer(session, &name, ConnectionState::Active).await,
        ConnectionCommand::Show { name } => show(session, &name).await,
        ConnectionCommand::Test { name, wait } => test(session, &name, wait).await,
        ConnectionCommand::Set(args) => set::run(session, &args).await,
        ConnectionCommand::Remove {
            name,
            purge_data,
            force,
        } => {
            let purge = if purge_data {
                Purge::DeleteRecords
            } else {
                Purge::KeepRecords
            };
            let consent = if force {
                OpenConsent::Leave
            } else {
                OpenConsent::Refuse
            };
            remove::remove(session, &name, purge, consent).await
        }
        ConnectionCommand::Purge => remove::purge(session).await,
    }
}

/// Pauses or resumes a company.
async fn steer(session: &Session, name: &str, wanted: ConnectionState) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connection = connection_named(&*parts.ledger, name).await?;
    steering::steer(&parts, &connection, wanted, &session.user).await?;
    session.talk.say(match wanted {
        ConnectionState::Paused => format!("{name} is paused; what is to be done for it waits"),
        _ => format!("{name} is active; what waited goes on"),
    });
    if wanted == ConnectionState::Active {
        tell_if_nobody_runs(session, &parts)?;
    }
    Ok(Exit::Done)
}

async fn list(session: &Session) -> anyhow::Result<Exit> {
    let connections = session.parts().await?.ledger.connections().await?;
    let rows: Vec<ConnectionRow> = connections.into_iter().map(ConnectionRow).collect();
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

async fn show(session: &Session, name: &str) -> anyhow::Result<Exit> {
    const NEWEST: u32 = 10;
    let parts = session.parts().await?;
    let connection = connection_named(&*parts.ledger, name).await?;
    let refreshes = parts.ledger.refreshes(connection.id, NEWEST).await?;
    let ends = countdown::ends(&parts, &connection).await;
    session.output.one(&ShownConnection {
        connection: ConnectionRow(connection),
        authorise_again_by: ends.and_then(|ends| ends.unused_at),
        consent_ends_at: ends.and_then(|ends| ends.at_the_latest),
        refreshes: refreshes.into_iter().map(RefreshRow::from).collect(),
    })?;
    Ok(Exit::Done)
}

/// Asks for access and for the company's name. Success makes a connection active again that was waiting for a
/// person; failure says what that person has to do.
async fn test(session: &Session, name: &str, wait: bool) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connection = connection_named(&*parts.ledger, name).await?;
    // Who runs the file keeps others from it until the upstream has answered.
    let (renewal, holding) = match role(session, &parts)? {
        Role::Client(Some(held)) => {
            session.talk.say(format!("{held}; the test is made beside it"));
            (beside_a_runner(&connection), None)
        }
        Role::Runner(holding) => (Renewal::Always, Some(holding)),
        Role::Client(None) => (Renewal::Always, None),
    };
    let asking = asking(session, &parts, &connection, wait)?;
    let company = identify(&parts, &connection, renewal, &asking).await?;
    drop(holding);
    pin::pin(&parts, &connection, &company).await?;
    session
        .talk
        .say(format!("{name} answers: it is {}", company.name));
    if connection.state == ConnectionState::NeedsReauthorisation {
        parts
            .ledger
            .set_connection_state(connection.id, ConnectionState::Active, None)
            .await?;
        session
            .talk
            .say(format!("{name} is active again; its waiting segments go on"));
        tell_if_nobody_runs(session, &parts)?;
    } else if renewal == Renewal::Always && open_keys(&*parts.ledger, &connection).await? {
        session
            .talk
            .say("the keys of the app are taken again; what waits for them goes on");
        tell_if_nobody_runs(session, &parts)?;
    }
    Ok(Exit::Done)
}

/// Lets go what waits because the keys of the app were refused. False if nothing does.
async fn open_keys(ledger: &dyn Ledger, connection: &Connection) -> anyhow::Result<bool> {
    let scope = BrakeScope::AppKeys {
        connector: connection.connector.clone(),
        environment: connection.environment,
    };
    Ok(ledger.release(&[scope]).await? > 0)
}

/// Whether access is renewed before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// An access that is still good would say nothing of the app's keys and of the credential.
    Always,
    /// One that is still good is used as it is.
    IfNeeded,
}

/// A connection that waits for a person is used by nobody. The credential of any other is renewed by the process that
/// runs the file, and two renewals at once could cost it.
fn beside_a_runner(connection: &Connection) -> Renewal {
    if connection.state == ConnectionState::NeedsReauthorisation {
        Renewal::Always
    } else {
        Renewal::IfNeeded
    }
}

fn asking<'a>(
    session: &'a Session,
    parts: &Parts,
    connection: &'a Connection,
    wait: bool,
) -> anyhow::Result<Asking<'a>> {
    let company = parts.company(Arc::new(connection.clone()));
    let company = company.context("this program lacks the connector")?;
    let waits = Waits {
        talk: &session.talk,
        company: &connection.name,
        entity: "company",
    };
    if !wait {
        return Ok(Asking::once(
            parts.means(),
            company,
            CancellationToken::new(),
            waits,
        ));
    }
    let stop = session.heed_signals().token().clone();
    Ok(Asking::once(parts.means(), company, stop, waits).for_at_most(LONGEST_WAIT))
}

async fn identify(
    parts: &Parts,
    connection: &Connection,
    renewal: Renewal,
    asking: &Asking<'_>,
) -> anyhow::Result<Identity> {
    // Refused credentials are told by this error; the rest by what the upstream says.
    match renewal {
        Renewal::Always => parts.access.renewed(connection).await?,
        Renewal::IfNeeded => parts.access.token(connection).await?,
    };
    let named = asking.ask(&Identify).await;
    if let Err(error) = asking.count_calls(&*parts.ledger, "company_info").await {
        warn!(
            error = &error as &dyn std::error::Error,
            "a metered call was not counted"
        );
    }
    let named = named.map_err(|failure| refused(connection, &failure))?;
    Ok(named.answer)
}

/// What a refusal by the upstream means for a person.
fn refused(connection: &Connection, failure: &Failure) -> Problem {
    let name = &connection.name;
    let what = format!("{name} cannot be asked: {}", failure.message);
    match failure.kind {
        FailureKind::Unauthorised
        | FailureKind::NeedsReauthorisation
        | FailureKind::Forbidden
        | FailureKind::NotFound
        | FailureKind::BadRequest => {
            Problem::new(Exit::NeedsAuthorisation, what, to_place_rightly(connection))
        }
        FailureKind::WrongAppKeys => Problem::new(Exit::NeedsAuthorisation, what, APP_KEYS),
        FailureKind::GateBusy => gate_is_closed(connection, failure),
        FailureKind::CoordinationUnavailable | FailureKind::LedgerUnavailable => {
            Problem::new(Exit::of_refusal(failure.kind), what, "scheduler doctor")
        }
        kind if Exit::of_refusal(kind) == Exit::DependencyDown => {
            let next = format!("check the network, then: scheduler connection test {name}");
            Problem::new(Exit::DependencyDown, what, next)
        }
        kind => Problem::new(
            Exit::of_refusal(kind),
            what,
            format!("scheduler connection test {name} -v"),
        ),
    }
}

/// After a start of Redis nobody knows what was in flight before, so every gate is closed for a while.
fn gate_is_closed(connection: &Connection, failure: &Failure) -> Problem {
    let name = &connection.name;
    let what = match failure.retry_after {
        Some(wait) => format!("{} until the gate of {name} opens", span(wait.as_secs_f64())),
        None => format!("the gate of {name} lets nobody through now"),
    };
    Problem::new(
        Exit::DependencyDown,
        what,
        format!("scheduler connection test {name} --wait"),
    )
    .because(format!(
        "{}; after a start of Redis gates stay closed until nothing can be in flight any more",
        failure.message
    ))
}
