//! Rest: what is stored and was on no page. It is asked for by its ids, many in one request where the source can be asked
//! so; what does not come then is confirmed by the source's own word for one of them.

use std::collections::HashMap;

use ledgerfleet_connectors::{Condition, EntityKind, EntitySpec, FindRequest, RowShape};
use ledgerfleet_ledger::RecordSummary;
use ledgerfleet_model::{Failure, FailureKind, Position, Served};

use super::VerifyError;
use super::comparison::{Comparison, Difference};

/// Ids in one request.
const BATCH: u32 = 100;

impl Comparison<'_> {
    /// Asks for what is stored and was on no page.
    pub(super) async fn ask_for_the_rest(&mut self) -> Result<(), VerifyError> {
        let mut rest: Vec<RecordSummary> = self
            .stored
            .drain()
            .map(|(_, summary)| summary)
            .filter(|summary| !summary.deleted)
            .collect();
        self.compared.asked_by_id += rest.len() as u64;
        rest.sort_unstable_by(|one, other| by_number(&one.id).cmp(&by_number(&other.id)));
        let most = if is_asked_in_batches(self.subject.entity) && self.subject.lessons.dialect.several_ids {
            BATCH as usize
        } else {
            1
        };
        // A question about several ids takes numbers only, where the source has words for some.
        rest.sort_by_key(|summary| self.subject.entity.is_looked_for_in_the_list(&summary.id));
        let numbers =
            rest.partition_point(|summary| !self.subject.entity.is_looked_for_in_the_list(&summary.id));
        let (numbers, words) = rest.split_at(numbers);
        let mut batches: Vec<&[RecordSummary]> = numbers.chunks(most).chain(words.chunks(1)).collect();
        while let Some(batch) = batches.pop() {
            match self.found(batch).await {
                Err(failure) if is_about_one_of_them(&failure) && batch.len() > 1 => {
                    let (one, other) = batch.split_at(batch.len() / 2);
                    batches.extend([one, other]);
                }
                Err(failure) if failure.kind == FailureKind::Unservable => {
                    self.note_unservable(batch[0].document_date);
                }
                found => self.note_found(batch, found?).await?,
            }
        }
        Ok(())
    }

    /// What the source has of these, by id.
    async fn found(&self, batch: &[RecordSummary]) -> Result<HashMap<String, Served>, Failure> {
        let [single] = batch else {
            return self.found_together(batch).await;
        };
        let found = self.record(&single.id).await?;
        Ok(found
            .into_iter()
            .map(|served| (single.id.clone(), served))
            .collect())
    }

    async fn found_together(&self, batch: &[RecordSummary]) -> Result<HashMap<String, Served>, Failure> {
        let ids = batch.iter().map(|summary| summary.id.as_str());
        let request = FindRequest {
            entity: self.subject.entity,
            conditions: &[Condition::one_of("Id", ids)],
            from: &Position::start(),
            size: BATCH,
        };
        let page = self
            .subject
            .upstream
            .ask_unless(
                self.subject.patience,
                is_about_one_of_them,
                async |connector, target| connector.find(&target, &request).await,
            )
            .await?;
        let records = page.records.into_iter().map(Served::Record);
        let quarantined = page.quarantined.into_iter().map(Served::Quarantined);
        let found: HashMap<String, Served> = records
            .chain(quarantined)
            .map(|served| (served.id().to_owned(), served))
            .collect();
        // An answer that is cut short lacks its last rows.
        if let Some(absent) = batch.iter().rfind(|summary| !found.contains_key(&summary.id))
            && self.record(&absent.id).await?.is_some()
        {
            let message = format!("the source shows {} by itself and not among others", absent.id);
            return Err(Failure::new(FailureKind::Unstable, message));
        }
        Ok(found)
    }

    async fn record(&self, id: &str) -> Result<Option<Served>, Failure> {
        let entity = self.subject.entity;
        self.subject
            .ask(async |connector, target| connector.record(&target, entity, id).await)
            .await
    }

    async fn note_found(
        &mut self,
        batch: &[RecordSummary],
        mut found: HashMap<String, Served>,
    ) -> Result<(), VerifyError> {
        for summary in batch {
            match found.remove(&summary.id) {
                None => {
                    let place = self.portion.place(summary.document_date);
                    self.note(place, Difference::Gone, None);
                }
                Some(Served::Quarantined(record)) => {
                    self.note_quarantined(vec![(&record, Some(summary.clone()))])
                        .await?;
                }
                Some(Served::Record(record)) if self.portion.holds(record.document_date) => {
                    self.stored.insert(summary.id.clone(), summary.clone());
                    self.meet(&record);
                }
                Some(Served::Record(record)) => self.note_difference(summary, &record),
            }
        }
        Ok(())
    }
}

/// Whether fewer records at once may be served: they are read whole, some are large, and one may be none that can be.
fn is_about_one_of_them(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::TooLarge | FailureKind::Unservable)
}

/// Whether the source can be asked for several records by their ids.
fn is_asked_in_batches(entity: &EntitySpec) -> bool {
    entity.kind != EntityKind::Single && !matches!(entity.rows, RowShape::Keyed(_))
}

/// Ids are numbers as a rule: 9 comes before 10.
fn by_number(id: &str) -> (usize, &str) {
    (id.len(), id)
}
