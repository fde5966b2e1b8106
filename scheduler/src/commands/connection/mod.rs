//! `connection`: the companies.

pub(crate) mod add;
mod authorize;
mod credential;
pub(crate) mod key;
mod pin;
pub(crate) mod remove;
pub(crate) mod set;
pub(crate) mod steering;
pub(crate) mod testing;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ledgerfleet_ledger::Purge;
use ledgerfleet_model::{Connection, ConnectionState};
use ledgerfleet_upstream::Asking;
use ledgerfleet_wiring::Parts;
use tokio_util::sync::CancellationToken;

use remove::OpenConsent;
use testing::{LetsGo, Renewal, beside_a_runner};

use crate::cli::ConnectionCommand;
use crate::countdown;
use crate::exit::Exit;
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
    let tested = testing::test(&parts, &connection, renewal, &asking).await?;
    drop(holding);
    let talk = &session.talk;
    talk.say(format!("{name} answers: it is {}", tested.company.name));
    match tested.lets_go {
        LetsGo::Nothing => return Ok(Exit::Done),
        LetsGo::History => talk.say(format!(
            "{name} was connected before: it has its history, its records and its coverage again"
        )),
        LetsGo::Company => talk.say(format!("{name} is active again; its waiting segments go on")),
        LetsGo::AppKeys => talk.say("the keys of the app are taken again; what waits for them goes on"),
    }
    tell_if_nobody_runs(session, &parts)?;
    Ok(Exit::Done)
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
