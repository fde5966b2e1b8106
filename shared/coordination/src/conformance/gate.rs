//! What every gate must do.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_model::ConnectionId;
use tokio::time::{Instant, sleep};

use super::World;
use crate::{Closing, Distance, Gate, GateLimits, NoPassage, Passage, Reservation, Slot, Start};

const LONG: Duration = Duration::from_mins(1);
/// How far an answer may lie from the ideal one: a remote gate answers a little later than it decides.
const SLACK: Duration = Duration::from_millis(30);

fn limits(requests_per_second: f64, slots: u32) -> GateLimits {
    GateLimits {
        requests_per_second,
        slots,
        slot_ttl: Duration::from_secs(1),
        quarantine: LONG,
        calm: Duration::from_secs(1),
    }
}

async fn reserve(gate: &Arc<dyn Gate>, connection: ConnectionId, limits: &GateLimits) -> Duration {
    match gate.reserve(connection, limits, LONG).await.unwrap() {
        Reservation::Booked(wait) => wait,
        Reservation::TooLong(wait) => panic!("{wait:?} is too long"),
    }
}

async fn start(gate: &Arc<dyn Gate>, connection: ConnectionId, limits: &GateLimits) -> Slot {
    match gate.start(connection, limits).await.unwrap() {
        Start::Go(slot) => slot,
        refused => panic!("{refused:?}"),
    }
}

fn assert_about(wait: Duration, ideal: Duration) {
    assert!(
        wait <= ideal + SLACK && wait + SLACK >= ideal,
        "{wait:?} instead of {ideal:?}"
    );
}

/// The n-th booking lies n intervals ahead, whoever books.
pub async fn grants_are_evenly_spaced_and_first_come_first_served(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    for ahead in 0..5 {
        assert_about(
            reserve(&gate, connection, &limits).await,
            limits.interval() * ahead,
        );
    }
}

/// After a pause the gate grants one at once, not the many it could have granted meanwhile.
pub async fn an_idle_gate_saves_nothing_up(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    reserve(&gate, connection, &limits).await;
    world.pass(Duration::from_secs(2)).await;
    assert_about(reserve(&gate, connection, &limits).await, Duration::ZERO);
    assert_about(reserve(&gate, connection, &limits).await, limits.interval());
}

/// Who has no patience leaves the instant to others.
pub async fn what_is_too_far_away_is_not_booked(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    reserve(&gate, connection, &limits).await;
    let impatient = gate
        .reserve(connection, &limits, limits.interval() / 4)
        .await
        .unwrap();
    let Reservation::TooLong(wait) = impatient else {
        panic!("{impatient:?}")
    };
    assert_about(wait, limits.interval());
    assert_about(reserve(&gate, connection, &limits).await, limits.interval());
}

/// A slot is free only when it was given back.
pub async fn no_more_than_the_slots_are_in_flight(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(1_000.0, 2));
    let first = start(&gate, connection, &limits).await;
    start(&gate, connection, &limits).await;
    assert_eq!(gate.start(connection, &limits).await.unwrap(), Start::NoSlot);
    gate.finish(first).await.unwrap();
    gate.finish(first).await.unwrap();
    start(&gate, connection, &limits).await;
    assert_eq!(gate.start(connection, &limits).await.unwrap(), Start::NoSlot);
}

/// Who dies frees its slot by dying; who renews keeps it.
pub async fn a_slot_that_is_not_renewed_frees_itself(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(1_000.0, 2));
    let (dead, alive) = (
        start(&gate, connection, &limits).await,
        start(&gate, connection, &limits).await,
    );
    world.pass(limits.slot_ttl / 2).await;
    assert!(gate.renew(alive, &limits).await.unwrap());
    world.pass(limits.slot_ttl * 2 / 3).await;
    assert!(!gate.renew(dead, &limits).await.unwrap());
    assert!(gate.renew(alive, &limits).await.unwrap());
    start(&gate, connection, &limits).await;
    assert_eq!(gate.start(connection, &limits).await.unwrap(), Start::NoSlot);
}

