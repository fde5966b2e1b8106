//! Originals: I10 of records that could not be stored as they were. Whatever was changed or put away is there, byte by byte.

use std::collections::BTreeSet;

use super::{Expect, Violation};
use crate::World;

/// Bytes kept of a record in quarantine.
const KEPT: usize = 8 << 20;

pub(super) fn check(world: &World, expect: &Expect) -> Vec<Violation> {
    let mut violations = Vec::new();
    let away = world.count("SELECT count(*) FROM fleet.quarantine WHERE deleted_at IS NULL");
    let expected = expect.quarantined + expect.unserved.len() as u64;
    if away != expected {
        let reasons = world
            .sql("SELECT reason, count(*) FROM fleet.quarantine WHERE deleted_at IS NULL GROUP BY reason");
        let what = format!("{away} records are in quarantine, not {expected}: {reasons:?}");
        violations.push(Violation::of("I10", what));
    }
    let kept = [
        (
            "quarantine",
            // Of what was not served there is nothing but the fault.
            "SELECT connection_id, entity, id, encode(original, 'hex') FROM fleet.quarantine
             WHERE reason <> 'unservable'",
        ),
        (
            "the warehouse",
            "SELECT connection_id, substr(entity, 5), id, encode(original, 'hex') FROM raw.records WHERE sanitised",
        ),
    ];
    for (place, query) in kept {
        let rows = world.sql(query);
        let others = rows.lines().filter(|row| !is_original(world, row));
        violations.extend(others.map(|row| {
            let shown: String = row.chars().take(100).collect();
            Violation::of("I10", format!("not what was served, in {place}: {shown}"))
        }));
    }
    violations
}

/// Whether a row of connection, entity, id and bytes in hexadecimal says what the source has.
fn is_original(world: &World, row: &str) -> bool {
    let columns: Vec<&str> = row.split('|').collect();
    let [connection, entity, id, kept] = columns[..] else {
        return false;
    };
    let company = world
        .connections
        .iter()
        .find(|known| known.id.to_string() == connection);
    let text = company.and_then(|company| world.emulator.text(&company.name, entity, id));
    let Some(text) = text else { return false };
    let text = &text.as_bytes()[..text.len().min(KEPT)];
    kept.len() == text.len() * 2
        && kept
            .as_bytes()
            .chunks(2)
            .zip(text)
            .all(|(digits, byte)| digits == format!("{byte:02x}").as_bytes())
}

/// Ids of an entity's records in quarantine.
pub(super) fn quarantined(world: &World, company: &str, entity: &str) -> BTreeSet<String> {
    let connection = world.connection(company).id;
    let ids = world.sql(&format!(
        "SELECT id FROM fleet.quarantine WHERE connection_id = '{connection}' AND entity = '{entity}'"
    ));
    ids.lines().map(str::to_owned).collect()
}
