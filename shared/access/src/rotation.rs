//! Rotation: what another master key has sealed is sealed anew, credential by credential. Each is a commit of its own, and
//! both keys open what is sealed with either: whoever is killed in between, or refreshes meanwhile, disturbs nothing, and
//! the same again does the rest.

use ledgerfleet_ledger::{Ledger, SealedRow};
use ledgerfleet_vault::Vault;

use crate::credential::place;
use crate::error::AccessError;

/// A process that has only the other key seals with it as long as it lives; it is not waited for.
const PASSES: usize = 20;

/// Seals with the vault's own key what another of its keys has sealed; answers how many credentials that were.
///
/// # Errors
/// The ledger does not answer, or one of them opens with neither key.
pub async fn reseal(ledger: &dyn Ledger, vault: &Vault) -> Result<u64, AccessError> {
    let mut resealed = 0;
    for _ in 0..PASSES {
        let rows = ledger.sealed_rows().await.map_err(AccessError::Ledger)?;
        let is_old = |row: &SealedRow| Vault::key_of(&row.sealed) != Some(vault.key_id());
        let old: Vec<SealedRow> = rows.into_iter().filter(is_old).collect();
        if old.is_empty() {
            break;
        }
        for row in old {
            resealed += u64::from(reseal_one(ledger, vault, &row).await?);
        }
    }
    Ok(resealed)
}

/// False if somebody has stored another one meanwhile.
async fn reseal_one(ledger: &dyn Ledger, vault: &Vault, row: &SealedRow) -> Result<bool, AccessError> {
    let place = place(row.connection, row.version);
    let text = vault.open(&place, &row.sealed).map_err(AccessError::Sealed)?;
    let sealed = vault.seal(&place, &text);
    ledger.reseal(row, &sealed).await.map_err(AccessError::Ledger)
}