/// One worker's 429 is everyone's.
pub async fn a_closed_gate_starts_nothing_and_books_behind_its_opening(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    reserve(&gate, connection, &limits).await;
    let closing = Duration::from_secs(1);
    gate.close(connection, &limits, Closing::Told(closing))
        .await
        .unwrap();
    let Start::Closed(wait) = gate.start(connection, &limits).await.unwrap() else {
        panic!("it is open")
    };
    assert_about(wait, closing);
    assert_about(reserve(&gate, connection, &limits).await, closing);
    assert_about(
        reserve(&gate, connection, &limits).await,
        closing + slowed(&limits, 1),
    );
    world.pass(closing + SLACK).await;
    start(&gate, connection, &limits).await;
}

/// The longest answer of the upstream counts.
pub async fn a_shorter_closing_never_shortens_a_longer_one(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    gate.close(connection, &limits, Closing::Told(Duration::from_secs(2)))
        .await
        .unwrap();
    gate.close(connection, &limits, Closing::Told(Duration::from_secs(1)))
        .await
        .unwrap();
    let Start::Closed(wait) = gate.start(connection, &limits).await.unwrap() else {
        panic!("it is open")
    };
    assert_about(wait, Duration::from_secs(2));
}

/// What is booked after the opening stays booked.
pub async fn a_closing_never_moves_a_booking_onto_another(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(5.0, 9));
    gate.close(connection, &limits, Closing::Told(Duration::from_secs(1)))
        .await
        .unwrap();
    reserve(&gate, connection, &limits).await;
    gate.close(connection, &limits, Closing::Told(Duration::from_millis(500)))
        .await
        .unwrap();
    assert_about(
        reserve(&gate, connection, &limits).await,
        Duration::from_secs(1) + slowed(&limits, 1),
    );
}

/// The time between two grants after so many closings.
fn slowed(limits: &GateLimits, closings: i32) -> Duration {
    limits.interval().mul_f64(0.7_f64.powi(closings).recip())
}

/// Closes the gate for a moment, and waits for its opening.
async fn throttle(world: &impl World, gate: &Arc<dyn Gate>, connection: ConnectionId, limits: &GateLimits) {
    let moment = Duration::from_millis(50);
    gate.close(connection, limits, Closing::Told(moment))
        .await
        .unwrap();
    world.pass(moment + SLACK).await;
}

/// A company that throttles us is asked less often, but several throttled requests of one moment count once.
pub async fn every_closing_slows_the_gate_down_to_one_request_a_second(world: &impl World) {
    let (gate, connection) = (world.gate(), ConnectionId::new());
    let limits = GateLimits {
        calm: LONG,
        ..limits(4.0, 9)
    };
    for closings in 1..=2 {
        throttle(world, &gate, connection, &limits).await;
        reserve(&gate, connection, &limits).await;
        assert_about(
            reserve(&gate, connection, &limits).await,
            slowed(&limits, closings),
        );
        world.pass(slowed(&limits, closings) * 2).await;
    }
    for _ in 0..3 {
        gate.close(connection, &limits, Closing::Told(Duration::from_millis(50)))
            .await
            .unwrap();
    }
    world.pass(Duration::from_millis(50) + SLACK).await;
    reserve(&gate, connection, &limits).await;
    assert_about(reserve(&gate, connection, &limits).await, slowed(&limits, 3));
    for _ in 0..3 {
        throttle(world, &gate, connection, &limits).await;
    }
    reserve(&gate, connection, &limits).await;
    let behind = reserve(&gate, connection, &limits).await;
    let next = reserve(&gate, connection, &limits).await;
    assert_about(next.checked_sub(behind).unwrap(), Duration::from_secs(1));
}

/// Once it is calm, the pace comes back little by little.
pub async fn a_slowed_gate_regains_its_pace_when_it_is_calm(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(4.0, 9));
    for _ in 0..2 {
        throttle(world, &gate, connection, &limits).await;
    }
    world.pass(limits.calm * 2).await;
    reserve(&gate, connection, &limits).await;
    let eased = limits.interval().div_f64(0.7 * 0.7 + 0.25);
    assert_about(reserve(&gate, connection, &limits).await, eased);
    world.pass(limits.calm * 2).await;
    reserve(&gate, connection, &limits).await;
    assert_about(reserve(&gate, connection, &limits).await, limits.interval());
}

