//! Unserved: records that the API cannot serve, and pages that it cannot.

use ledgerfleet_emulator::{Mutation, MutationKind, OrderTies, Pick};

use super::upstream::set;
use crate::wait::PATIENCE;
use crate::world::last_days;
use crate::{Ending, Expect, Ground, Stage, Wish, World};

/// F74: one invoice cannot be served, pages of customers are too large for the API, and those of journal entries too slow.
/// Everything else is stored, the one is set aside with its fault, and `verify` says so without being red.
pub(super) async fn set_aside(mut stage: Stage) -> Ending {
    const DAYS: u64 = 10;
    let mut ground = Ground::default();
    // Which of two rows of one instant is the one that is not served cannot be told while they change places.
    ground.emulator.switches.order_ties = OrderTies::Settled;
    let mut world = World::new(&stage, ground).await;
    let kinds = [(400, 4002), (500, 10_000)];
    let (status, code) = kinds[usize::try_from(stage.draw(0, 1)).unwrap()];
    let spoilt = Mutation {
        pick: Pick::Last,
        status: Some(status),
        code: Some(code),
        ..Mutation::new("north", "invoice", MutationKind::Spoil)
    };
    let spoilt = world.emulator.mutate(spoilt).unwrap();
    set(&world, &stage, "large_page=30,entity=customer");
    set(&world, &stage, "slow_rows=60,entity=item");
    world.fleet.start(2);
    world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer", "item"], DAYS).in_one_page())
        .await;
    world.until_over(4 * PATIENCE).await;
    let dead = world.sql("SELECT DISTINCT entity || ' ' || reason FROM fleet.segments WHERE state = 'dead'");
    assert_eq!(dead, "", "dead");
    let days = last_days(DAYS);
    let verified = world
        .command(
            &format!(
                "verify --connection north --entity invoice --from {} --to {}",
                days.start(),
                days.end()
            ),
            PATIENCE,
        )
        .await;
    assert!(
        verified.status.success() && verified.said.contains("yellow"),
        "{}",
        verified.said
    );
    let expect = Expect {
        unserved: spoilt.clone(),
        within: 4 * PATIENCE,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.push(format!(
        "invoice {} set aside after {status}/{code}; verify is yellow",
        spoilt.join(", ")
    ));
    Ok(facts)
}
