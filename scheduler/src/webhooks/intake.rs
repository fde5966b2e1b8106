//! Intake: deliveries are stored together. One is stored at a time, and those that come meanwhile share the next write: a
//! burst of ten thousand costs some dozens of durable commits, and not ten thousand.

use std::sync::Arc;

use ledgerfleet_ledger::{HintsStored, Ledger, NewHint};
use ledgerfleet_telemetry::metrics::{self, WebhookResult};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

/// Deliveries that wait; those beyond wait before the door. As many connections are served at once.
const WAITING: usize = 64;

/// A write takes no more deliveries once it has so many events.
const EVENTS: usize = 10_000;

/// The ledger did not take a delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotStored;

/// Where deliveries are handed in.
#[derive(Debug)]
pub(super) struct Intake(mpsc::Sender<Delivery>);

#[derive(Debug)]
struct Delivery {
    hints: Vec<NewHint>,
    stored: oneshot::Sender<Result<(), NotStored>>,
}

impl Intake {
    /// Begins to store, until this is dropped.
    pub(super) fn begin(ledger: Arc<dyn Ledger>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(keep_storing(ledger, receiver));
        Self(sender)
    }

    /// Stores the events of a delivery. Durable when it answers; dropped before, it may be stored or not.
    pub(super) async fn store(&self, hints: Vec<NewHint>) -> Result<(), NotStored> {
        let (stored, answer) = oneshot::channel();
        let handed = self.0.send(Delivery { hints, stored }).await;
        handed.map_err(|_| NotStored)?;
        answer.await.unwrap_or(Err(NotStored))
    }
}

async fn keep_storing(ledger: Arc<dyn Ledger>, mut deliveries: mpsc::Receiver<Delivery>) {
    while let Some(first) = deliveries.recv().await {
        let Delivery { mut hints, stored } = first;
        let mut answers = vec![stored];
        while hints.len() < EVENTS
            && let Ok(next) = deliveries.try_recv()
        {
            hints.extend(next.hints);
            answers.push(next.stored);
        }
        // Whoever has waited too long is sent away already.
        answers.retain(|answer| !answer.is_closed());
        let result = store(&*ledger, &hints).await;
        for answer in answers {
            let _ = answer.send(result);
        }
    }
}

async fn store(ledger: &dyn Ledger, hints: &[NewHint]) -> Result<(), NotStored> {
    match ledger.store_hints(hints).await {
        Ok(stored) => {
            count(stored);
            Ok(())
        }
        Err(error) => {
            warn!(
                error = &error as &dyn std::error::Error,
                events = hints.len(),
                "webhooks were not stored; they are sent again"
            );
            Err(NotStored)
        }
    }
}

fn count(stored: HintsStored) {
    let HintsStored {
        accepted,
        duplicates,
        unknown_companies,
        unknown_kinds,
        unreadable,
    } = stored;
    for (result, count) in [
        (WebhookResult::Accepted, accepted),
        (WebhookResult::Duplicate, duplicates),
        (WebhookResult::UnknownCompany, unknown_companies),
        (WebhookResult::UnknownKind, unknown_kinds),
        (WebhookResult::Unreadable, unreadable),
    ] {
        metrics::webhook_events(result, count);
    }
}
