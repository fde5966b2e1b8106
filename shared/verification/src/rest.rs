//! Rest: what is stored and was on no page. It is asked for by its ids.

use std::collections::HashMap;

use ledgerfleet_ledger::RecordSummary;
use ledgerfleet_model::Served;
use ledgerfleet_upstream::{Found, Learner, LookUps};

use crate::comparison::{Comparison, Difference};
use crate::error::VerifyError;

impl Comparison<'_> {
    /// Asks for what is stored and was on no page.
    pub(crate) async fn ask_for_the_rest(&mut self, learner: &mut Learner<'_>) -> Result<(), VerifyError> {
        let mut rest: HashMap<String, RecordSummary> = self
            .stored
            .drain()
            .filter(|(_, summary)| !summary.deleted)
            .collect();
        self.compared.asked_by_id += rest.len() as u64;
        let mut look_ups = LookUps::new(
            self.subject.asking,
            learner,
            self.subject.entity,
            rest.keys().cloned(),
        );
        while let Some(looked_up) = look_ups.next(self.subject.asking, learner).await? {
            for (id, found) in looked_up.found {
                if let Some(summary) = rest.remove(&id) {
                    self.note_found(summary, found).await?;
                }
            }
        }
        Ok(())
    }

    async fn note_found(&mut self, summary: RecordSummary, found: Found) -> Result<(), VerifyError> {
        match found {
            Found::Gone | Found::Unanswered => {
                let place = self.portion.place(summary.document_date);
                self.note(place, Difference::Gone, None);
            }
            Found::Unservable => self.note_unservable(summary.document_date),
            Found::Here(Served::Quarantined(record)) => {
                self.note_quarantined(vec![(&record, Some(summary))]).await?;
            }
            Found::Here(Served::Record(record)) if self.portion.holds(record.document_date) => {
                self.stored.insert(summary.id.clone(), summary);
                self.meet(&record);
            }
            Found::Here(Served::Record(record)) => self.note_difference(&summary, &record),
        }
        Ok(())
    }
}
