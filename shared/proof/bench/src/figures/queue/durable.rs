//! Durable: segments that bring nothing, through ledger and bell, beside the same statements under pgbench.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ledgerfleet_ledger::{Claim, Committed, FinishedWindow, NewSegment, NextStep, PageCommit};
use ledgerfleet_model::{RunId, SegmentId, WorkerName};
use ledgerfleet_wiring::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::pgbench;
use super::segments::{CONNECTIONS, THEIRS};
use crate::figures::rows::invoices;
use crate::world::{Ground, Limits, World, empty_days};
use crate::{Bench, Reach, Values};

/// Processes that carry, as it were.
const CARRIERS: usize = 2;

/// Segments of each at once.
const AT_ONCE: usize = 16;

/// Sessions of each at the database.
const SESSIONS: usize = 8;

const LEASE: Duration = Duration::from_secs(20);

pub(super) async fn measure(bench: &Bench) -> Values {
    let ground = Ground {
        books: invoices("small", 1),
        limits: Limits::Off { slots: 9 },
    };
    let mut world = World::new(bench, &ground).await;
    world.add_strangers(CONNECTIONS).await;
    let rounds = bench.of(240, 2);
    let many = rounds * pgbench::CLIENTS * pgbench::BATCH;
    let mut values = Values::default();

    let run = save(&world, many, OURS, "invoice").await;
    world.settle_down().await;
    let redis = world.sent_to_redis().await;
    carry(&world, many).await;
    let ours = rate(&world, run, many).await;
    values.put("ours: segments a second", ours, "");
    let sent = (world.sent_to_redis().await - redis) / many as f64;
    values.put("ours: commands to Redis for a segment", sent, "");

    let run = save(&world, many, THEIRS, "bill").await;
    world.settle_down().await;
    pgbench::run(bench, &world, rounds).await;
    let theirs = rate(&world, run, many).await;
    values.put("pgbench: segments a second", theirs, "");
    values.judge("as a share of pgbench's", ours / theirs, "", Reach::AtLeast(0.6));
    values
}

/// The first number of a run's segments: they are numbered, so that statements can name them.
const OURS: u128 = 1 << 32;

async fn save(world: &World, many: usize, first: u128, entity: &str) -> RunId {
    let strangers = &world.ids()[1..];
    let numbered = empty_days(strangers, many)
        .enumerate()
        .map(|(number, segment)| NewSegment {
            id: SegmentId(Uuid::from_u128(first + number as u128)),
            entity: entity.to_owned(),
            ..segment
        });
    world.save(numbered).await
}

/// Segments a second, by the ledger; all of them are done.
async fn rate(world: &World, run: RunId, many: usize) -> f64 {
    let query = "SELECT count(*) FILTER (WHERE state = 'done' AND epoch = 1),
                     extract(epoch FROM max(ended_at) - min(claimed_at))::float8
                 FROM fleet.segments WHERE run_id = $1";
    let (done, seconds): (i64, f64) = sqlx::query_as(query)
        .bind(run.0)
        .fetch_one(&world.database)
        .await
        .unwrap();
    assert_eq!(usize::try_from(done), Ok(many), "each was carried once");
    done as f64 / seconds
}

/// Carries everything that is due.
async fn carry(world: &World, many: usize) {
    let over = CancellationToken::new();
    let done = Arc::new(AtomicUsize::new(0));
    let mut parts = Vec::new();
    for _ in 0..CARRIERS {
        parts.push(world.more_parts(SESSIONS).await);
    }
    let leading = ledgerfleet_duties::lead(parts[0].duties(), name("leader"), over.clone());
    let carriers = parts.iter().enumerate().map(|(number, parts)| {
        let carrier = Carrier {
            parts: parts.clone(),
            name: name(&format!("carrier-{number}")),
            done: done.clone(),
            over: over.clone(),
        };
        tokio::spawn(carrier.carry(many))
    });
    let carriers = futures::future::join_all(carriers);
    let (ended, ()) = tokio::join!(carriers, leading);
    for ended in ended {
        ended.unwrap();
    }
}

fn name(text: &str) -> WorkerName {
    WorkerName(text.to_owned())
}

/// What claims and settles, as a worker does.
#[derive(Clone)]
struct Carrier {
    parts: Parts,
    name: WorkerName,
    done: Arc<AtomicUsize>,
    over: CancellationToken,
}

impl Carrier {
    async fn carry(self, many: usize) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        while !self.over.is_cancelled() {
            let mut permits = free_places(&places).await;
            let patience = Duration::from_millis(200);
            let ids = self
                .parts
                .bell
                .pop(permits.num_permits(), patience)
                .await
                .unwrap();
            if ids.is_empty() {
                continue;
            }
            for claim in self.parts.ledger.claim(&ids, &self.name, LEASE).await.unwrap() {
                let permit = permits.split(1);
                let carrier = self.clone();
                tokio::spawn(async move {
                    carrier.settle(&claim, many).await;
                    drop(permit);
                });
            }
        }
    }

    async fn settle(&self, claim: &Claim, many: usize) {
        let commit = PageCommit {
            segment: claim.segment,
            epoch: claim.standing.epoch,
            connection: claim.connection,
            entity: &claim.entity,
            window: &claim.work.place(),
            pass: 1,
            page: 1,
            page_size: claim.page_size,
            request: "nothing",
            observed_at: claim.claimed_at,
            answered_at: None,
            batches: Vec::new(),
            checkpoints: Vec::new(),
            follow_ups: Vec::new(),
            lease: LEASE,
            calls: 1,
            go_on: &ledgerfleet_model::Position::start(),
            next: NextStep::Done(FinishedWindow::default()),
        };
        let committed = self.parts.ledger.commit_page(&commit).await.unwrap();
        assert!(matches!(committed, Committed::Stored(_)), "nobody else has it");
        self.parts.bell.ring().await.unwrap();
        if self.done.fetch_add(1, Ordering::Relaxed) + 1 == many {
            self.over.cancel();
        }
    }
}

/// Waits for a free place and takes all that are free.
async fn free_places(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    let mut permits = places.clone().acquire_owned().await.unwrap();
    let rest = u32::try_from(places.available_permits()).unwrap();
    if let Ok(rest) = places.clone().try_acquire_many_owned(rest) {
        permits.merge(rest);
    }
    permits
}
