//! `doctor` on master keys: which key has sealed what.

use std::collections::BTreeMap;

use ledgerfleet_vault::Vault;
use ledgerfleet_wiring::Parts;

use crate::output::counted;
use crate::views::checks::Check;

/// The line of keys.
pub(super) async fn keys(parts: &Parts) -> anyhow::Result<Check> {
    let rows = parts.ledger.sealed_rows().await?;
    let mut by_key: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        *by_key
            .entry(Vault::key_of(&row.sealed).unwrap_or("unknown"))
            .or_default() += 1;
    }
    let here = parts.vault.key_id();
    let own = by_key.remove(here).unwrap_or(0);
    let others: Vec<String> = by_key
        .iter()
        .map(|(key, count)| format!("{} with {key}", counted(*count, "credential")))
        .collect();
    let unknown = by_key.keys().find(|key| !parts.vault.knows(key));
    let own = format!(
        "{} sealed with {here}, the key of this process",
        counted(own, "credential")
    );
    Ok(match (unknown, others.is_empty()) {
        (Some(key), _) => Check::bad(
            "keys",
            format!("{own}; {}", others.join(", ")),
            format!("give key {key} as LEDGERFLEET_SECOND_MASTER_KEY_FILE, then: scheduler key rotate"),
        ),
        (None, false) => Check::doubtful(
            "keys",
            format!("{own}; {}", others.join(", ")),
            "scheduler key rotate",
        ),
        (None, true) => Check::good("keys", own),
    })
}
