use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_coordination::conformance::World;
use ledgerfleet_coordination::{
    Bell, ClientTls, Closing, Distance, Gate, GateLimits, LockKey, Locks, NoPassage, Passage, RedisParts,
    RedisTls, Reservation, Start, Taken,
};
use ledgerfleet_model::{ConnectionId, Epoch, Lane, SegmentId, Window};
use ledgerfleet_testkit::{Direction, FaultProxy, LineFaults, PrivateRedis};

struct Fleet {
    redis: PrivateRedis,
}

impl Fleet {
    /// What a process of its own would have.
    fn process(&self) -> RedisParts {
        RedisParts::new(&self.redis.url(), "test", RedisTls::default()).unwrap()
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
    let parts = RedisParts::new(&redis.url(), "test", RedisTls::default()).unwrap();
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

/// A moment, µs, as a Redis holds it whose clock was set back by a day.
fn a_day_ahead() -> u128 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    (since + Duration::from_hours(24)).as_micros()
}

#[tokio::test]
async fn a_clock_that_is_set_back_closes_gates_for_no_longer_than_a_new_redis_does() {
    let world = world().await;
    let ahead = a_day_ahead();
    world
        .redis
        .command(&format!("HSET {{test}}:gate:sentinel opens_at {ahead}"));
    let gate = world.gate();
    assert!(is_in_quarantine(&gate).await, "a request may be in flight");
    world.pass(LIMITS.quarantine).await;
    assert!(!is_in_quarantine(&gate).await);
}

#[tokio::test]
async fn a_closing_from_before_the_clock_was_set_back_ends_within_an_hour() {
    let world = world().await;
    let (gate, connection) = (world.gate(), ConnectionId::new());
    let ahead = a_day_ahead();
    world
        .redis
        .command(&format!("HSET {{test}}:gate:{connection} closed_until {ahead}"));
    let hour = Duration::from_hours(1);
    let Start::Closed(first) = gate.start(connection, &LIMITS).await.unwrap() else {
        panic!("it is closed")
    };
    assert!(first <= hour, "{first:?}");
    world.pass(Duration::from_millis(20)).await;
    let Reservation::TooLong(then) = gate.reserve(connection, &LIMITS, Duration::ZERO).await.unwrap() else {
        panic!("it is closed")
    };
    assert!(then < first, "the end comes nearer: {first:?}, {then:?}");
}

#[tokio::test]
async fn a_slot_whose_holder_died_before_the_clock_was_set_back_is_free_after_its_time() {
    let world = world().await;
    let (gate, connection) = (world.gate(), ConnectionId::new());
    let limits = GateLimits {
        slots: 1,
        slot_ttl: Duration::from_millis(300),
        ..LIMITS
    };
    let ahead = a_day_ahead();
    world
        .redis
        .command(&format!("ZADD {{test}}:slots:{connection} {ahead} gone"));
    assert_eq!(gate.start(connection, &limits).await.unwrap(), Start::NoSlot);
    // The set outlives the lease, or its end would prove nothing.
    world
        .redis
        .command(&format!("PERSIST {{test}}:slots:{connection}"));
    world.pass(limits.slot_ttl).await;
    assert!(matches!(
        gate.start(connection, &limits).await.unwrap(),
        Start::Go(_)
    ));
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

#[tokio::test]
async fn a_grant_that_came_too_late_is_given_back_and_asked_for_anew() {
    let world = world().await;
    let address = ([127, 0, 0, 1], world.redis.port()).into();
    let proxy = FaultProxy::start(address).await;
    let gate = RedisParts::new(
        &format!("redis://{}", proxy.address()),
        "test",
        RedisTls::default(),
    )
    .unwrap()
    .gate;
    let limits = GateLimits { slots: 1, ..LIMITS };
    let distance = Distance::default();
    let passage = Passage {
        gate: &gate,
        connection: ConnectionId::new(),
        limits: &limits,
        patience: Duration::from_secs(5),
        staleness: Duration::from_millis(100),
        distance: &distance,
    };
    let granted = async || gate.finish(passage.pass().await.unwrap()).await.unwrap();
    // Makes the connection, and learns how far away the gate is.
    granted().await;
    proxy.set(
        Direction::ToClient,
        LineFaults::late(Duration::from_millis(500), Duration::ZERO),
    );
    let late = passage.pass().await.unwrap_err();
    assert!(matches!(late, NoPassage::TooLate(_)), "{late:?}");
    proxy.heal();
    // The only slot was given back each time, or is by its end.
    granted().await;
}

/// As the wiring does for every program.
fn one_crypto_provider() {
    // Each test is a process of its own, so nobody was faster.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
}

fn trusting(redis: &PrivateRedis) -> RedisTls {
    RedisTls {
        root_certificate: Some(redis.root_certificate()),
        client: None,
    }
}

#[tokio::test]
async fn a_redis_with_a_certificate_of_a_private_authority_is_spoken_to_in_private() {
    one_crypto_provider();
    let redis = PrivateRedis::start_tls();
    let parts = RedisParts::new(&redis.tls_url(), "test", trusting(&redis)).unwrap();
    assert!(parts.gate.open_unused().await.unwrap());
    parts.bell.replace(Lane::Live, &[SegmentId::new()]).await.unwrap();
    assert_eq!(parts.bell.ready(Lane::Live).await.unwrap(), 1);
}

#[tokio::test]
async fn a_redis_whose_authority_is_not_known_is_not_spoken_to() {
    one_crypto_provider();
    let redis = PrivateRedis::start_tls();
    let stranger = PrivateRedis::start_tls();
    let parts = RedisParts::new(&redis.tls_url(), "test", trusting(&stranger)).unwrap();
    parts.gate.open_unused().await.unwrap_err();
}

#[tokio::test]
async fn a_probe_tells_of_a_user_who_may_not_write_or_not_wait() {
    let redis = PrivateRedis::start();
    for (user, rights) in [
        ("reader", "+@all -@write"),
        ("hasty", "+@all -@blocking"),
        ("plain", "+@all -@scripting"),
    ] {
        redis.command(&format!("ACL SETUSER {user} on >word ~* {rights}"));
        let url = format!("redis://{user}:word@127.0.0.1:{}", redis.port());
        let bell = RedisParts::new(&url, "test", RedisTls::default()).unwrap().bell;
        bell.ready(Lane::Live).await.unwrap();
        bell.probe().await.unwrap_err();
    }
    redis.command("ACL SETUSER worker on >word ~* +@all");
    let url = format!("redis://worker:word@127.0.0.1:{}", redis.port());
    let bell = RedisParts::new(&url, "test", RedisTls::default()).unwrap().bell;
    bell.probe().await.unwrap();
}

/// Ten grants are booked; then Redis stands still while an eleventh is asked for.
#[tokio::test]
async fn a_booking_that_was_long_on_its_way_does_not_start_before_its_instant() {
    const PATIENCE: Duration = Duration::from_secs(5);
    let world = world().await;
    let (gate, distance) = (world.gate(), Distance::default());
    let passage = Passage {
        gate: &*gate,
        connection: ConnectionId::new(),
        limits: &LIMITS,
        patience: PATIENCE,
        staleness: PATIENCE,
        distance: &distance,
    };
    let began = tokio::time::Instant::now();
    passage.pass().await.unwrap();
    for _ in 1..10 {
        let booked = gate.reserve(passage.connection, &LIMITS, PATIENCE).await;
        assert!(matches!(booked, Ok(Reservation::Booked(_))), "{booked:?}");
    }
    assert_eq!(world.redis.command("CLIENT PAUSE 500 ALL"), "+OK");
    passage.pass().await.unwrap();
    let its_instant = 10 * LIMITS.interval();
    assert!(began.elapsed() >= its_instant, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_redis_that_asks_who_comes_is_shown_a_certificate() {
    one_crypto_provider();
    let redis = PrivateRedis::start_tls_that_asks();
    let (certificate, key) = redis.client_certificate();
    let hidden = trusting(&redis);
    let shown = RedisTls {
        client: Some(ClientTls { certificate, key }),
        ..hidden.clone()
    };
    let gate = |tls| RedisParts::new(&redis.tls_url(), "test", tls).unwrap().gate;
    gate(shown).open_unused().await.unwrap();
    gate(hidden).open_unused().await.unwrap_err();
}

#[tokio::test]
async fn a_redis_cluster_is_refused_before_and_while_it_is_used() {
    let redis = PrivateRedis::start_with(&["--cluster-enabled", "yes"]);
    let parts = RedisParts::new(&redis.tcp_url(), "test", RedisTls::default()).unwrap();
    let found = parts.server.examine().await.unwrap();
    assert!(found.unsuitable.unwrap().contains("Redis Cluster"));
    let error = parts.bell.ready(Lane::Live).await.unwrap_err();
    assert!(error.to_string().contains("Redis Cluster"), "{error}");
}

#[tokio::test]
async fn a_redis_that_may_forget_is_warned_about() {
    for (options, warnings) in [
        (
            &["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"][..],
            1,
        ),
        (&["--maxmemory", "64mb", "--maxmemory-policy", "noeviction"], 0),
    ] {
        let redis = PrivateRedis::start_with(options);
        let parts = RedisParts::new(&redis.tcp_url(), "test", RedisTls::default()).unwrap();
        let found = parts.server.examine().await.unwrap();
        assert_eq!(
            (found.unsuitable, found.warnings.len()),
            (None, warnings),
            "{options:?}"
        );
    }
}

/// The rule of the README, for the prefix that its user would have.
fn documented_rule() -> String {
    let text = include_str!("../../README.md");
    let rule = text.lines().skip_while(|line| !line.starts_with("ACL SETUSER"));
    let rule: Vec<&str> = rule.take_while(|line| !line.starts_with("```")).collect();
    assert!(!rule.is_empty(), "the README has the rule");
    rule.join(" ")
        .replace("{ledgerfleet}", "{test}")
        .replace('\\', "")
}

/// Everything that a process does, as the user that the README describes: every script of bell, gate and locks.
#[tokio::test]
async fn the_rights_that_are_documented_are_enough_and_none_too_many_to_reach_other_keys() {
    let redis = PrivateRedis::start();
    assert_eq!(redis.command(&documented_rule()), "+OK");
    let url = format!("redis://ledgerfleet:PASSWORD@127.0.0.1:{}", redis.port());
    let parts = RedisParts::new(&url, "test", RedisTls::default()).unwrap();
    let (connection, lane) = (ConnectionId::new(), Lane::Live);
    assert!(parts.gate.is_new().await.unwrap());
    assert!(parts.gate.open_unused().await.unwrap());
    parts
        .gate
        .reserve(connection, &LIMITS, Duration::from_secs(1))
        .await
        .unwrap();
    let Start::Go(slot) = parts.gate.start(connection, &LIMITS).await.unwrap() else {
        panic!("the gate is open")
    };
    assert!(parts.gate.renew(slot, &LIMITS).await.unwrap());
    parts.gate.finish(slot).await.unwrap();
    for closing in [
        Closing::Told(Duration::from_millis(1)),
        Closing::Guessed(Duration::from_millis(1)),
    ] {
        parts.gate.close(connection, &LIMITS, closing).await.unwrap();
    }
    let ids = [SegmentId::new()];
    parts.bell.replace(lane, &ids).await.unwrap();
    assert_eq!(parts.bell.ready(lane).await.unwrap(), 1);
    assert_eq!(parts.bell.pop(1, Duration::from_millis(1)).await.unwrap(), ids);
    parts.bell.ring().await.unwrap();
    assert!(parts.bell.rung(Duration::from_millis(1)).await.unwrap());
    parts.bell.probe().await.unwrap();
    let key = LockKey {
        connection,
        entity: "invoice".to_owned(),
        window: Window::Whole,
    };
    let second = Duration::from_secs(1);
    let taken = parts
        .locks
        .take(&key, SegmentId::new(), Epoch(1), second)
        .await
        .unwrap();
    let Taken::Taken(lock) = taken else {
        panic!("nobody has it")
    };
    assert!(parts.locks.renew(&lock, second).await.unwrap());
    parts.locks.release(&lock).await.unwrap();
    parts.server.examine().await.unwrap();

    let foreign = RedisParts::new(&url, "another", RedisTls::default()).unwrap();
    foreign.bell.ready(lane).await.unwrap_err();
}
