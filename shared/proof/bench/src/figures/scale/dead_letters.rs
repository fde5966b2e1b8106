//! Dead letters: how long a look at a million of them takes.

use crate::Values;
use crate::world::World;

/// Makes everything dead, of a handful of causes, as if each had failed.
const KILL: &str = "
    UPDATE fleet.segments
    SET state = 'dead', reason = 'upstream_error', message = 'the upstream is out of order', ended_at = now(),
        fingerprint = 'upstream_error of kind ' || mod(hashtext(id::text), 5);
    UPDATE fleet.runs SET state = 'dead';
    VACUUM ANALYZE fleet.segments";

pub(super) async fn preview(world: &World, many: usize, values: &mut Values) {
    for statement in KILL.split(';') {
        world.execute(statement).await;
    }
    for (name, arguments) in [
        ("dead letters, by cause", ["dlq", "list", "--group"].as_slice()),
        ("dead letters, the newest", &["dlq", "list"]),
        (
            "preview of sending all again",
            &["dlq", "replay", "--all", "--dry-run"],
        ),
    ] {
        let (usage, said) = world.scheduler("dlq", arguments, &world.variables).await;
        values.put(format!("{name}, of {many}"), usage.seconds * 1e3, "ms");
        assert!(!said.is_empty(), "something is shown");
    }
}
