//! Testing: a company is asked who it is, with an access that is renewed where that may be.

use ledgerfleet_connectors::Identity;
use ledgerfleet_ledger::{BrakeScope, Ledger};
use ledgerfleet_model::{Connection, ConnectionState, Failure, FailureKind};
use ledgerfleet_planning::sync::sync_at_once;
use ledgerfleet_upstream::{Asking, Identify};
use ledgerfleet_wiring::Parts;
use tracing::warn;

use super::pin;
use crate::advice::to_place_rightly;
use crate::exit::{APP_KEYS, Exit, Problem};
use crate::output::span;

/// A company that has answered.
#[derive(Debug)]
pub(crate) struct Tested {
    pub(crate) company: Identity,
    pub(crate) lets_go: LetsGo,
}

/// What had waited for a person and goes on, because the company has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetsGo {
    Nothing,
    /// The company had waited for authorisation.
    Company,
    /// It is a company that was removed, and is what it was.
    History,
    /// The keys of the app had been refused.
    AppKeys,
}

/// Asks for access and for the company's name. Success makes a connection active again that was waiting for a person;
/// the error says what that person has to do.
pub(crate) async fn test(
    parts: &Parts,
    connection: &Connection,
    renewal: Renewal,
    asking: &Asking<'_>,
) -> anyhow::Result<Tested> {
    let company = identify(parts, connection, renewal, asking).await?;
    let is_known_as = pin::pin(parts, connection, &company).await?;
    let ledger = &*parts.ledger;
    let lets_go = if is_known_as != connection.id {
        sync_at_once(ledger, is_known_as).await?;
        LetsGo::History
    } else if connection.state == ConnectionState::NeedsReauthorisation {
        ledger
            .set_connection_state(connection.id, ConnectionState::Active, None)
            .await?;
        // No webhook tells of what has happened while nobody was let in.
        sync_at_once(ledger, connection.id).await?;
        LetsGo::Company
    } else if renewal == Renewal::Always && open_keys(ledger, connection).await? {
        LetsGo::AppKeys
    } else {
        LetsGo::Nothing
    };
    Ok(Tested { company, lets_go })
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
pub(crate) enum Renewal {
    /// An access that is still good would say nothing of the app's keys and of the credential.
    Always,
    /// One that is still good is used as it is.
    IfNeeded,
}

/// A connection that waits for a person is used by nobody. The credential of any other is renewed by the process that
/// runs the file, and two renewals at once could cost it.
pub(crate) fn beside_a_runner(connection: &Connection) -> Renewal {
    if connection.state == ConnectionState::NeedsReauthorisation {
        Renewal::Always
    } else {
        Renewal::IfNeeded
    }
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
pub(crate) fn refused(connection: &Connection, failure: &Failure) -> Problem {
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
