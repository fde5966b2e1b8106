//! Paging: books that move while they are read.

use std::collections::BTreeSet;

use ledgerfleet_emulator::{FaultSpec, Mutation, TruthFilter};

use crate::{Ending, Expect, Ground, Stage, Wish, World};

/// Entities whose days take several pages.
const READ: &[&str] = &["invoice", "customer"];

/// F39: records appear between pages. None that was there all the time is missed.
pub(super) async fn appearing(stage: Stage) -> Ending {
    moving(
        stage,
        &[
            r#"{"company":"north","entity":"invoice","kind":"create","every":3,"times":25}"#,
            r#"{"company":"south","entity":"customer","kind":"create","every":5,"times":15}"#,
        ],
    )
    .await
}

/// F39b: records vanish between pages, and those after them move up. None that was there all the time is missed.
pub(super) async fn vanishing(stage: Stage) -> Ending {
    moving(
        stage,
        &[r#"{"company":"north","entity":"invoice","kind":"delete","pick":"random","count":2,"every":2,"times":40}"#],
    )
    .await
}

/// F42: records change while their day is read. The newest version stays.
pub(super) async fn changing(stage: Stage) -> Ending {
    moving(
        stage,
        &[
            r#"{"company":"north","entity":"invoice","kind":"update","pick":"random","count":3,"every":2,"times":60}"#,
            r#"{"company":"south","entity":"invoice","kind":"late_change","pick":"random","every":3,"times":30}"#,
        ],
    )
    .await
}

/// Reads books that move; then reads them again when they stand still.
async fn moving(stage: Stage, mutations: &[&str]) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let before = ids(&world);
    for mutation in mutations {
        let mutation: Mutation = serde_json::from_str(mutation).unwrap();
        world.emulator.mutate(mutation).unwrap();
    }
    world.fleet.start(2);
    world.ask(&Wish::days(READ, 20)).await;
    world.until_over(crate::wait::PATIENCE).await;
    world.emulator.stop_mutations();
    let after = ids(&world);
    let stored = stored_ids(&world);
    let missed: Vec<_> = before
        .intersection(&after)
        .filter(|id| !stored.contains(*id))
        .collect();
    // A window that never stands still ends dead with that reason; its rows are sent for again below.
    let unstable =
        world.count("SELECT count(*) FROM fleet.segments WHERE state = 'dead' AND reason = 'unstable'");
    assert!(
        unstable > 0 || missed.is_empty(),
        "{} records that were there all the time were missed, such as {:?}",
        missed.len(),
        missed.iter().take(5).collect::<Vec<_>>()
    );
    let passes = world.count("SELECT count(*) FROM fleet.segments WHERE pass > 1");
    world.replay_all().await;
    world.ask(&Wish::days(READ, 20)).await;
    let expect = Expect {
        changing: true,
        ghosts: true,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.push(format!(
        "{passes} windows were read more than once, {unstable} never stood still"
    ));
    Ok(facts)
}

/// F40: rows of the page before come again.
pub(super) async fn repeated_rows(stage: Stage) -> Ending {
    bent(&stage, &["repeat_rows=2,percent=15,times=15".to_owned()]).await
}

/// F41: pages in the middle of a list are shorter than what is left, or empty. A first page is believed where nothing
/// speaks against it, so none of these is bent.
pub(super) async fn short_pages(mut stage: Stage) -> Ending {
    let short = stage.draw(3, 12);
    let empty = stage.draw(3, 12);
    let faults = [
        format!("short_page=2,company=north,entity=customer,nth={short}"),
        format!("empty_page,company=south,entity=customer,nth={empty}"),
    ];
    bent(&stage, &faults).await
}

/// Answers that are bent a few times; nothing is lost.
async fn bent(stage: &Stage, faults: &[String]) -> Ending {
    let mut world = World::new(stage, Ground::default()).await;
    for fault in faults {
        let mut spec: FaultSpec = fault.parse().unwrap();
        spec.seed = stage.seed;
        world.emulator.set_fault(spec);
    }
    world.fleet.start(2);
    world.ask(&Wish::days(READ, 20)).await;
    let mut facts = world.judge(Expect::default()).await;
    let passes = world.count("SELECT count(*) FROM fleet.segments WHERE pass > 1");
    facts.insert(0, faults.join(" "));
    facts.push(format!("{passes} windows were read more than once"));
    Ok(facts)
}

type Ids = BTreeSet<(String, String)>;

/// Every record of the days that are asked for, as the source has it now.
fn ids(world: &World) -> Ids {
    let days = crate::world::last_days(20);
    let mut ids = Ids::new();
    for connection in &world.connections {
        let filter = TruthFilter {
            from: Some(*days.start()),
            to: Some(*days.end()),
            ..TruthFilter::default()
        };
        for (entity, filter) in [("invoice", &filter), ("customer", &TruthFilter::default())] {
            let lines = world.emulator.truth(&connection.name, entity, filter).unwrap();
            ids.extend(
                lines
                    .into_iter()
                    .map(|line| (format!("{}-qbo_{entity}", connection.id), line.id)),
            );
        }
    }
    ids
}

fn stored_ids(world: &World) -> Ids {
    let rows = world.sql("SELECT connection_id || '-' || entity, id FROM raw.records");
    rows.lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(whose, id)| (whose.to_owned(), id.to_owned()))
        .collect()
}
