use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_coordination::conformance::World;
use ledgerfleet_coordination::{Bell, Gate, GateLimits, Locks, RedisParts, Reservation, Start};
use ledgerfleet_model::{ConnectionId, Lane, SegmentId};
use ledgerfleet_testkit::PrivateRedis;

struct Fleet {
    redis: PrivateRedis,
}

impl Fleet {
    /// What a process of its own would have.
    fn process(&self) -> RedisParts {
        RedisParts::new(&self.redis.url(), "test", None).unwrap()
    }
}

#[async_trait]
impl World for Fleet {
    fn bell(&self) -> Arc<dyn Bell> {
        Arc::new(self.process().bell)
    }

    fn gate(&self) -> Arc<dyn Gate> {
        Arc::new(self.process().gate)
    }

    fn locks(&self) -> Arc<dyn Locks> {
        Arc::new(self.process().locks)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

async fn world() -> Fleet {
    let fleet = Fleet {
        redis: PrivateRedis::start(),
    };
    assert!(fleet.gate().open_unused().await.unwrap());
    fleet
}

ledgerfleet_coordination::coordination_suite!(world);

const LIMITS: GateLimits = GateLimits {
    requests_per_second: 10.0,
    slots: 9,
    slot_ttl: Duration::from_secs(20),
    calm: Duration::from_secs(1),
    quarantine: Duration::from_millis(700),
};

async fn is_in_quarantine(gate: &Arc<dyn Gate>) -> bool {
    matches!(
        gate.start(ConnectionId::new(), &LIMITS).await.unwrap(),
        Start::Closed(_)
    )
}

#[tokio::test]
async fn a_redis_that_has_forgotten_closes_all_gates_for_one_request_and_then_opens_them() {
    let world = world().await;
    let gate = world.gate();
    assert!(!is_in_quarantine(&gate).await);
    world.redis.command("FLUSHALL");
    assert!(is_in_quarantine(&gate).await);
    let booked = gate
        .reserve(ConnectionId::new(), &LIMITS, LIMITS.quarantine)
        .await
        .unwrap();
    let Reservation::Booked(wait) = booked else {
        panic!("{booked:?}")
    };
    assert!(wait > LIMITS.quarantine / 2, "{wait:?}");
    world.pass(LIMITS.quarantine).await;
    assert!(!is_in_quarantine(&gate).await);
}

#[tokio::test]
async fn a_restarted_redis_that_remembers_its_data_is_not_trusted_either() {
    let mut redis = PrivateRedis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let parts = RedisParts::new(&redis.url(), "test", None).unwrap();
    assert!(parts.gate.open_unused().await.unwrap());
    let gate: Arc<dyn Gate> = Arc::new(parts.gate);
    assert!(!is_in_quarantine(&gate).await);
    redis.kill_and_restart();
    let closed = loop {
        match gate.start(ConnectionId::new(), &LIMITS).await {
            Ok(start) => break matches!(start, Start::Closed(_)),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert!(closed);
}

#[tokio::test]
async fn only_a_gate_that_is_new_to_its_redis_is_opened_unused() {
    let world = world().await;
    assert!(!world.gate().is_new().await.unwrap());
    assert!(!world.gate().open_unused().await.unwrap());
    world.redis.command("FLUSHALL");
    assert!(world.gate().is_new().await.unwrap());
    assert!(world.gate().open_unused().await.unwrap());
    assert!(!is_in_quarantine(&world.gate()).await);
}

#[tokio::test]
async fn everything_works_again_after_a_crash_of_redis_without_a_new_connection() {
    let mut world = world().await;
    let (bell, locks) = (world.bell(), world.locks());
    bell.replace(Lane::Live, &[SegmentId::new()]).await.unwrap();
    world.redis.kill_and_restart();
    let ids = [SegmentId::new(), SegmentId::new()];
    while bell.replace(Lane::Live, &ids).await.is_err() {
        tokio::task::yield_now().await;
    }
    let mut popped = Vec::new();
    while popped.is_empty() {
        popped = bell.pop(2, Duration::from_secs(1)).await.unwrap_or_default();
    }
    assert_eq!(popped, ids);
    drop(locks);
}

#[tokio::test]
async fn two_thousand_ids_fit_into_one_replacement() {
    let world = world().await;
    let ids: Vec<SegmentId> = (0..2_000).map(|_| SegmentId::new()).collect();
    world.bell().replace(Lane::Backfill, &ids).await.unwrap();
    assert_eq!(
        world.bell().pop(2_000, Duration::from_secs(1)).await.unwrap(),
        ids
    );
}

/// As the wiring does for every program.
fn one_crypto_provider() {
    // Each test is a process of its own, so nobody was faster.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
}

#[tokio::test]
async fn a_redis_with_a_certificate_of_a_private_authority_is_spoken_to_in_private() {
    one_crypto_provider();
    let redis = PrivateRedis::start_tls();
    let parts = RedisParts::new(&redis.tls_url(), "test", Some(redis.root_certificate())).unwrap();
    assert!(parts.gate.open_unused().await.unwrap());
    parts.bell.replace(Lane::Live, &[SegmentId::new()]).await.unwrap();
    assert_eq!(parts.bell.ready(Lane::Live).await.unwrap(), 1);
}

#[tokio::test]
async fn a_redis_whose_authority_is_not_known_is_not_spoken_to() {
    one_crypto_provider();
    let redis = PrivateRedis::start_tls();
    let stranger = PrivateRedis::start_tls();
    let parts = RedisParts::new(&redis.tls_url(), "test", Some(stranger.root_certificate())).unwrap();
    parts.gate.open_unused().await.unwrap_err();
}
