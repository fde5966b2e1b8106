//! Hints: records that an upstream has said something of are looked up together, those of one company in one run.

use std::collections::{BTreeMap, BTreeSet};

use ledgerfleet_connectors::{EntityKind, connector_entry, find_entity};
use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::hints::HINTS_KEY;
use ledgerfleet_ledger::{Hinted, Ledger, LedgerError, NewRun, NewSegment};
use ledgerfleet_model::{Axis, Connection, ConnectionId, Lane, RunId, SegmentId, Window, Work};
use ledgerfleet_telemetry::traces;
use tracing::Instrument;

use crate::submit::{ring, traced};

/// Records that one segment looks up: ten questions of a hundred.
const RECORDS: usize = 1_000;

/// Submits runs that look for what is hinted; answers how many.
///
/// # Errors
/// The ledger did not store it.
pub async fn submit_hinted(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    hinted: Vec<Hinted>,
) -> Result<usize, LedgerError> {
    let mut of_companies: BTreeMap<ConnectionId, Vec<Hinted>> = BTreeMap::new();
    for hint in hinted {
        of_companies.entry(hint.connection).or_default().push(hint);
    }
    let mut runs = 0;
    for (id, hints) in of_companies {
        let Some(connection) = ledger.connection(id).await? else {
            continue;
        };
        let (run, segments) = look(&connection, &hints);
        let keys: Vec<String> = hints.into_iter().map(|hint| hint.key).collect();
        let (span, run) = traced(run);
        let planned = ledger.plan_hints(&keys, &run, segments);
        if let Some(submitted) = planned.instrument(span.clone()).await? {
            traces::submitted(&span, submitted.run, submitted.segments, submitted.attached);
            runs += 1;
        }
    }
    if runs > 0 {
        ring(bell).await;
    }
    Ok(runs)
}

/// Records of one entity that are worth a look.
#[derive(Default)]
struct Worth {
    there: BTreeSet<String>,
    gone: BTreeSet<String>,
}

/// The run that looks for what is hinted of a company. Of a record that is said to be there and to be gone, in whatever
/// order, either may be true.
fn look(connection: &Connection, hints: &[Hinted]) -> (NewRun, Vec<NewSegment>) {
    let entry = connector_entry(&connection.connector);
    let mut by_entity: BTreeMap<&str, Worth> = BTreeMap::new();
    for hint in hints {
        let worth = by_entity.entry(&hint.entity).or_default();
        let of = if hint.gone {
            &mut worth.gone
        } else {
            &mut worth.there
        };
        of.insert(hint.record.clone());
    }
    let mut segments = Vec::new();
    for (name, worth) in by_entity {
        let Some(entity) = entry.and_then(|entry| find_entity(entry, name)) else {
            continue;
        };
        let works = if entity.kind == EntityKind::Single {
            vec![Work::Sync(Window::Whole)]
        } else {
            worth.works()
        };
        segments.extend(works.into_iter().map(|work| NewSegment {
            id: SegmentId::new(),
            connection: connection.id,
            entity: name.to_owned(),
            work,
        }));
    }
    let id = RunId::new();
    let mut entities: Vec<String> = segments.iter().map(|segment| segment.entity.clone()).collect();
    entities.dedup();
    let run = NewRun {
        id,
        lane: Lane::Live,
        connections: vec![connection.name.clone()],
        entities,
        from: None,
        to: None,
        axis: Axis::Updated,
        segmenting: "hints".to_owned(),
        page_size: entry.map_or(1, |entry| entry.page_size_max),
        // It joins no other: what that one looks for was hinted before.
        request_key: format!("{HINTS_KEY}{}/{id}", connection.id),
        trace_context: None,
    };
    (run, segments)
}

impl Worth {
    fn works(self) -> Vec<Work> {
        let Self { there, gone } = self;
        let there = there
            .into_iter()
            .filter(|id| !gone.contains(id))
            .map(|id| (id, false));
        let all: Vec<(String, bool)> = there.chain(gone.iter().map(|id| (id.clone(), true))).collect();
        let work = |chunk: &[(String, bool)]| {
            let those = |wanted: bool| {
                let of_them = chunk.iter().filter(|(_, gone)| *gone == wanted);
                of_them.map(|(id, _)| id.clone()).collect()
            };
            Work::Records {
                ids: those(false),
                gone: those(true),
            }
        };
        all.chunks(RECORDS).map(work).collect()
    }
}

#[cfg(test)]
mod tests {
    use ledgerfleet_model::{ConnectionState, Environment};

    use super::*;

    fn alder() -> Connection {
        Connection {
            id: ConnectionId::new(),
            name: "alder".to_owned(),
            connector: "quickbooks".to_owned(),
            account: "1".to_owned(),
            environment: Environment::Sandbox,
            time_zone: chrono_tz::UTC,
            state: ConnectionState::Active,
            state_reason: None,
            state_cause: None,
            requests_per_second: None,
            slots: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn hint(connection: &Connection, entity: &str, record: &str, gone: bool) -> Hinted {
        Hinted {
            key: format!("{entity} {record} {gone}"),
            connection: connection.id,
            entity: entity.to_owned(),
            record: record.to_owned(),
            gone,
        }
    }

    fn works(connection: &Connection, hints: &[Hinted]) -> Vec<(String, Work)> {
        let (_, segments) = look(connection, hints);
        segments
            .into_iter()
            .map(|segment| (segment.entity, segment.work))
            .collect()
    }

    fn records(ids: &[&str], gone: &[&str]) -> Work {
        let owned = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
        Work::Records {
            ids: owned(ids),
            gone: owned(gone),
        }
    }

    #[test]
    fn each_record_is_looked_for_once_and_one_that_may_be_gone_as_such() {
        let alder = alder();
        let hints = [
            hint(&alder, "invoice", "2", false),
            hint(&alder, "invoice", "1", false),
            hint(&alder, "invoice", "2", false),
            hint(&alder, "invoice", "3", true),
            hint(&alder, "invoice", "3", false),
            hint(&alder, "bill", "1", true),
            hint(&alder, "yacht", "1", false),
            hint(&alder, "preferences", "1", false),
        ];
        let expected = [
            ("bill".to_owned(), records(&[], &["1"])),
            ("invoice".to_owned(), records(&["1", "2"], &["3"])),
            ("preferences".to_owned(), Work::Sync(Window::Whole)),
        ];
        assert_eq!(works(&alder, &hints), expected);
    }

    #[test]
    fn many_records_are_cut_and_none_is_lost() {
        let alder = alder();
        let hints: Vec<Hinted> = (0..2_500)
            .map(|number| hint(&alder, "invoice", &number.to_string(), number % 10 == 0))
            .collect();
        let (mut there, mut gone) = (0, 0);
        let works = works(&alder, &hints);
        assert_eq!(works.len(), 3);
        for (_, work) in works {
            let Work::Records { ids, gone: those } = work else {
                panic!("{work}");
            };
            (there, gone) = (there + ids.len(), gone + those.len());
        }
        assert_eq!((there, gone), (2_250, 250));
    }
}
