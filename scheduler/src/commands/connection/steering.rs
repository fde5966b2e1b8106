//! Steering: a company is paused, and resumed.

use ledgerfleet_model::{Connection, ConnectionState};
use ledgerfleet_planning::ring;
use ledgerfleet_wiring::Parts;

use crate::advice::to_authorise;
use crate::exit::{Exit, Problem};

/// Pauses or resumes a company. Done again, it changes nothing. One that needs authorisation is neither: it is authorised.
pub(crate) async fn steer(
    parts: &Parts,
    connection: &Connection,
    wanted: ConnectionState,
    who: &str,
) -> anyhow::Result<()> {
    if connection.state == wanted {
        return Ok(());
    }
    // Paused, it would forget what it waits for, and be resumed with a key that nobody has tested.
    if connection.state == ConnectionState::NeedsReauthorisation {
        let what = match wanted {
            ConnectionState::Paused => format!(
                "{} waits for authorisation already, and nothing of it is read until then",
                connection.name
            ),
            _ => format!("{} needs authorisation before it can go on", connection.name),
        };
        return Err(Problem::new(Exit::NeedsAuthorisation, what, to_authorise(connection)).into());
    }
    let ledger = &parts.ledger;
    let reason = (wanted == ConnectionState::Paused).then(|| format!("paused by {who}"));
    ledger
        .set_connection_state(connection.id, wanted, reason.as_deref())
        .await?;
    let action = match wanted {
        ConnectionState::Paused => "connection.pause",
        _ => "connection.resume",
    };
    let detail = serde_json::json!({ "name": connection.name, "by": who });
    let subject = connection.id.to_string();
    ledger.note_audit(action, Some(&subject), detail).await?;
    ring(&*parts.bell).await;
    Ok(())
}
