//! Tokens: refreshes that are raced, lost, refused, or interrupted.

use std::time::Duration;

use ledgerfleet_emulator::{Rotation, Switches};
use ledgerfleet_model::ConnectionState;
use tokio::time::sleep;

use crate::oracle::retries;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Stage, World};

/// A ground on which every refresh gives another refresh token, and the old one is dead at once.
fn rotating() -> Ground {
    let mut ground = Ground::default();
    ground.emulator.switches = Switches {
        rotation: Rotation::EveryRefresh,
        ..Switches::default()
    };
    ground
}

/// F07: the process dies between the upstream's grant and the ledger's commit. In the spool, the token is found by
/// whoever starts next. Before that, it is lost, and a person is told so.
pub(super) async fn after_grant(mut stage: Stage) -> Ending {
    let in_spool = stage.draw(0, 2) > 0;
    let point = if in_spool { "after_spool" } else { "after_grant" };
    // One company: another one's token might be between grant and spool when the process dies, and be lost for that.
    let mut world = World::new(&stage, rotating().companies(1)).await;
    let victim = world.fleet.hire(&Hire::failing(format!("{point}:kill9@1")));
    world.submit().await;
    world.fleet.killed(victim).await;
    world.fleet.start(1);
    let mut facts = if in_spool {
        world.judge(Expect::default()).await
    } else {
        let flagged = until_flagged(&world, "credential").await;
        for company in &flagged {
            world.reconnect(company).await;
        }
        let expect = Expect {
            superseded: 8,
            ..Expect::default()
        };
        let mut facts = world.judge(expect).await;
        facts.push(format!("{} flagged and connected again", flagged.join(" and ")));
        facts
    };
    facts.insert(0, format!("{point}:kill9@1"));
    Ok(facts)
}

/// Waits until a company waits for a person, all else is done, and the reason says so; answers which.
async fn until_flagged(world: &World, reason: &str) -> Vec<String> {
    until(
        "a company is flagged and the others are done",
        PATIENCE,
        async || {
            world.count(
                "SELECT count(*) FROM fleet.segments s JOIN fleet.connections c ON c.id = s.connection_id
             WHERE s.state IN ('pending', 'running') AND c.state = 'active'",
            ) == 0
        },
    )
    .await;
    let mut flagged = Vec::new();
    for connection in world.parts.ledger.connections().await.unwrap() {
        if connection.state == ConnectionState::NeedsReauthorisation {
            let told = connection.state_reason.clone().unwrap_or_default();
            assert!(told.contains(reason), "it is told: {told}");
            flagged.push(connection.name);
        }
    }
    assert!(!flagged.is_empty(), "nobody is flagged");
    flagged
}

/// F43: the owner ends the consent. The company waits for a person, nothing of it fails, the other one goes on.
pub(super) async fn disconnected(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 20)).await;
    world.emulator.disconnect("north").unwrap();
    let flagged = until_flagged(&world, "").await;
    assert_eq!(flagged, ["north"]);
    assert_eq!(retries(&world), 0, "a missing consent is no failure");
    let waiting = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'pending'");
    assert!(waiting > 0, "its segments wait");
    let before = world.emulator.summary().requests;
    sleep(Duration::from_secs(2)).await;
    let asked = world.emulator.summary().requests - before;
    assert_eq!(asked, 0, "requests of a company that waits for a person");
    world.reconnect("north").await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("{waiting} segments waited"));
    Ok(facts)
}

/// F44: four processes and fifty attempts need a token at the same moment: one refresh for each company.
pub(super) async fn raced(stage: Stage) -> Ending {
    let mut world = World::new(&stage, rotating()).await;
    world.submit().await;
    let many = Hire {
        concurrency: 13,
        ..Hire::default()
    };
    for _ in 0..4 {
        world.fleet.hire(&many);
    }
    let facts = world.judge(Expect::default()).await;
    for company in &world.emulator.summary().companies {
        let refreshes = company.tokens.refreshes;
        assert_eq!(refreshes, 1, "refreshes of {}", company.api.name);
    }
    Ok(facts)
}

/// F45: the upstream has rotated the token and its answer is lost. Where the old value still works for a while, it is
/// sent once more; where it does not, a person is told.
pub(super) async fn answer_lost(mut stage: Stage) -> Ending {
    let grace = stage.draw(0, 1) == 1;
    let mut ground = rotating();
    if grace {
        ground.emulator.switches.old_token_grace_hours = 24;
    }
    let mut world = World::new(&stage, ground).await;
    let lost = "drop=after,on=token,company=north,times=1".parse().unwrap();
    world.emulator.set_fault(lost);
    world.fleet.start(2);
    world.submit().await;
    let expect = Expect {
        superseded: 4,
        ..Expect::default()
    };
    if grace {
        let mut facts = world.judge(expect).await;
        facts.push("the old value was sent once more".to_owned());
        return Ok(facts);
    }
    let flagged = until_flagged(&world, "uncertain").await;
    assert_eq!(flagged, ["north"]);
    world.reconnect("north").await;
    let mut facts = world.judge(expect).await;
    facts.push("flagged as uncertain and connected again".to_owned());
    Ok(facts)
}

/// F46: the upstream has granted, the ledger is away. The token is stored when it is back.
pub(super) async fn ledger_away(mut stage: Stage) -> Ending {
    let ground = Ground {
        durable: true,
        ..rotating()
    };
    let mut world = World::new(&stage, ground).await;
    let point = ["after_grant", "after_spool"][usize::from(stage.draw(0, 1) == 1)];
    let slow = Hire::failing(format!("{point}:delay=1500"));
    world.fleet.hire(&slow);
    world.submit().await;
    until("the upstream has granted", PATIENCE, async || {
        let companies = world.emulator.summary().companies;
        companies.iter().all(|company| company.tokens.refreshes > 0)
    })
    .await;
    world.postgres.kill();
    sleep(Duration::from_secs(3)).await;
    world.postgres.start_again();
    let mut facts = world.judge(Expect::default()).await;
    facts.insert(0, point.to_owned());
    Ok(facts)
}

/// F47: access tokens die before their time. One refresh, and every request is repeated at most once.
pub(super) async fn revoked_early(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, rotating()).await;
    let nth = stage.draw(10, 40);
    let revoked = format!("revoke_access,company=north,nth={nth}").parse().unwrap();
    world.emulator.set_fault(revoked);
    world.fleet.start(2);
    world.submit().await;
    let mut facts = world.judge(Expect::default()).await;
    let summary = world.emulator.summary();
    let north = summary.company("north").unwrap();
    let refused = north.api.statuses.get(&401).copied().unwrap_or(0);
    assert_eq!(
        north.tokens.refreshes, 2,
        "the first, and one after the revocation"
    );
    assert!((1..=12).contains(&refused), "{refused} requests were refused");
    assert_eq!(retries(&world), 0, "an old token is no failure");
    facts.push(format!("{refused} requests refused, one refresh"));
    Ok(facts)
}
