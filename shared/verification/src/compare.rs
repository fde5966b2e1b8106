//! Compare: all of a subject, portion by portion.

use ledgerfleet_ledger::Share;
use ledgerfleet_model::{Failure, FailureKind};
use ledgerfleet_upstream::{Learner, counting};

use crate::comparison::{Comparison, Shown};
use crate::error::VerifyError;
use crate::portion::Portion;
use crate::subject::{Compared, Subject};

impl Subject<'_> {
    /// Compares all of it.
    ///
    /// # Errors
    /// The source refuses, is away or moves, or the ledger does not answer.
    pub async fn compare(&self, learner: &mut Learner<'_>) -> Result<Compared, VerifyError> {
        let mut compared = Compared::default();
        let mut portions = self.portions().await?;
        let is_empty_here = portions.iter().all(|portion| portion.stored == 0);
        // From the last to the first, so that halves go on top.
        portions.reverse();
        while let Some(portion) = portions.pop() {
            let count = match self.count(&portion, learner).await {
                Err(failure) if failure.kind == FailureKind::NotInPlan && is_empty_here => {
                    compared.not_in_plan = true;
                    return Ok(compared);
                }
                count => count?,
            };
            if let Some(halves) = portion.halves_if_more_than(self.at_once, count) {
                portions.extend(halves);
                continue;
            }
            let ended = self
                .compare_portion(&portion, count, &mut compared, learner)
                .await;
            self.count_calls().await;
            match ended {
                Err(VerifyError::Source(failure))
                    if failure.kind == FailureKind::NotInPlan && is_empty_here =>
                {
                    compared.not_in_plan = true;
                    return Ok(compared);
                }
                ended => ended?,
            }
        }
        compared.was_read = true;
        Ok(compared)
    }

    /// Compares a portion; where it does not fit into memory, because a day or a list cannot be cut, share by share, each
    /// of which reads all pages.
    async fn compare_portion(
        &self,
        portion: &Portion,
        count: Option<u64>,
        compared: &mut Compared,
        learner: &mut Learner<'_>,
    ) -> Result<(), VerifyError> {
        // Too large pages are halved for this portion: the next one's records may be smaller.
        let mut page_size = self.page_size;
        let of = portion
            .stored
            .max(count.unwrap_or(0))
            .div_ceil(self.at_once.max(1))
            .max(1);
        for number in 0..of {
            let share = Share { number, of };
            let mut comparison = Comparison::of(self, portion, share, compared).await?;
            let shown = comparison.read_source(count, &mut page_size, learner).await?;
            // Pages that end early would make everything after them look as if it were gone.
            self.hold_against_the_count(portion, count, shown, learner)
                .await?;
            comparison.ask_for_the_rest(learner).await?;
        }
        Ok(())
    }

    /// What the source counts; none where it cannot.
    async fn count(&self, portion: &Portion, learner: &mut Learner<'_>) -> Result<Option<u64>, Failure> {
        counting::count(self.asking, learner, self.entity, &portion.window(), None).await
    }

    /// Books grow while they are read: the source may count what its pages have shown before or after that. A source that
    /// counts wrongly for good does not stand in the way where its pages show their last row and none after it.
    async fn hold_against_the_count(
        &self,
        portion: &Portion,
        before: Option<u64>,
        shown: Shown,
        learner: &mut Learner<'_>,
    ) -> Result<(), VerifyError> {
        let rows = shown.rows;
        if before.is_none_or(|count| count == rows) {
            return Ok(());
        }
        match self.count(portion, learner).await? {
            Some(count) if count != rows && before == Some(count) && shown.to_the_end => {
                self.observer.miscounts(count, rows);
                Ok(())
            }
            Some(count) if count != rows => {
                let message = format!(
                    "the source counts {count} and its pages show {rows}: it moves, or does not show all"
                );
                Err(Failure::new(FailureKind::Unstable, message).into())
            }
            _ => Ok(()),
        }
    }

    /// Counts the metered calls so far: who is killed has paid for them, too. What cannot be counted now is counted with
    /// the next ones, and whoever began the comparison tells if that fails.
    async fn count_calls(&self) {
        if let Err(error) = self.asking.count_calls(self.ledger, self.entity.name).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "metered calls were not counted yet"
            );
        }
    }
}
