//! Words: the upstream stops to take a word of its query language, in the middle of a run.
//!
//! What can be done without is done without, and remembered; what cannot holds up its entity alone, with one cause, and
//! is done once the word is taken again. Nothing is dead.

use std::time::Duration;

use ledgerfleet_emulator::{Acceptance, Count, Mutation, MutationKind, Pick, Switches};
use tokio::time::sleep;

use crate::wait::{PATIENCE, until};
use crate::world::last_days;
use crate::{Ending, Expect, Facts, Ground, Stage, Wish, World};

/// What the ledger remembers of an upstream beside the sizes of its pages.
const LEARNED: &str = "SELECT DISTINCT fact FROM fleet.learned WHERE fact <> 'largest_page' ORDER BY 1";

/// Brakes that are closed.
const CLOSED: &str = "SELECT count(*) FROM fleet.brakes WHERE next_probe_at IS NOT NULL";

/// A list that takes several pages, and documents whose days take one.
fn wish() -> Wish {
    Wish {
        page_size: 50,
        ..Wish::days(&["invoice", "journal_entry", "customer"], 40)
    }
}

/// A fleet at work whose upstream has just stopped to take a word.
async fn refusing(stage: &mut Stage, switches: Switches) -> World {
    let mut world = World::new(stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.ask(&wish()).await;
    world.until_done(run, stage.draw(5, 20)).await;
    world.emulator.set_switches(switches);
    // What is read once more is read with what was learned.
    world.ask(&again()).await;
    world
}

fn again() -> Wish {
    Wish {
        page_size: 40,
        ..wish()
    }
}

/// Nothing failed, no company and no entity waits, and each worker said at most once of an entity what is refused.
async fn done_without(mut world: World, learned: &str) -> Facts {
    const SAID: &str = "the upstream refuses what it is documented to take";
    let facts = world
        .judge(Expect {
            changing: true,
            ..Expect::default()
        })
        .await;
    assert_eq!(world.sql(LEARNED), learned, "what was learned");
    assert_eq!(world.count(CLOSED), 0, "brakes that are still closed");
    let said = lines(&world, SAID);
    let (companies, entities) = (world.connections.len(), wish().entities.len());
    assert!(
        (1..=companies * entities).contains(&said),
        "it was said {said} times of {companies} companies with {entities} entities"
    );
    facts
}

/// How often the workers have said something.
fn lines(world: &World, said: &str) -> usize {
    let logs = world.fleet.workers.iter().map(|worker| worker.process.log());
    logs.map(|log| log.matches(said).count()).sum()
}

/// F73: no statement may name an order any more.
pub(super) async fn order(mut stage: Stage) -> Ending {
    let switches = Switches {
        order: Acceptance::Refused,
        ..Switches::default()
    };
    let world = refusing(&mut stage, switches).await;
    Ok(done_without(world, "order_refused").await)
}

/// F73b: nothing is counted any more.
pub(super) async fn count(mut stage: Stage) -> Ending {
    let switches = Switches {
        count: Count::Refused,
        ..Switches::default()
    };
    let world = refusing(&mut stage, switches).await;
    Ok(done_without(world, "count_refused").await)
}

/// F73c: several ids may not be asked for at once any more. `verify` asks for what it saw on no page one by one.
pub(super) async fn several_ids(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    world
        .ask(&Wish::days(&["invoice"], 20).of("north").in_one_page())
        .await;
    world.until_over(PATIENCE).await;
    world.emulator.set_switches(Switches {
        id_in: Acceptance::Refused,
        ..Switches::default()
    });
    let deleted = Mutation {
        count: 4,
        pick: Pick::Last,
        ..Mutation::new("north", "invoice", MutationKind::Delete)
    };
    world.emulator.mutate(deleted).unwrap();
    let days = last_days(20);
    let verify = format!(
        "verify --connection north --entity invoice --from {} --to {}",
        days.start(),
        days.end()
    );
    let fixed = world.command(&format!("{verify} --fix --wait"), PATIENCE).await;
    assert!(fixed.status.success(), "{}", fixed.said);
    let expect = Expect {
        changing: true,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.push("`verify --fix --wait` found four that were deleted".to_owned());
    Ok(facts)
}

/// F73d: whether a name is active may not be compared with a list any more, which nothing can be done without: inactive
/// names would be missing. The lists wait with one cause, everything else is done.
pub(super) async fn active(stage: Stage) -> Ending {
    const CAUSES: &str =
        "SELECT coalesce(string_agg(DISTINCT split_part(scope, ':', 1) || ' ' || reason, ','), '') FROM fleet.brakes
                          WHERE next_probe_at IS NOT NULL";
    const SAID: &str = "segments wait without blame";
    let switches = Switches {
        active_in: Acceptance::Refused,
        ..Switches::default()
    };
    let mut world = World::new(&stage, Ground::default()).await;
    world.emulator.set_switches(switches);
    world.fleet.start(2);
    let lists = &["customer", "item", "vendor", "account"];
    let documents = &["invoice", "journal_entry"];
    let run = world.ask(&Wish::days(documents, 20).in_one_page()).await;
    let waiting = world.ask(&Wish::days(lists, 1).in_one_page()).await;
    world
        .until(run, "the documents are done", |report| report.state.is_over())
        .await;
    let companies = world.connections.len();
    until("every list waits", PATIENCE, async || {
        world.count(CLOSED) == (lists.len() * companies) as u64
    })
    .await;
    let cause = world.sql(CAUSES);
    assert_eq!(cause, "entity upstream_changed", "what waits, and why");
    // Whoever asks for a list once more costs no call for each of its segments.
    let before = world.emulator.summary().requests;
    world.ask(&Wish::days(lists, 1)).await;
    sleep(world.ground.scaled(Duration::from_mins(1))).await;
    let asked = world.emulator.summary().requests - before;
    let most = (lists.len() * companies * 3) as u64;
    assert!(
        asked <= most,
        "{asked} requests in a minute for lists that are refused"
    );
    let report = world.report(waiting).await.unwrap();
    assert_eq!((report.dead, report.done), (0, 0), "{report:?}");
    let said = lines(&world, SAID);
    let told = said <= lists.len() * companies * 2;
    assert!(said > 0 && told, "that lists wait was said {said} times");
    world.emulator.set_switches(Switches::default());
    let mut facts = world
        .judge(Expect {
            changing: true,
            ..Expect::default()
        })
        .await;
    facts.push(format!(
        "{} lists waited, {asked} requests in a minute, said {said} times",
        lists.len() * companies
    ));
    Ok(facts)
}
