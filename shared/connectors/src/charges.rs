//! Charges: calls that an upstream charges for. The connector, which knows what its upstream charges, notes them; whoever
//! asks counts them in the ledger. This is the only place of the rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Metered calls that are not counted in the ledger yet. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Charges(Arc<AtomicU32>);

impl Charges {
    /// Notes an answer of an upstream that charges for every read which it answers with success, whatever the body is
    /// worth. A refusal is free, also the one that says that a record is not there.
    pub(crate) fn note(&self, status: u16) {
        if (200..300).contains(&status) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn calls(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes out what the ledger has counted.
    pub fn counted(&self, calls: u32) {
        self.0.fetch_sub(calls, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_charged_until_it_is_counted_and_refusals_are_free() {
        let charges = Charges::default();
        for status in [200, 204, 301, 400, 401, 404, 429, 500] {
            charges.clone().note(status);
        }
        assert_eq!(charges.calls(), 2);
        charges.counted(1);
        assert_eq!(charges.calls(), 1);
    }
}
