//! Drift: the books of a busy company change for as long as it takes to read them.

use std::collections::BTreeSet;
use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, Mutation, Size, TruthFilter};

use crate::world::last_days;
use crate::{Ending, Expect, Ground, Stage, Wish, World};

/// About ten thousand invoices.
const DAYS: u64 = 100;

/// What happens to the books at every so many requests.
const CHANGES: &[&str] = &[
    r#"{"company":"north","entity":"invoice","kind":"update","every":4}"#,
    r#"{"company":"north","entity":"invoice","kind":"touch","every":9}"#,
    r#"{"company":"north","entity":"invoice","kind":"delete","every":12}"#,
];

/// How long it may take to read them.
const READING: Duration = Duration::from_mins(10);

/// F39c: of ten thousand invoices, hundreds change and vanish while they are read. None that stays is missed. What
/// vanishes after its day was read is nothing that the reading could know; `verify --fix` finds all of it.
pub(super) async fn ten_thousand(stage: Stage) -> Ending {
    let mut world = World::new(&stage, ground()).await;
    let before = source(&world);
    for change in CHANGES {
        let change: Mutation = serde_json::from_str(change).unwrap();
        world.emulator.mutate(change).unwrap();
    }
    world.fleet.start(4);
    let wish = Wish {
        page_size: 30,
        ..Wish::days(&["invoice"], DAYS)
    };
    let run = world.ask(&wish).await;
    world.until_over(READING).await;
    world.emulator.stop_mutations();
    let after = source(&world);
    let dead = world.report(run).await.unwrap().dead;
    assert_eq!(dead, 0, "every day came to stand still");
    let stayed: BTreeSet<_> = before.intersection(&after).collect();
    let stored = stored(&world);
    let lost = stayed.iter().filter(|id| !stored.contains(**id)).count();
    assert_eq!(lost, 0, "invoices that were there all the time are missing");
    let ghosts = stored.difference(&after).count();
    let facts = [
        format!("of {} invoices {} stayed: 0 lost", before.len(), stayed.len()),
        format!(
            "{} vanished, {ghosts} of them after their day was read",
            before.difference(&after).count()
        ),
    ];
    let fixed = fix(&world, &wish).await;
    let expect = Expect {
        changing: true,
        ..Expect::default()
    };
    let mut seen = world.judge(expect).await;
    seen.extend(facts);
    seen.push(fixed);
    Ok(seen)
}

fn ground() -> Ground {
    let mut ground = Ground {
        pace: 60.0,
        ..Ground::default()
    };
    ground.emulator.days = u32::try_from(DAYS).unwrap();
    ground.emulator.companies = vec![CompanySpec::new("north", Size::Medium)];
    ground
}

/// Has every difference read again, and looks once more.
async fn fix(world: &World, wish: &Wish) -> String {
    let days = last_days(wish.days);
    let verify = format!(
        "verify --connection north --entity invoice --from {} --to {}",
        days.start(),
        days.end()
    );
    let fix = world.command(&format!("{verify} --fix"), READING).await;
    world.until_at_rest(READING).await;
    let again = world.command(&verify, READING).await;
    assert!(
        again.status.success(),
        "first {}: {}\nthen {}: {}",
        fix.status,
        fix.said,
        again.status,
        again.said
    );
    "after `verify --fix` 0 ghosts".to_owned()
}

/// The invoices that the source has now.
fn source(world: &World) -> BTreeSet<String> {
    let lines = world
        .emulator
        .truth("north", "invoice", &TruthFilter::default())
        .unwrap();
    lines.into_iter().map(|line| line.id).collect()
}

/// The invoices that are stored and not known to be gone.
fn stored(world: &World) -> BTreeSet<String> {
    let ids = world.sql("SELECT id FROM raw.records WHERE entity = 'qbo_invoice' AND deleted_at_utc IS NULL");
    ids.lines().map(ToOwned::to_owned).collect()
}
