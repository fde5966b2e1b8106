//! Start: how long a process takes until it is ready, and what it costs while it has nothing to do.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::FutureExt;
use ledgerfleet_testkit::Process;
use tokio::time::sleep;

use super::rows::invoices;
use crate::figure::nothing;
use crate::http::Client;
use crate::world::{Ground, Limits, World};
use crate::{Bench, Case, Figure, Reach, Times, Values};

pub(super) const FIGURE: Figure = Figure {
    name: "start",
    title: "Start and rest",
    about: "From the start of the process (its binary in the file cache, the schema up to date) to the first `/readyz` that \
            answers 200, asked every millisecond; what it holds in memory, and the processor time it has used, ten seconds \
            after that; the size of the stripped binary.",
    cases: &[Case {
        name: "processes",
        times: Times::Repeated,
        measure: |bench| measure(bench).boxed_local(),
    }],
    side_by_side: 1,
    derive: nothing,
};

/// How long a process without work is watched.
const REST: Duration = Duration::from_secs(10);

async fn measure(bench: &Bench) -> Values {
    let world = World::new(
        bench,
        &Ground {
            books: invoices("small", 1),
            limits: Limits::Own,
        },
    )
    .await;
    let rest = bench.of(REST, Duration::from_millis(100));
    let mut values = Values::default();
    for (name, program, arguments) in [
        ("worker", bench.programs.worker(), ["--metrics-listen"].as_slice()),
        (
            "scheduler serve",
            bench.programs.scheduler(),
            &["serve", "--listen"],
        ),
    ] {
        let (seconds, process) = ready(&world, name, &program, arguments).await;
        sleep(rest).await;
        values.judge(
            format!("{name}: to ready"),
            seconds * 1e3,
            "ms",
            Reach::AtMost(200.0),
        );
        values.put(
            format!("{name}: memory at rest"),
            process.memory() as f64 / 1024.0,
            "MiB",
        );
        values.put(
            format!("{name}: processor time by then"),
            process.cpu().as_secs_f64() * 1e3,
            "ms",
        );
        values.put(
            format!("{name}: binary"),
            std::fs::metadata(&program).unwrap().len() as f64 / 1024.0 / 1024.0,
            "MiB",
        );
    }
    values
}

async fn ready(world: &World, name: &str, program: &Path, arguments: &[&str]) -> (f64, Process) {
    let address = free_address();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(address.to_string())
        .current_dir(world.folder.path())
        .env_clear()
        .envs(world.variables.iter().map(|(name, value)| (name, value)));
    let began = Instant::now();
    let mut process = Process::start(&mut command, &world.folder.path().join(format!("{name}.log")));
    while !is_ready(address).await {
        assert!(process.ended().is_none(), "{}", process.log());
        sleep(Duration::from_millis(1)).await;
    }
    (began.elapsed().as_secs_f64(), process)
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(address).await else {
        return false;
    };
    client
        .get("/readyz", "")
        .await
        .is_ok_and(|answer| answer.status == 200)
}

/// A port that nobody listens on now.
fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
