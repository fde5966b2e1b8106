//! Records: I1 complete, I2 unique, I3 monotone.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use futures::TryStreamExt;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_emulator::{Axis as TruthAxis, TruthFilter};
use ledgerfleet_ledger::RecordStub;
use ledgerfleet_model::Axis;

use super::{Expect, Violation, originals};
use crate::World;
use crate::audit;

/// Version and hash by id.
type Rows = BTreeMap<String, (String, String)>;

/// What was asked for in all of one company's entity.
#[derive(Debug, Clone, Copy)]
struct Range {
    from: NaiveDate,
    to: NaiveDate,
    axis: Axis,
}

pub(super) async fn check(world: &World, expect: &Expect) -> Vec<Violation> {
    let mut violations = Vec::new();
    for ((company, entity), range) in asked(world) {
        if !expect.apart_from.contains(&entity) {
            violations.extend(compare(world, &company, entity, range, expect).await);
        }
    }
    let duplicates = world.count(
        "SELECT count(*) FROM (SELECT 1 FROM raw.records GROUP BY connection_id, entity, id HAVING count(*) > 1) twice",
    );
    if duplicates > 0 {
        violations.push(Violation::of(
            "I2",
            format!("{duplicates} records are stored twice"),
        ));
    }
    if !expect.changing {
        let rewritten = world.count("SELECT count(*) FROM chaos.writes WHERE kind <> 'new'");
        if rewritten > 0 {
            let what = format!("{rewritten} records were written again although the source did not change");
            violations.push(Violation::of("I2", what));
        }
    }
    let noted = world.sql(audit::VIOLATIONS);
    violations.extend(noted.lines().map(|line| Violation::of("I3/I4", line)));
    violations
}

fn asked(world: &World) -> BTreeMap<(String, &'static str), Range> {
    let mut all = BTreeMap::new();
    for asked in &world.asked {
        for company in &asked.companies {
            for entity in &asked.entities {
                let range = Range {
                    from: asked.from,
                    to: asked.to,
                    axis: asked.axis,
                };
                let known = all.entry((company.clone(), *entity)).or_insert(range);
                known.from = known.from.min(asked.from);
                known.to = known.to.max(asked.to);
            }
        }
    }
    all
}

async fn compare(
    world: &World,
    company: &str,
    entity: &'static str,
    range: Range,
    expect: &Expect,
) -> Option<Violation> {
    let (stored, truth) = (
        stored(world, company, entity).await,
        truth(world, company, entity, range),
    );
    assert!(
        !truth.is_empty(),
        "{company} has no {entity} at the source: nothing is compared"
    );
    let away = originals::quarantined(world, company, entity);
    let lacking: Vec<&String> = truth
        .keys()
        .filter(|id| !stored.contains_key(*id) && !away.contains(*id) && !expect.unserved.contains(id))
        .collect();
    let ghosts: Vec<&String> = stored
        .keys()
        .filter(|id| !expect.ghosts && !truth.contains_key(*id))
        .collect();
    let other: Vec<&String> = truth
        .iter()
        .filter(|(id, row)| stored.get(*id).is_some_and(|stored| stored != *row))
        .map(|(id, _)| id)
        .collect();
    if lacking.is_empty() && ghosts.is_empty() && other.is_empty() {
        return None;
    }
    let what = format!(
        "{company} {entity}: of {} rows {} are not stored, {} differ, {} do not exist; such as {:?}",
        truth.len(),
        lacking.len(),
        other.len(),
        ghosts.len(),
        lacking
            .iter()
            .chain(&other)
            .chain(&ghosts)
            .take(5)
            .collect::<Vec<_>>()
    );
    Some(Violation::of("I1", what))
}

/// What the warehouse has, tombstones left out.
async fn stored(world: &World, company: &str, entity: &str) -> Rows {
    let table = find_entity(connector_entry("quickbooks").unwrap(), entity)
        .unwrap()
        .table;
    let connection = world.connection(company).id;
    let stubs: Vec<RecordStub> = world
        .parts
        .ledger
        .record_stubs(connection, table)
        .try_collect()
        .await
        .unwrap();
    let live = stubs.into_iter().filter(|stub| !stub.deleted);
    live.map(|stub| {
        let version = stub
            .source_version
            .map(|version| version.to_string())
            .unwrap_or_default();
        (stub.id, (version, stub.payload_hash))
    })
    .collect()
}

/// What the source has now.
fn truth(world: &World, company: &str, entity: &str, range: Range) -> Rows {
    let spec = find_entity(connector_entry("quickbooks").unwrap(), entity).unwrap();
    let axis = spec.axis_for(range.axis);
    let by = match axis {
        Axis::Created => Some(TruthAxis::Created),
        Axis::Updated => Some(TruthAxis::Updated),
        Axis::TxnDate => Some(TruthAxis::TxnDate),
        Axis::Whole => None,
    };
    let filter = TruthFilter {
        by,
        from: by.map(|_| range.from),
        to: by.map(|_| range.to),
        tz: Some(world.ground.time_zone.name().to_owned()),
        ..TruthFilter::default()
    };
    let lines = world.emulator.truth(company, entity, &filter).unwrap();
    lines
        .into_iter()
        .map(|line| (line.id, (line.version, line.hash)))
        .collect()
}
