//! Key: a key alone tells whose books it opens, so nothing is read with another one before that was asked.

use chrono::TimeDelta;
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, RefusalCause};
use ledgerfleet_wiring::Parts;
use secrecy::SecretString;

use super::credential;
use crate::exit::{Exit, Problem};
use crate::output::counted;

const UNTESTED: &str = "its new key was not tested yet";

/// Replaces the key of a company, which then waits to be tested, whatever its state was.
///
/// Fails while segments of it are running: they would read on with the new key, and if that is another company's, store its
/// books and take for deleted what they lack. That it waits is written first, so that no segment begins in between.
pub(super) async fn replace(
    parts: &Parts,
    connection: &Connection,
    secret: &SecretString,
) -> anyhow::Result<()> {
    check_idle(parts, connection).await?;
    await_test(parts, connection).await?;
    if let Err(busy) = check_idle(parts, connection).await {
        let (state, reason) = (connection.state, connection.state_reason.as_deref());
        parts
            .ledger
            .set_connection_state(connection.id, state, reason)
            .await?;
        return Err(busy);
    }
    credential::replace(parts, connection, secret).await
}

async fn check_idle(parts: &Parts, connection: &Connection) -> anyhow::Result<()> {
    let sums = parts.ledger.connection_sums().await?;
    let running = sums
        .iter()
        .find(|sums| sums.connection == connection.id)
        .map_or(0, |sums| sums.running);
    if running == 0 {
        return Ok(());
    }
    let name = &connection.name;
    let what = format!(
        "the key of {name} is not replaced while {} of it run: they would go on with the new one, before anybody knows \
         whose books that opens",
        counted(running, "segment")
    );
    let next =
        format!("scheduler connection pause {name}; when what runs has ended, give it the new key again");
    Err(Problem::new(Exit::Failed, what, next).into())
}

/// An active connection keeps the cause as well, by which a person is told to test it.
async fn await_test(parts: &Parts, connection: &Connection) -> anyhow::Result<()> {
    if connection.state == ConnectionState::Active {
        return park(parts, connection, UNTESTED).await;
    }
    let waits = ConnectionState::NeedsReauthorisation;
    parts
        .ledger
        .set_connection_state(connection.id, waits, Some(UNTESTED))
        .await?;
    Ok(())
}

/// Has a connection that was added just now wait to be tested, before anything is read with its key.
pub(super) async fn await_first_test(parts: &Parts, id: ConnectionId) -> anyhow::Result<()> {
    let waits = ConnectionState::NeedsReauthorisation;
    parts
        .ledger
        .set_connection_state(id, waits, Some("its key was not tested yet"))
        .await?;
    Ok(())
}

/// Has a connection wait for a person, whatever was stored of it just now.
pub(crate) async fn park(parts: &Parts, connection: &Connection, why: &str) -> anyhow::Result<()> {
    let later = parts.clock.now() + TimeDelta::days(1);
    parts
        .ledger
        .park_connection(connection.id, later, RefusalCause::Place, why)
        .await?;
    Ok(())
}