/// Where the upstream does not say for how long, each closing is about twice as long as the one before, up to a minute.
pub async fn guessed_closings_grow(world: &impl World) {
    let (gate, connection) = (world.gate(), ConnectionId::new());
    let limits = GateLimits {
        calm: LONG,
        ..limits(4.0, 9)
    };
    let first = Duration::from_millis(200);
    let mut expected = first;
    for _ in 0..3 {
        gate.close(connection, &limits, Closing::Guessed(first))
            .await
            .unwrap();
        let Start::Closed(wait) = gate.start(connection, &limits).await.unwrap() else {
            panic!("it is open")
        };
        assert_about(wait, expected);
        world.pass(wait + SLACK).await;
        expected = expected.div_f64(0.49);
    }
    gate.close(connection, &limits, Closing::Guessed(LONG * 2))
        .await
        .unwrap();
    let Start::Closed(wait) = gate.start(connection, &limits).await.unwrap() else {
        panic!("it is open")
    };
    assert_about(wait, LONG);
}

/// A busy company is nobody else's trouble.
pub async fn connections_have_gates_of_their_own(world: &impl World) {
    let (gate, limits) = (world.gate(), limits(1.0, 1));
    let (busy, idle) = (ConnectionId::new(), ConnectionId::new());
    reserve(&gate, busy, &limits).await;
    start(&gate, busy, &limits).await;
    gate.close(busy, &limits, Closing::Told(Duration::from_secs(5)))
        .await
        .unwrap();
    assert_about(reserve(&gate, idle, &limits).await, Duration::ZERO);
    start(&gate, idle, &limits).await;
}

/// The promise that the upstream's limits rest on, under many askers at once.
pub async fn any_second_sees_no_more_than_its_share(world: &impl World) {
    let (gate, connection, limits) = (world.gate(), ConnectionId::new(), limits(40.0, 100));
    let asking = (0..8).map(|_| {
        let gate = gate.clone();
        async move {
            let mut started = Vec::new();
            for _ in 0..12 {
                sleep(reserve(&gate, connection, &limits).await).await;
                let slot = start(&gate, connection, &limits).await;
                started.push(Instant::now());
                gate.finish(slot).await.unwrap();
            }
            started
        }
    });
    let mut started = futures::future::join_all(asking).await.concat();
    started.sort();
    for (first, at) in started.iter().enumerate() {
        let within = started[first..]
            .iter()
            .take_while(|other| **other - *at < Duration::from_secs(1))
            .count();
        // One interval's worth is the slack of timers that wake a little late.
        assert!(within <= 41, "{within} in a second");
    }
}

/// Who passes waits for his turn and for a free slot, and is told at once what he has no patience for.
pub async fn a_passage_waits_for_a_slot_and_tells_what_is_too_far_away(world: &impl World) {
    let (gate, limits) = (world.gate(), limits(20.0, 1));
    let distance = Distance::default();
    let passage = Passage {
        gate: &*gate,
        connection: ConnectionId::new(),
        limits: &limits,
        patience: Duration::from_secs(1),
        staleness: LONG,
        distance: &distance,
    };
    let slot = passage.pass().await.unwrap();
    let (second, finished) = tokio::join!(passage.pass(), async {
        sleep(limits.interval() * 3).await;
        gate.finish(slot).await.unwrap();
        Instant::now()
    });
    let slot = second.unwrap();
    assert!(Instant::now() >= finished);
    let hurried = Passage {
        patience: limits.slot_ttl / 4,
        ..passage
    };
    let refused = hurried.pass().await.unwrap_err();
    assert!(matches!(refused, NoPassage::NoSlot), "{refused:?}");
    gate.finish(slot).await.unwrap();
    let closing = Closing::Told(Duration::from_secs(9));
    gate.close(passage.connection, &limits, closing).await.unwrap();
    let refused = passage.pass().await.unwrap_err();
    assert!(
        matches!(refused, NoPassage::TooFar(wait) if wait > Duration::from_secs(8)),
        "{refused:?}"
    );
}
