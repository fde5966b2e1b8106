//! The largest page: how many rows a page of an entity may have.

use ledgerfleet_ledger::Fact;
use ledgerfleet_model::{Position, Window};
use tracing::debug;

use super::Pass;
use crate::asking::Asking;
use crate::known::Learner;
use crate::page::rows_of;
use crate::question::NthPage;

/// The least rows that are asked for, so that few questions are needed.
const LEAST: u64 = 50;

impl Pass<'_> {
    /// Finds out whether a page of the entity may have more than so many rows, by the first ones of all that there are. A
    /// page that has more proves it, whether or not it is cut; no count does. One that does not come proves nothing.
    pub async fn learn_larger_than(&self, rows: u64, asking: &Asking<'_>, learner: &mut Learner<'_>) {
        let mut request = self.walk.request();
        // It would be the same page again.
        if *request.window == Window::Whole {
            return;
        }
        let (window, from) = (Window::Whole, Position::start());
        request.size = u32::try_from(rows.saturating_mul(4).max(LEAST)).unwrap_or(u32::MAX);
        request.size = request.size.min(self.wanted.max(1));
        let request = ledgerfleet_connectors::PageRequest {
            window: &window,
            from: &from,
            ..request
        };
        match asking.ask_unless(&NthPage { request, number: 1 }, |_| true).await {
            Ok(answered) if rows_of(&answered.answer) > rows => {
                learner.learn(Fact::LargestPage, rows_of(&answered.answer)).await;
            }
            Ok(_) => {}
            Err(failure) => debug!(reason = %failure.kind, message = failure.message, "no larger page came"),
        }
    }
}
