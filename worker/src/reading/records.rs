//! Records: some of one entity, by their ids. What the source has is stored as it is now, and what it says that it has not,
//! is a tombstone.

use ledgerfleet_ledger::{FinishedWindow, NextStep};
use ledgerfleet_model::{Record, Served};
use ledgerfleet_upstream::{Found, LookUps, LookedUp};

use super::Reading;
use super::commit::Content;
use crate::attempt::stopped::Stopped;

impl Reading<'_> {
    /// Looks all of them up, some at a time.
    pub(crate) async fn records(mut self, ids: &[String]) -> Result<(), Stopped> {
        let attempt = self.attempt;
        let (entity, mut rows) = (attempt.subject.entity, 0);
        let mut look_ups = LookUps::new(&attempt.asking, &self.learner, entity, ids.iter().cloned());
        loop {
            let looking = look_ups.next(&attempt.asking, &mut self.learner);
            let Some(looked_up) = attempt.guard(looking).await?? else {
                break;
            };
            rows += looked_up.found.len() as u64;
            self.store_looked_up(looked_up).await?;
        }
        let finished = FinishedWindow {
            rows,
            ..FinishedWindow::default()
        };
        self.close(NextStep::Done(finished)).await
    }

    async fn store_looked_up(&mut self, looked_up: LookedUp) -> Result<(), Stopped> {
        let (mut records, mut quarantined) = (Vec::new(), Vec::new());
        for (id, found) in looked_up.found {
            match found {
                Found::Unservable | Found::Unanswered => {}
                Found::Gone => records.push(Record::tombstone(&id)),
                Found::Here(Served::Record(record)) => records.push(record),
                Found::Here(Served::Quarantined(one)) => quarantined.push(one),
            }
        }
        let content = Content {
            page: self.progress.page,
            request: &looked_up.request,
            observed_at: self.attempt.subject.ledger_time(looked_up.asked_at),
            records: &records,
            quarantined: &quarantined,
            window: None,
        };
        self.store_beside(content).await
    }
}
