//! Pages: whether a reading is believed of a source that is not asked how many rows it has.
//!
//! One answer is everything, or the same rows came twice, or as many different ids came as the pages announce. Where the
//! order of rows is not stable, pages of another size show what was lost at the borders of the first ones; where even those
//! bring nothing new, the announced count is wrong, and the window is complete with a note.
//!
//! Only then is what was not seen asked for by its id. What such a list leaves out and the source has all the same is
//! stored as it is found, unless it is so much that the list cannot be one.

use chrono::TimeDelta;
use ledgerfleet_connectors::Trust;
use ledgerfleet_ledger::{Fact, FinishedWindow, NextStep, SeenIds};
use ledgerfleet_model::{Failure, FailureKind};

use super::Reading;
use crate::attempt::stopped::Stopped;

/// How many records a list may leave out and still be believed.
const MOST_LEFT_OUT: u64 = 50;

/// After this the pages that an earlier attempt has read say nothing about those that are there now. 1 h.
const STALE: TimeDelta = TimeDelta::hours(1);

impl Reading<'_> {
    /// Ends the window if its pages can be believed, and answers true; otherwise reads on, or begins the next pass.
    pub(super) async fn reconcile_by_pages(&mut self) -> Result<bool, Stopped> {
        let connector = &*self.attempt.subject.company.connector;
        let seen = self.seen().await?;
        if self.pass.may_lack(seen.ids, None) && self.pass.looks_further(connector, seen.ids) {
            return Ok(false);
        }
        if self.pass.lacks(seen.ids) && self.pass.grows() {
            return Err(self.still_grows(seen).into());
        }
        if !self.came_whole(seen) || self.is_stale(seen) {
            self.read_again(seen, None).await?;
            return Ok(false);
        }
        if !self.settle_what_was_not_seen().await? {
            return Err(leaves_out_too_much().into());
        }
        self.finish_by_pages().await?;
        Ok(true)
    }

    fn came_whole(&self, seen: SeenIds) -> bool {
        let is_one_page = self.progress.page <= 1;
        match self.attempt.subject.entity.trust {
            Trust::SamePassTwice => {
                is_one_page || (self.progress.pass > 1 && seen.same && self.pass.shows_an_end())
            }
            Trust::CountAndOverlap | Trust::UniqueIdsEqualCount | Trust::OnePage => true,
        }
    }

    /// Whether the first pages of this pass, which another attempt has read, may be others by now: that was long ago, or fewer
    /// rows are announced than were seen. What was deleted there counts as seen, and what has come there was not.
    fn is_stale(&self, seen: SeenIds) -> bool {
        let subject = &self.attempt.subject;
        let is_resumed = self.progress.read_since.is_none();
        let is_counted = subject.entity.trust == Trust::UniqueIdsEqualCount;
        let has_fewer = self
            .pass
            .announced()
            .is_some_and(|announced| announced < seen.ids);
        let is_old = subject.ledger_now() - subject.claim.first_claimed_at > STALE;
        is_resumed && (is_old || (is_counted && has_fewer))
    }

    /// Whether one more record may be a row that the list has left out.
    pub(super) fn may_be_left_out(&mut self) -> bool {
        if self.attempt.subject.entity.trust == Trust::CountAndOverlap {
            return false;
        }
        self.left_out += 1;
        self.left_out <= MOST_LEFT_OUT
    }

    fn still_grows(&self, seen: SeenIds) -> Failure {
        let announced = self.pass.announced().unwrap_or_default();
        let message = format!(
            "every reading in pages of another size brings other rows: {} so far, of {announced} announced",
            seen.ids
        );
        Failure::new(FailureKind::Unstable, message)
    }

    async fn finish_by_pages(&mut self) -> Result<(), Stopped> {
        let seen = self.seen().await?;
        self.tell_if_all_is_gone(seen);
        let announced = self.pass.announced();
        let finished = FinishedWindow {
            rows: seen.ids + self.left_out,
            quarantined: seen.quarantined,
            source_count: announced,
            open: self.may_grow(),
            unproven: false,
            note: self.notes(seen, announced),
            ..FinishedWindow::default()
        };
        self.close(NextStep::Done(finished)).await?;
        let largest = self.pass.largest_page();
        self.learner.learn(Fact::LargestPage, largest).await;
        Ok(())
    }

    /// What a person should know of how the window was read.
    fn notes(&self, seen: SeenIds, announced: Option<u64>) -> Option<String> {
        let rows = seen.ids;
        let miscounted = announced.filter(|announced| *announced > rows).map(|announced| {
            format!("the source announces {announced} rows and has {rows}: no reading in other pages brought another")
        });
        let left_out = (self.left_out > 0).then(|| {
            format!(
                "{} stored records are not in the source's list and were found by their ids",
                self.left_out
            )
        });
        let remark = self.pass.remark().map(str::to_owned);
        let notes: Vec<String> = [miscounted, left_out, remark].into_iter().flatten().collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

fn leaves_out_too_much() -> Failure {
    let message = format!(
        "the list leaves out more than {MOST_LEFT_OUT} records that are stored and that the source still has"
    );
    Failure::new(FailureKind::Unstable, message)
}
