//! Asker: one process that asks the gate as a worker does, and writes down what it was granted.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledgerfleet_coordination::{
    Distance, Gate, GateLimits, NoPassage, Passage, RedisGate, RedisParts, RedisTls,
};
use ledgerfleet_model::ConnectionId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judge::Grant;
use super::{CONNECTIONS, SCALE, limits};

/// Who asks at the same time of one process for one connection.
const EACH: u64 = 2;

/// Nothing is booked further away.
const PATIENCE: Duration = Duration::from_secs(10);

/// A grant older than this is given up, as a worker does.
const STALENESS: Duration = Duration::from_millis(100 / SCALE as u64);

/// How long a request is in flight, in milliseconds.
const IN_FLIGHT: std::ops::Range<u64> = 50..400;

/// Asks until it is told to stop, then lets what is in flight end.
pub async fn ask(redis: &str, file: &Path, seed: u64, stop: CancellationToken) {
    let asker = Arc::new(Asker {
        gate: RedisParts::new(redis, "grants", RedisTls::default())
            .unwrap()
            .gate,
        limits: limits(),
        distance: Distance::default(),
        book: Mutex::new(BufWriter::new(File::create(file).unwrap())),
        stop,
    });
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        for which in 0..EACH {
            let chance = StdRng::seed_from_u64(seed ^ (number << 8 | which));
            let asker = Arc::clone(&asker);
            tasks.spawn(async move { asker.ask_for(number, chance).await });
        }
    }
    tasks.join_all().await;
    asker.book.lock().unwrap().flush().unwrap();
}

/// How one process asks.
struct Asker {
    gate: RedisGate,
    limits: GateLimits,
    distance: Distance,
    book: Mutex<BufWriter<File>>,
    stop: CancellationToken,
}

impl Asker {
    /// Asks for one connection until it is told to stop.
    async fn ask_for(&self, number: u64, mut chance: StdRng) {
        let passage = Passage {
            gate: &self.gate,
            connection: ConnectionId(Uuid::from_u128(number.into())),
            limits: &self.limits,
            patience: PATIENCE,
            staleness: STALENESS,
            distance: &self.distance,
        };
        while !self.stop.is_cancelled() {
            match passage.pass().await {
                Ok(slot) => {
                    self.use_grant(number, Duration::from_millis(chance.random_range(IN_FLIGHT)))
                        .await;
                    // One that is not freed ends by itself.
                    let _ = self.gate.finish(slot).await;
                }
                Err(NoPassage::TooFar(wait)) => sleep(wait.min(PATIENCE)).await,
                // Redis is away or has not yet come back, or all slots are taken.
                Err(_) => sleep(STALENESS).await,
            }
        }
    }

    /// Is in flight for so long, and writes it down.
    async fn use_grant(&self, connection: u64, length: Duration) {
        let start = now();
        sleep(length).await;
        let grant = Grant {
            connection,
            start,
            end: now(),
        };
        let mut book = self.book.lock().unwrap();
        book.write_all(&grant.to_bytes()).unwrap();
    }
}

/// The system's own count of nanoseconds, asked of the kernel: a changed clock of this process does not change it.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}
