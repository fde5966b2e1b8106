use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_coordination::conformance::World;
use ledgerfleet_coordination::{Bell, Gate, Locks, MemoryBell, MemoryGate, MemoryLocks};

#[derive(Default)]
struct Memory {
    bell: Arc<MemoryBell>,
    gate: Arc<MemoryGate>,
    locks: Arc<MemoryLocks>,
}

#[async_trait]
impl World for Memory {
    fn bell(&self) -> Arc<dyn Bell> {
        self.bell.clone()
    }

    fn gate(&self) -> Arc<dyn Gate> {
        self.gate.clone()
    }

    fn locks(&self) -> Arc<dyn Locks> {
        self.locks.clone()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

async fn world() -> Memory {
    std::future::ready(Memory::default()).await
}

ledgerfleet_coordination::coordination_suite!(world);
