//! Credential: what a person gives takes the place of what is stored.

use ledgerfleet_model::Connection;
use ledgerfleet_wiring::Parts;
use secrecy::SecretString;

/// Replaces the credential; again, if a refresh elsewhere was first: the person's is the one to use.
pub(super) async fn replace(
    parts: &Parts,
    connection: &Connection,
    secret: &SecretString,
) -> anyhow::Result<()> {
    loop {
        let current = parts.ledger.credential(connection.id).await?;
        let version = current.map_or(0, |credential| credential.version);
        let replace = || async {
            let credential = parts.access.seal_replacement(connection.id, version + 1, secret);
            let ledger = &parts.ledger;
            ledger
                .replace_credential(connection.id, version, &credential)
                .await
        };
        if parts.access.store_sealed(replace).await? {
            return Ok(());
        }
    }
}
