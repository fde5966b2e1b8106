//! Asker: one process that asks the gate as a worker does, and writes down what it was granted.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledgerfleet_coordination::{Gate, RedisParts, Reservation, Slot, Start, Unreachable};
use ledgerfleet_model::ConnectionId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judge::Grant;
use super::{CONNECTIONS, SCALE, limits};

/// Who asks at the same time of one process for one connection.
const EACH: u64 = 2;

/// Nothing is booked further away.
const PATIENCE: Duration = Duration::from_secs(10);

/// A grant older than this is given up, as a worker does.
const STALE: Duration = Duration::from_millis(100 / SCALE as u64);

/// How long a request is in flight, in milliseconds.
const IN_FLIGHT: std::ops::Range<u64> = 50..400;

/// Where grants are written.
type Book = Arc<Mutex<BufWriter<File>>>;

/// Asks until it is told to stop, then lets what is in flight end.
pub async fn ask(redis: &str, file: &Path, seed: u64, stop: CancellationToken) {
    let gate = Arc::new(RedisParts::new(redis, "grants", None).unwrap().gate);
    let book: Book = Arc::new(Mutex::new(BufWriter::new(File::create(file).unwrap())));
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        for which in 0..EACH {
            let chance = StdRng::seed_from_u64(seed ^ (u64::try_from(number).unwrap() << 8 | which));
            let (gate, book, stop) = (Arc::clone(&gate), Arc::clone(&book), stop.clone());
            tasks.spawn(async move { ask_for(number, &*gate, &book, chance, &stop).await });
        }
    }
    tasks.join_all().await;
    book.lock().unwrap().flush().unwrap();
}

async fn ask_for(number: u128, gate: &dyn Gate, book: &Book, mut chance: StdRng, stop: &CancellationToken) {
    let connection = ConnectionId(Uuid::from_u128(number));
    while !stop.is_cancelled() {
        match granted(gate, connection).await {
            Ok(Some(slot)) => {
                let start = now();
                sleep(Duration::from_millis(chance.random_range(IN_FLIGHT))).await;
                let grant = Grant {
                    connection: u64::try_from(number).unwrap(),
                    start,
                    end: now(),
                };
                book.lock().unwrap().write_all(&grant.to_bytes()).unwrap();
                // One that is not freed ends by itself.
                let _ = gate.finish(slot).await;
            }
            Ok(None) => {}
            // Redis is away or has not yet come back.
            Err(Unreachable(_)) => sleep(STALE).await,
        }
    }
}

/// One booking and its start; nothing if it has to be made anew.
async fn granted(gate: &dyn Gate, connection: ConnectionId) -> Result<Option<Slot>, Unreachable> {
    let asked_at = Instant::now();
    let booked = match gate.reserve(connection, &limits(), PATIENCE).await? {
        Reservation::Booked(wait) => {
            sleep(wait).await;
            asked_at + wait
        }
        Reservation::TooLong(wait) => {
            sleep(wait.min(PATIENCE)).await;
            return Ok(None);
        }
    };
    let slot = match gate.start(connection, &limits()).await? {
        Start::Go(slot) => slot,
        Start::NoSlot => return Ok(None),
        Start::Closed(wait) => {
            sleep(wait).await;
            return Ok(None);
        }
    };
    if booked.elapsed() <= STALE {
        return Ok(Some(slot));
    }
    gate.finish(slot).await?;
    Ok(None)
}

/// The system's own count of nanoseconds, asked of the kernel: a changed clock of this process does not change it.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}
