//! Body budget: how many bytes of answers the process holds at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes shared by all answers in flight.
///
/// Answers do not say beforehand how long they are, so each takes bytes as they arrive. When the budget is used
/// up, one answer at a time may go on beyond it: without that, several half-read answers would wait for each
/// other for ever, and an answer longer than the whole budget could never be read. The most that is ever held is
/// therefore the budget and one answer.
///
/// Bytes come back when their [`HeldBytes`] is dropped. Whoever holds one must not wait for another answer.
#[derive(Debug, Clone)]
pub struct BodyBudget {
    bytes: Arc<Semaphore>,
    beyond: Arc<Semaphore>,
}

/// Bytes taken out of a [`BodyBudget`], given back on drop.
#[derive(Debug, Default)]
pub struct HeldBytes {
    bytes: Option<OwnedSemaphorePermit>,
    beyond: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            beyond: Arc::new(Semaphore::new(1)),
        }
    }

    /// How many bytes are free.
    pub fn free(&self) -> usize {
        self.bytes.available_permits()
    }

    /// Adds `more` bytes to `held`. Waits until they are free, or until `held` is the one that may go beyond.
    pub async fn take(&self, held: &mut HeldBytes, more: usize) {
        if held.beyond.is_some() || more == 0 {
            return;
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        // The semaphores are never closed, so the only way not to get bytes is to get the right to go beyond.
        tokio::select! {
            biased;
            Ok(bytes) = Arc::clone(&self.bytes).acquire_many_owned(more) => held.keep(bytes),
            Ok(beyond) = Arc::clone(&self.beyond).acquire_owned() => held.beyond = Some(beyond),
        }
    }
}

impl HeldBytes {
    /// How many bytes are held within the budget.
    pub fn bytes(&self) -> usize {
        self.bytes.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Gives back all bytes but so many.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes().saturating_sub(bytes);
        let surplus = self.bytes.as_mut().and_then(|held| held.split(surplus));
        drop(surplus);
    }

    fn keep(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.bytes {
            Some(bytes) => bytes.merge(more),
            None => self.bytes = Some(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn bytes_come_back_when_an_answer_is_dropped() {
        let budget = BodyBudget::new(100);
        let mut held = HeldBytes::default();
        budget.take(&mut held, 60).await;
        budget.take(&mut held, 30).await;
        assert_eq!(budget.free(), 10);
        drop(held);
        assert_eq!(budget.free(), 100);
    }

    #[tokio::test]
    async fn bytes_that_were_not_needed_come_back_at_once() {
        let budget = BodyBudget::new(100);
        let mut held = HeldBytes::default();
        held.shrink_to(10);
        budget.take(&mut held, 60).await;
        held.shrink_to(20);
        held.shrink_to(30);
        assert_eq!((held.bytes(), budget.free()), (20, 80));
        held.shrink_to(0);
        assert_eq!(budget.free(), 100);
    }

    #[tokio::test]
    async fn an_answer_longer_than_the_budget_fits() {
        let budget = BodyBudget::new(100);
        let mut held = HeldBytes::default();
        for _ in 0..10 {
            budget.take(&mut held, 50).await;
        }
        assert_eq!(budget.free(), 0);
    }

    #[tokio::test]
    async fn a_second_answer_waits_while_the_first_is_beyond_the_budget() {
        let budget = BodyBudget::new(100);
        let (mut first, mut second) = (HeldBytes::default(), HeldBytes::default());
        budget.take(&mut first, 90).await;
        budget.take(&mut second, 10).await;
        budget.take(&mut first, 50).await;
        assert!(budget.take(&mut second, 50).now_or_never().is_none());
        drop(first);
        assert!(budget.take(&mut second, 50).now_or_never().is_some());
        assert_eq!(budget.free(), 40);
    }

    #[tokio::test]
    async fn half_read_answers_never_wait_for_each_other_for_ever() {
        let budget = BodyBudget::new(100);
        let readers = (0..50).map(|_| {
            let budget = budget.clone();
            tokio::spawn(async move {
                let mut held = HeldBytes::default();
                for _ in 0..20 {
                    budget.take(&mut held, 7).await;
                    tokio::task::yield_now().await;
                }
            })
        });
        for reader in readers.collect::<Vec<_>>() {
            reader.await.unwrap();
        }
        assert_eq!(budget.free(), 100);
    }
}
