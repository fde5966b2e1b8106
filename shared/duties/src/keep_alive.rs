//! Keep alive: the credential of a company that nobody asks is used once a week, because it ends for want of use.

use ledgerfleet_access::{Access, AccessError};
use ledgerfleet_ledger::Ledger;
use ledgerfleet_model::{Connection, ConnectionState};
use tracing::{info, warn};

use crate::error::DutyError;

/// Uses what is idle. What is refused for good waits for a person from now on, who learns of it while there is time.
pub(crate) async fn keep_alive(ledger: &dyn Ledger, access: &Access) -> Result<u64, DutyError> {
    let mut used = 0;
    for connection in ledger.connections().await? {
        if !matches!(
            connection.state,
            ConnectionState::Active | ConnectionState::Paused
        ) {
            continue;
        }
        match access.use_if_idle(&connection).await {
            Ok(true) => {
                info!(connection = %connection.id, "the credential of an idle company was used");
                used += 1;
            }
            Ok(false) => {}
            Err(AccessError::Ledger(error)) => return Err(error.into()),
            Err(error) => park(ledger, &connection, &error).await?,
        }
    }
    Ok(used)
}

async fn park(ledger: &dyn Ledger, connection: &Connection, error: &AccessError) -> Result<(), DutyError> {
    warn!(connection = %connection.id, error = error as &dyn std::error::Error, "the credential of an idle company cannot be used");
    let stored = ledger.credential(connection.id).await?;
    if let (Some(cause), Some(since)) = (error.cause(), stored.and_then(|stored| stored.stored_at)) {
        ledger
            .park_connection(connection.id, since, cause, &error.to_string())
            .await?;
    }
    Ok(())
}
