//! Calls: those of the month come to their end.

use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Stage, Wish, World};

/// Calls of the month, half of which are kept for live syncs.
const MONTHLY: u64 = 60;

/// Attempts that may be under way when the last call is made that may be: two workers, and what they ask at once.
const UNDER_WAY: u64 = 12;

/// F62: the calls of the month are used up to what is kept. What can wait stops there without a failure, and goes on to
/// its end when there are more.
pub(super) async fn used_up(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.sql("UPDATE fleet.connections SET environment = 'production'");
    let frugal = Hire::default()
        .with("LEDGERFLEET_QUICKBOOKS_MONTHLY_CALLS", MONTHLY.to_string())
        .with("LEDGERFLEET_QUICKBOOKS_RESERVE", "50 %");
    let workers = [world.fleet.hire(&frugal), world.fleet.hire(&frugal)];
    world.ask(&Wish::days(&["invoice"], 40)).await;
    let waiting = "SELECT (count(*) FILTER (WHERE state = 'running') = 0
                           AND (SELECT coalesce(sum(calls), 0) FROM fleet.api_calls) >= 30)::integer
                   FROM fleet.segments";
    until("what can wait waits", PATIENCE, async || {
        world.count(waiting) == 1
    })
    .await;
    let metered = world.emulator.summary().metered;
    assert!(
        metered <= MONTHLY / 2 + UNDER_WAY,
        "{metered} of {MONTHLY} calls were used: what is kept was touched"
    );
    let failed = world.count("SELECT count(*) FROM fleet.attempts WHERE outcome IN ('retry', 'dead')");
    assert_eq!(failed, 0, "to wait for calls is no failure");
    for worker in workers {
        world.fleet.kill(worker).await;
    }
    world.fleet.start(2);
    let mut facts = world.judge(Expect::default()).await;
    facts.insert(0, format!("{metered} of {MONTHLY} calls, then it waited"));
    Ok(facts)
}
