//! pgbench: the product's own statements, as they were checked when it was built, without the product.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ledgerfleet_model::segment::{CRASHES, FORMAT};
use ledgerfleet_testkit::{Process, postgres_program};

use super::segments::{CONNECTIONS, THEIRS};
use crate::Bench;
use crate::usage;
use crate::world::World;

/// Sessions.
pub(super) const CLIENTS: usize = 16;

/// Segments that are claimed together.
pub(super) const BATCH: usize = 8;

/// Carries all segments that are numbered from [`THEIRS`]: each client so many batches.
pub(super) async fn run(bench: &Bench, world: &World, rounds: usize) {
    let folder = world.folder.path();
    let file = folder.join("segments.pgbench");
    std::fs::write(&file, script(&bench.repository)).unwrap();
    let mut command = Command::new(postgres_program("pgbench"));
    command
        .args(["--no-vacuum", "--protocol", "prepared", "--define", "round=-1"])
        .args(["--client", &CLIENTS.to_string(), "--jobs", "2"])
        .args(["--transactions", &rounds.to_string(), "--file"])
        .arg(file)
        .arg(world.database_url());
    let process = Process::start(&mut command, &folder.join("pgbench.log"));
    usage::of_ended(process, Instant::now()).await;
}

/// One batch: the claim, and for each segment the transaction that ends it.
fn script(repository: &Path) -> String {
    let statements = Statements::of(repository);
    let mut script = format!(
        "\\set round :round + 1\n\\set first (:round * {CLIENTS} + :client_id) * {BATCH}\n{};\n",
        statements.claim()
    );
    for place in 0..BATCH {
        let _ = writeln!(script, "\\set place :first + {place}\nBEGIN;");
        for statement in [statements.finish(), statements.cover(), statements.count_calls()] {
            let _ = writeln!(script, "{statement};");
        }
        script += "COMMIT;\n";
    }
    script
}

/// The text of every checked statement of the ledger.
struct Statements(Vec<String>);

impl Statements {
    fn of(repository: &Path) -> Self {
        let files = std::fs::read_dir(repository.join("shared/ledger/.sqlx")).unwrap();
        let text = |file: std::io::Result<std::fs::DirEntry>| {
            let json = std::fs::read(file.unwrap().path()).unwrap();
            let checked: serde_json::Value = serde_json::from_slice(&json).unwrap();
            checked["query"].as_str().unwrap().to_owned()
        };
        Self(files.map(text).collect())
    }

    /// The one statement that has all these words.
    fn with(&self, words: &[&str], arguments: &[&str]) -> String {
        let mut found = self
            .0
            .iter()
            .filter(|text| words.iter().all(|word| text.contains(word)));
        let text = found
            .next()
            .unwrap_or_else(|| panic!("no statement has {words:?}"));
        assert!(found.next().is_none(), "several statements have {words:?}");
        // The last first: $1 is the beginning of $10.
        let places = arguments.iter().enumerate().rev();
        places.fold(text.clone(), |text, (place, argument)| {
            text.replace(&format!("${}", place + 1), argument)
        })
    }

    fn claim(&self) -> String {
        let ids: Vec<String> = (0..BATCH)
            .map(|place| segment(&format!("(:first::bigint + {place})")))
            .collect();
        let ids = format!("ARRAY[{}]", ids.join(", "));
        let (format, crashes) = (FORMAT.to_string(), CRASHES.to_string());
        self.with(
            &["WITH free AS", "state = 'running', epoch = epoch + 1"],
            &[&ids, "'pgbench'", "'20 seconds'", &format, &crashes],
        )
    }

    fn finish(&self) -> String {
        let id = segment(":place::bigint");
        self.with(
            &["UPDATE fleet.segments", "pass = $6, state = 'done'"],
            &[&id, "1", "1", "0", "1", "1", "NULL", "0"],
        )
    }

    fn cover(&self) -> String {
        let (connection, id) = (connection(), segment(":place::bigint"));
        let day = format!("(date '1900-01-01' + (:place::bigint / {CONNECTIONS})::integer)");
        let next = format!("({day} + 1)");
        self.with(
            &["INSERT INTO fleet.coverage", "'done', $11"],
            &[
                &connection,
                "'bill'",
                "'txn_date'",
                &day,
                &next,
                "NULL",
                "NULL",
                "'complete'",
                "0",
                "NULL",
                &id,
                "NULL",
                "false",
            ],
        )
    }

    fn count_calls(&self) -> String {
        self.with(
            &["INSERT INTO fleet.api_calls AS c"],
            &[&connection(), "'bill'", "1"],
        )
    }
}

fn segment(place: &str) -> String {
    format!("lpad(to_hex({THEIRS} + {place}), 32, '0')::uuid")
}

/// The company of a place; the first one of all is not among them.
fn connection() -> String {
    format!("lpad(to_hex(:place::bigint % {CONNECTIONS} + 2), 32, '0')::uuid")
}
