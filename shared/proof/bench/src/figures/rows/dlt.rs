//! The same rows by a Python extractor.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ledgerfleet_testkit::Process;

use crate::usage;
use crate::world::World;
use crate::{Bench, Reach, Values};

/// What a worker's whole way cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours {
    pub(super) seconds: f64,
    pub(super) cpu: f64,
    pub(super) memory: f64,
}

/// What the extractor did, and cost.
pub(super) struct Extracted {
    pub(super) rows: f64,
    seconds: f64,
    cpu: f64,
    memory: f64,
}

pub(super) async fn extract(bench: &Bench, python: &Path, world: &World) -> Extracted {
    let company = &world.upstream.companies[0];
    let header = world.upstream.authorization(company).await;
    let token = header.split(['\r', ' ']).nth(2).unwrap();
    let mut command = Command::new(python);
    command
        .arg(bench.repository.join("deploy/bench-dlt/extract.py"))
        .current_dir(world.folder.path())
        .env("HOME", world.folder.path())
        .env("QBO_URL", world.upstream.url())
        .env("QBO_REALM", &company.realm)
        .env("QBO_TOKEN", token)
        // It insists on a password; the server does not.
        .env(
            "DATABASE_URL",
            world.database_url().replacen("postgres@", "postgres:none@", 1),
        )
        .env("RUNTIME__DLTHUB_TELEMETRY", "false");
    let log = world.folder.path().join("dlt.log");
    let began = Instant::now();
    let process = Process::start(&mut command, &log);
    let usage = usage::of_ended(process, began).await;
    let said = std::fs::read_to_string(&log).unwrap();
    let told: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    Extracted {
        rows: told["rows"].as_f64().unwrap(),
        seconds: told["seconds"].as_f64().unwrap(),
        cpu: usage.cpu,
        memory: usage.memory,
    }
}

pub(super) fn compare(values: &mut Values, dlt: &Extracted, ours: &Ours) {
    values.put("dlt: time", dlt.seconds, "s");
    values.put("dlt: processor time", dlt.cpu, "s");
    values.put("dlt: memory at most", dlt.memory, "MiB");
    values.put("time, as a share of dlt's", ours.seconds / dlt.seconds, "");
    let (cpu, memory) = (ours.cpu / dlt.cpu, ours.memory / dlt.memory);
    values.judge("processor time, as a share of dlt's", cpu, "", Reach::AtMost(0.1));
    values.judge("memory, as a share of dlt's", memory, "", Reach::AtMost(0.2));
}
