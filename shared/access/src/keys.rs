//! Keys: the vault of one process, which follows its ledger to another master key.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_vault::Vault;

/// Reads anew what keys there are where this process found its own when it started; none where they cannot be read, or where
/// none can have come since.
#[derive(Clone)]
pub struct Reread(Arc<dyn Fn() -> Option<Vault> + Send + Sync>);

impl Reread {
    /// By this function.
    pub fn by(read: impl Fn() -> Option<Vault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reread")
    }
}

/// The vault of a process.
#[derive(Debug)]
pub(crate) struct Keys {
    vault: RwLock<Arc<Vault>>,
    reread: Option<Reread>,
}

impl Keys {
    pub(crate) fn new(vault: Arc<Vault>, reread: Option<Reread>) -> Self {
        let vault = RwLock::new(vault);
        Self { vault, reread }
    }

    /// What seals and opens now.
    pub(crate) fn vault(&self) -> Arc<Vault> {
        Arc::clone(&self.vault.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up the key that the ledger is used with, where it has refused what the former one had sealed. Answers whether
    /// there is another key to seal with now.
    pub(crate) fn follow(&self, refusal: &LedgerError) -> bool {
        let LedgerError::FormerKey { now, .. } = refusal else {
            return false;
        };
        let vault = self.vault();
        if vault.key_id() == now {
            return false;
        }
        let turned = vault.sealing_with(now).or_else(|| {
            let Reread(read) = self.reread.as_ref()?;
            read()?.sealing_with(now)
        });
        let Some(turned) = turned else { return false };
        *self.vault.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(turned);
        tracing::info!(
            key = now,
            "the master key was replaced meanwhile; this process seals with the new one"
        );
        true
    }
}
