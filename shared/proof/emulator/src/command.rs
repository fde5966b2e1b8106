//! The command: the emulator's flags and its life as a process.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::NaiveDate;
use clap::Parser;

use crate::emulator::{Emulator, StartError};
use crate::faults::FaultSpec;
use crate::options::{CompanySpec, EmulatorOptions, Rate};
use crate::switches::{SwitchError, SwitchSetting};

/// The upstream APIs as a local server that knows the truth.
#[derive(Debug, Parser)]
#[command(name = "emulator", version)]
pub struct Command {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8401")]
    listen: SocketAddr,
    /// Books, keys, realms and first tokens are a function of this.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Days of documents, counted back from --as-of.
    #[arg(long, value_name = "N", default_value_t = EmulatorOptions::DAYS)]
    days: u32,
    /// The last day of the books.
    #[arg(long, value_name = "DATE", default_value_t = EmulatorOptions::AS_OF)]
    as_of: NaiveDate,
    /// A company: [NAME=]small|medium|large and any of :us :ca :sandbox :production :simple_start :essentials :plus
    /// :multicurrency, or :contifico; may be given again.
    #[arg(long = "company", value_name = "COMPANY")]
    companies: Vec<CompanySpec>,
    /// What a company admits: upstream's own limits, none, or N/s.
    #[arg(long, value_name = "enforce|off|N/s", default_value = "enforce")]
    rate: Rate,
    /// A fault from the start: KIND[=VALUE][,key=value]…; may be given again.
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<FaultSpec>,
    /// A switch: NAME=VALUE, such as cdc_cap=per_entity; may be given again.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    switches: Vec<SwitchSetting>,
    /// Milliseconds that every API answer takes at least.
    #[arg(long, value_name = "MILLIS", default_value_t = 0)]
    latency: u64,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The emulator did not start.
    #[error("the emulator cannot start")]
    Start(#[source] StartError),
    /// Two switches that do not go together.
    #[error("the switches cannot be set")]
    Switch(#[source] SwitchError),
    /// Nobody reads its address.
    #[error("the address cannot be printed")]
    Print(#[source] std::io::Error),
    /// Signals cannot be awaited.
    #[error("signals cannot be awaited")]
    Signal(#[source] std::io::Error),
}

impl Command {
    /// Runs until it is told to stop; its address is the one line on stdout.
    pub async fn run(self) -> Result<(), CommandError> {
        let emulator = Emulator::start(self.options().map_err(CommandError::Switch)?)
            .await
            .map_err(CommandError::Start)?;
        // Before the address is known: whoever has read it may send the signal at once.
        let stop = stop_signal().map_err(CommandError::Signal)?;
        writeln!(std::io::stdout(), "{}", emulator.url()).map_err(CommandError::Print)?;
        stop.await;
        emulator.shutdown().await;
        Ok(())
    }

    fn options(self) -> Result<EmulatorOptions, SwitchError> {
        let defaults = EmulatorOptions::default();
        let switches = self
            .switches
            .iter()
            .try_fold(defaults.switches, |switches, setting| setting.on(switches))?;
        Ok(EmulatorOptions {
            listen: self.listen,
            seed: self.seed,
            days: self.days,
            as_of: self.as_of,
            companies: if self.companies.is_empty() {
                defaults.companies
            } else {
                self.companies
            },
            rate: self.rate,
            faults: self.faults,
            latency: Duration::from_millis(self.latency),
            switches,
            clock: defaults.clock,
        })
    }
}

/// Listens from now on; what it returns is over when one of the signals has come.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
