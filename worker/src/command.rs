//! Command: from the command line to a worker that works until it is told to stop.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ledgerfleet_config::{FlagValue, Inputs, LogFormat, Settings, Shape};
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::steering::unsteered;
use ledgerfleet_model::{Timings, WorkerName};
use ledgerfleet_process::{
    Listening, Signal, Stop, banner, health_routes, log_panics, record_metrics, tell_ready,
};
use ledgerfleet_telemetry::logs::{self, Colour};
use ledgerfleet_telemetry::metrics::{self, Recorder};
use ledgerfleet_telemetry::release;
use ledgerfleet_telemetry::traces::{Identity, Traces};
use ledgerfleet_wiring::{Opening, Parts, WiringError, assemble};
use worker::{WorkerError, WorkerOptions};

/// Carries segments of a fleet: claims what is due, fetches it under the fleet's limits, and stores it. Any number of
/// workers may run, and any of them may be killed at any moment.
#[derive(Debug, Parser)]
#[command(name = "worker", version = release::version())]
struct Flags {
    /// Segments carried at once
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,

    /// Where to show /livez, /readyz and /metrics; nowhere if left out
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<SocketAddr>,

    /// A configuration file instead of ledgerfleet.toml in the working directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Logs more: -v what is done, -vv how
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Why a worker did not start, or stopped by itself.
#[derive(Debug)]
pub(crate) struct Refused {
    code: u8,
    error: Box<dyn Error>,
}

/// Exit codes, as the scheduler has them.
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const DEPENDENCY_DOWN: u8 = 5;

impl Refused {
    fn with(code: u8) -> impl FnOnce(Box<dyn Error>) -> Self {
        move |error| Self { code, error }
    }

    /// Says why, on stderr.
    pub(crate) fn report(self) -> ExitCode {
        let mut stderr = std::io::stderr();
        // Where nobody can be told, the code still tells.
        let clean = |error: &dyn Error| {
            let text = error.to_string();
            unsteered(&text, |c| (c == '\n').then_some(c)).into_owned()
        };
        let _ = writeln!(stderr, "error: {}", clean(&*self.error));
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let _ = writeln!(stderr, "  because: {}", clean(error));
            cause = error.source();
        }
        self.code.into()
    }
}

/// Runs the program.
pub(crate) async fn run() -> Result<ExitCode, Refused> {
    let settings =
        Settings::load(&inputs(Flags::parse())).map_err(|error| Refused::with(USAGE)(error.into()))?;
    let name = WorkerName::of_this_process(&host());
    let identity = Identity {
        service: "ledgerfleet-worker",
        instance: &name.0,
        version: release::VERSION,
    };
    let traces = Traces::of(&settings.traces, identity);
    logs::install(&settings.log, &traces, Colour::Off, std::io::stderr)
        .map_err(|error| Refused::with(USAGE)(error.into()))?;
    log_panics();
    let ended = start(&settings, name).await;
    traces.finish().await;
    ended
}

/// Works until it is told to stop.
async fn start(settings: &Settings, name: WorkerName) -> Result<ExitCode, Refused> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    // From the beginning: as the first process of a container, it would not be ended by a signal that nobody hears.
    let stop = Stop::on_signals().map_err(|error| Refused::with(FAILED)(error.into()))?;
    let Some(parts) = stop.token().run_until_cancelled(parts(settings)).await else {
        return Ok(told(&stop));
    };
    let parts = parts?;
    let ledger = parts.ledger.clone();
    let ended = work(settings, name, parts, &stop).await;
    ledger.close().await;
    ended.map(|()| told(&stop))
}

/// The code of the signal that ended this process.
fn told(stop: &Stop) -> ExitCode {
    stop.signal().map_or(FAILED, Signal::exit_code).into()
}

/// The environment, and the flags that are settings.
fn inputs(flags: Flags) -> Inputs {
    let mut inputs = Inputs::of_this_process();
    inputs.config_file = flags.config;
    let mut set = |key: &'static str, flag: &'static str, value: Option<String>| {
        inputs
            .flags
            .extend(value.map(|value| FlagValue { key, flag, value }));
    };
    set(
        "worker.concurrency",
        "--concurrency",
        flags.concurrency.map(|many| many.to_string()),
    );
    set(
        "worker.metrics_listen",
        "--metrics-listen",
        flags.metrics_listen.map(|at| at.to_string()),
    );
    let level = match flags.verbose {
        0 => None,
        1 => Some("info"),
        _ => Some("debug"),
    };
    set("log.level", "-v", level.map(ToOwned::to_owned));
    inputs
}

