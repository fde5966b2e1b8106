//! The bell of one process.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{Lane, SegmentId};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::Bell;
use crate::Unreachable;

/// Ready sets and ring in memory.
#[derive(Debug, Default)]
pub struct MemoryBell {
    lanes: Mutex<[VecDeque<SegmentId>; Lane::ALL.len()]>,
    filled: Notify,
    rung: Notify,
}

impl MemoryBell {
    fn take(&self, most: usize) -> Vec<SegmentId> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        for lane in lanes.iter_mut() {
            let wanted = (most - taken.len()).min(lane.len());
            taken.extend(lane.drain(..wanted));
        }
        // Whoever waits beside us must learn of what is left: a `Notify` wakes one waiter only.
        if lanes.iter().any(|lane| !lane.is_empty()) {
            self.filled.notify_one();
        }
        taken
    }
}

#[async_trait]
impl Bell for MemoryBell {
    async fn replace(&self, lane: Lane, ready: &[SegmentId]) -> Result<(), Unreachable> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let set = &mut lanes[usize::from(lane.rank().unsigned_abs())];
        set.clear();
        set.extend(ready);
        if !set.is_empty() {
            self.filled.notify_one();
        }
        Ok(())
    }

    async fn pop(&self, most: usize, patience: Duration) -> Result<Vec<SegmentId>, Unreachable> {
        let deadline = Instant::now() + patience;
        loop {
            let taken = self.take(most);
            if !taken.is_empty() || timeout_at(deadline, self.filled.notified()).await.is_err() {
                return Ok(taken);
            }
        }
    }

    async fn ready(&self, lane: Lane) -> Result<u64, Unreachable> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(lanes[usize::from(lane.rank().unsigned_abs())].len() as u64)
    }

    async fn ring(&self) -> Result<(), Unreachable> {
        self.rung.notify_one();
        Ok(())
    }

    async fn rung(&self, patience: Duration) -> Result<bool, Unreachable> {
        Ok(timeout(patience, self.rung.notified()).await.is_ok())
    }

    async fn probe(&self) -> Result<(), Unreachable> {
        Ok(())
    }
}
