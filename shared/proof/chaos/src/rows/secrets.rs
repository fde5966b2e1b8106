//! Secrets: a key that is not the fleet's, tokens that are repeated, numbers beyond belief.

use ledgerfleet_emulator::{EchoPlace, FaultKind, FaultSpec, Rotation, Switches};
use ledgerfleet_model::ConnectionState;
use ledgerfleet_vault::MasterKey;
use secrecy::ExposeSecret;

use crate::oracle::retries;
use crate::wait::PATIENCE;
use crate::{Ending, Expect, Ground, Hire, Stage, World};

/// F75: one worker has another master key. It ends and says nothing about any company; the others go on.
pub(super) async fn other_key(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let key = MasterKey::generate().to_text().expose_secret().to_owned();
    let stranger = world
        .fleet
        .hire(&Hire::default().with("LEDGERFLEET_MASTER_KEY", key));
    world.submit().await;
    // It is none of those who are judged: they end when they are told to.
    let mut stranger = world.fleet.workers.remove(stranger);
    let ended = stranger.process.end(PATIENCE).await;
    assert_eq!(ended.code(), Some(2), "its exit code");
    let mut facts = world.judge(Expect::default()).await;
    for connection in world.parts.ledger.connections().await.unwrap() {
        assert_eq!(connection.state, ConnectionState::Active, "{}", connection.name);
    }
    facts.push("the stranger ended with 2".to_owned());
    Ok(facts)
}

/// F76: the upstream repeats the access token at every place of its refusals, so often that some of them are kept. That
/// nothing of it stays is judged of logs, metrics, Redis and the database.
pub(super) async fn echoed(stage: Stage) -> Ending {
    const PLACES: [EchoPlace; 10] = [
        EchoPlace::Message,
        EchoPlace::Detail,
        EchoPlace::Code,
        EchoPlace::Class,
        EchoPlace::Xml,
        EchoPlace::Member,
        EchoPlace::TransactionId,
        EchoPlace::Error,
        EchoPlace::Description,
        EchoPlace::Page,
    ];
    let mut world = World::new(&stage, Ground::default()).await;
    for place in PLACES {
        let fault = FaultKind::Echo {
            place,
            text: "Token expired: $TOKEN".to_owned(),
            status: 401,
        };
        world.emulator.set_fault(FaultSpec {
            percent: Some(4),
            times: Some(8),
            seed: stage.seed,
            ..FaultSpec::always(fault)
        });
    }
    world.fleet.start(2);
    world.submit().await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("{} retries", retries(&world)));
    Ok(facts)
}

/// F77: the upstream says absurd things of the life of what it grants, and rotates at every refresh: no value is lost.
pub(super) async fn absurd(mut stage: Stage) -> Ending {
    const LIVES: [u64; 4] = [0, 10_000_000_000_000, i64::MAX.unsigned_abs(), u64::MAX];
    let claimed = LIVES[usize::try_from(stage.draw(0, 3)).unwrap_or_default()];
    let mut ground = Ground::default();
    ground.emulator.switches = Switches {
        rotation: Rotation::EveryRefresh,
        expires_in: Some(claimed),
        ..Switches::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    world.submit().await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("expires_in {claimed}"));
    Ok(facts)
}