async fn parts(settings: &Settings) -> Result<Parts, Refused> {
    if let Shape::Embedded { .. } = settings.shape {
        let why = "a worker belongs to a fleet: give LEDGERFLEET_DATABASE_URL (postgres://…) and \
                   LEDGERFLEET_REDIS_URL. On one SQLite file, `scheduler serve` works by itself";
        return Err(Refused::with(USAGE)(why.into()));
    }
    let assembled = async {
        let parts = assemble(settings, Opening::Existing)
            .await?
            .keeping_in_sync(settings.sync);
        for warning in parts.accept_redis().await? {
            tracing::warn!("{warning}");
        }
        Ok(parts)
    };
    assembled.await.map_err(|error| {
        let code = match &error {
            WiringError::Ledger(cause) if cause.is_passing() => DEPENDENCY_DOWN,
            WiringError::Ledger(LedgerError::Url(_) | LedgerError::Unsuitable { .. }) => USAGE,
            WiringError::Ledger(_) | WiringError::Http(_) => FAILED,
            _ => USAGE,
        };
        Refused::with(code)(error.into())
    })
}

/// Works, stands for leader and shows itself, until told to stop.
async fn work(settings: &Settings, name: WorkerName, parts: Parts, stop: &Stop) -> Result<(), Refused> {
    let failed = |error: Box<dyn Error>| Refused::with(FAILED)(error);
    let recorder = record_metrics().map_err(|error| failed(error.into()))?;
    // Each worker tells of itself; the fleet's number is the sum.
    metrics::workers(1);
    introduce(settings, &parts).await;
    let listening = listen(settings.worker.metrics_listen).await?;
    tell_ready(stop);
    let options = WorkerOptions {
        concurrency: settings.worker.concurrency,
        name,
    };
    let leading = ledgerfleet_duties::lead(parts.duties(), options.name.clone(), stop.token().clone());
    let showing = show(listening, parts.clone(), recorder, stop);
    if let Err(error) = worker::try_keys_again(&*parts.ledger).await {
        tracing::debug!(
            error = &error as &dyn Error,
            "what was noted of the app's keys stays noted"
        );
    }
    let working = worker::run(&parts, options, stop.token().clone());
    let all = Box::pin(async { tokio::join!(working, leading, showing) });
    let (worked, (), ()) = tokio::select! {
        ended = all => ended,
        () = overdue(stop, &parts.timings) => {
            tracing::warn!("something does not answer; what is left is found by rescue");
            return Ok(());
        }
    };
    worked.map_err(|error| {
        let code = match &error {
            WorkerError::WrongMasterKey(_) => USAGE,
            WorkerError::Runtime(_) => FAILED,
        };
        Refused::with(code)(error.into())
    })
}

/// Ends when a process that was told to stop should have ended: it has finished, and the last hand-back had its time, too.
async fn overdue(stop: &Stop, timings: &Timings) {
    stop.token().cancelled().await;
    tokio::time::sleep(timings.end()).await;
}

/// The first line on stderr, whatever is logged; among lines of JSON it is an event of its own.
async fn introduce(settings: &Settings, parts: &Parts) {
    let work = format!("{} segments at once", settings.worker.concurrency);
    let version = release::version();
    let banner = banner("worker", version, &settings.shape.place(), &work, parts).await;
    match settings.log.format {
        // Where nobody can be told, it works all the same.
        LogFormat::Pretty => drop(writeln!(std::io::stderr(), "{banner}")),
        LogFormat::Json => tracing::info!("{banner}"),
    }
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<Listening>, Refused> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listening = Listening::on(address).await;
    listening.map(Some).map_err(|error| {
        let why = format!("cannot listen on {address}: {error}");
        Refused::with(FAILED)(why.into())
    })
}

async fn show(listening: Option<Listening>, parts: Parts, recorder: Recorder, stop: &Stop) {
    if let Some(listening) = listening {
        tracing::info!(address = %listening.address(), "metrics are shown");
        let routes = health_routes(&parts, recorder);
        listening.serve(routes, stop.token().clone()).await;
    }
}

/// This machine's name, which tells people where a worker runs.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "worker".to_owned()
    } else {
        name.to_owned()
    }
}
