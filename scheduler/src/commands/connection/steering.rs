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
    if connection.state == ConnectionState::NeedsReauthorisation && wanted == ConnectionState::Active {
        let what = format!("{} needs authorisation before it can go on", connection.name);
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
