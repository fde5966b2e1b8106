//! Unanswered: calls that were given up before they were answered.

use std::sync::atomic::{AtomicU64, Ordering};

/// Calls of this process that were given up before they were answered: their sessions come back in the middle of something,
/// and perhaps there is nobody at the other end.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// How many there were so far.
pub(super) fn given_up() -> u64 {
    GIVEN_UP.load(Ordering::Relaxed)
}

/// Counts a call as given up if it is dropped before [`Unanswered::answered`].
pub(super) struct Unanswered(());

impl Unanswered {
    pub(super) fn yet() -> Self {
        Self(())
    }

    pub(super) fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        GIVEN_UP.fetch_add(1, Ordering::Relaxed);
    }
}
