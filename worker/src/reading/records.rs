//! Records: some of one entity, by their ids. What the source has is stored as it is now. What it says that it has not, is
//! a tombstone if it was said to be gone. If it was said to be there, its index may lag behind its word: it is looked for
//! again later, and never taken for gone.

use std::collections::HashSet;

use ledgerfleet_ledger::{FinishedWindow, NextStep};
use ledgerfleet_model::{Record, Served};
use ledgerfleet_upstream::{Found, LookUps, LookedUp};

use super::Reading;
use super::commit::Content;
use crate::attempt::stopped::{Stopped, ledger_failure};

impl Reading<'_> {
    /// Looks all of them up, some at a time: `ids` are said to be there, `gone` not.
    pub(crate) async fn records(mut self, ids: &[String], gone: &[String]) -> Result<(), Stopped> {
        let attempt = self.attempt;
        let (entity, mut rows) = (attempt.subject.entity, 0);
        let gone: HashSet<&String> = gone.iter().collect();
        let all = ids.iter().chain(gone.iter().copied()).cloned();
        let mut look_ups = LookUps::new(&attempt.asking, &self.learner, entity, all);
        let mut absent = Vec::new();
        loop {
            let looking = look_ups.next(&attempt.asking, &mut self.learner);
            let Some(mut looked_up) = attempt.guard(looking).await?? else {
                break;
            };
            let is_there = |(id, found): &(String, Found)| gone.contains(id) || !matches!(found, Found::Gone);
            let not_there = looked_up.found.extract_if(.., |found| !is_there(found));
            absent.extend(not_there.map(|(id, _)| id));
            rows += looked_up.found.len() as u64;
            self.store_looked_up(looked_up).await?;
        }
        self.look_again(&absent).await?;
        let note = (!absent.is_empty()).then(|| format!("{} not there yet", absent.len()));
        let finished = FinishedWindow {
            rows,
            note,
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

    /// Has those that were said to be there looked for again: after 10 s, and after another minute.
    async fn look_again(&self, absent: &[String]) -> Result<(), Stopped> {
        if absent.is_empty() {
            return Ok(());
        }
        let subject = &self.attempt.subject;
        let (claim, base) = (subject.claim, subject.fleet.parts.timings.backoff_base);
        let ledger = &subject.fleet.parts.ledger;
        let again = ledger.look_again(claim.run, &claim.entity, absent, [base, base * 6]);
        let again = again.await.map_err(ledger_failure)?;
        tracing::info!(segment = %claim.segment, absent = absent.len(), again, "said to be there, and not there yet");
        Ok(())
    }
}
