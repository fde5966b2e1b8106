//! Recount: whether the source has as many records of an entity as are stored. Where it has, nothing is read; where not,
//! everything is: a question for ids alone would cost as many calls.

use ledgerfleet_ledger::{FinishedWindow, NextStep};
use ledgerfleet_model::Window;
use ledgerfleet_model::window::InstantField;

use super::Reading;
use super::commit::Content;
use crate::attempt::stopped::{Stopped, ledger_failure};

impl Reading<'_> {
    /// Counts, and reads where the counts differ or the source does not count.
    pub(crate) async fn recount(mut self) -> Result<(), Stopped> {
        if self.progress.page > 0 {
            return self.run().await;
        }
        let Some(counted) = self.source_count(None).await? else {
            return self.run().await;
        };
        let subject = &self.attempt.subject;
        let ledger = &subject.fleet.parts.ledger;
        let entity = subject.entity;
        let present = ledger
            .present(subject.claim.connection, entity.table, entity.name)
            .await
            .map_err(ledger_failure)?;
        if counted != present {
            return self.run().await;
        }
        self.finish_counted(counted).await
    }

    /// Nothing was read, so nothing is told to be complete.
    async fn finish_counted(&mut self, rows: u64) -> Result<(), Stopped> {
        let now = self.attempt.subject.ledger_now();
        let nothing = Window::Instants {
            field: InstantField::Updated,
            days: None,
            start: now,
            end: now,
        };
        let content = Content {
            page: 0,
            request: "",
            observed_at: now,
            records: &[],
            quarantined: &[],
            window: Some(&nothing),
        };
        let finished = FinishedWindow {
            rows,
            source_count: Some(rows),
            note: Some("counted: as many as are stored".to_owned()),
            ..FinishedWindow::default()
        };
        self.commit(content, NextStep::Done(finished)).await
    }
}
