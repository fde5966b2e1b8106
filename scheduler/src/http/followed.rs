//! Followed: one look at a run serves everybody who follows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_ledger::RunReport;
use ledgerfleet_model::RunId;
use tokio::sync::watch;

use super::Api;

/// Between two looks at a run.
const LOOK: Duration = Duration::from_secs(1);

/// A state of a run.
#[derive(Debug)]
pub(super) struct Shown {
    /// Says which state it is, by its text.
    pub(super) id: String,
    pub(super) text: String,
    pub(super) is_over: bool,
}

/// What the last look has found.
#[derive(Debug, Clone)]
pub(super) enum Look {
    NotYet,
    Run(Arc<Shown>),
    /// It can be read no more.
    Gone,
}

/// The runs that are followed now.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<HashMap<RunId, watch::Receiver<Look>>>);

impl Shown {
    pub(super) fn of(report: &RunReport) -> Result<Arc<Self>, serde_json::Error> {
        let text = serde_json::to_string(report)?;
        Ok(Arc::new(Self {
            id: blake3::hash(text.as_bytes()).to_hex()[..16].to_owned(),
            is_over: report.state.is_over(),
            text,
        }))
    }
}

impl Followed {
    /// Follows a run together with all who do. The looks end with the last of them.
    pub(super) fn follow(&self, api: &Api, run: RunId) -> watch::Receiver<Look> {
        let mut runs = self.lock();
        if let Some(known) = runs.get(&run) {
            return known.clone();
        }
        let (told, looks) = watch::channel(Look::NotYet);
        runs.insert(run, looks.clone());
        tokio::spawn(look_again(api.clone(), run, told));
        looks
    }

    /// Whether nobody follows this run any more; it is forgotten then.
    fn is_left(&self, run: RunId, told: &watch::Sender<Look>) -> bool {
        let mut runs = self.lock();
        let is_left = told.receiver_count() <= 1;
        if is_left {
            runs.remove(&run);
        }
        is_left
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, watch::Receiver<Look>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at a run until it is over, gone, or left by all. A database that is away for a moment ends nothing.
async fn look_again(api: Api, run: RunId, told: watch::Sender<Look>) {
    while !api.followed.is_left(run, &told) {
        let look = match api.ledger().run(run).await {
            Ok(Some(report)) => Shown::of(&report).map_or(Look::Gone, Look::Run),
            Ok(None) => Look::Gone,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, %run, "a run that is followed cannot be read now");
                Look::NotYet
            }
        };
        let is_last = match &look {
            Look::NotYet => false,
            Look::Run(shown) => shown.is_over,
            Look::Gone => true,
        };
        told.send_if_modified(|known| is_news(known, look));
        if is_last {
            api.followed.lock().remove(&run);
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes a look over where it tells something new.
fn is_news(known: &mut Look, look: Look) -> bool {
    let is_same = match (&*known, &look) {
        (_, Look::NotYet) => true,
        (Look::Run(known), Look::Run(now)) => known.id == now.id,
        _ => false,
    };
    if !is_same {
        *known = look;
    }
    !is_same
}
