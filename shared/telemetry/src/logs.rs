//! Logs: where `tracing` events go.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Mutex;

use ledgerfleet_config::{LogFormat, LogSettings};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::traces::{Traces, is_ours};
use clean::{Clean, Lines};

mod clean;

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error(
        "`{level}` is no log level; use error, warn, info, debug, trace or directives such as info,worker=debug"
    )]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// The file cannot be written.
    #[error("the log file {path} cannot be opened", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Logs were installed before.
    #[error("logs are already set up in this process")]
    Twice,
}

/// How log lines on a terminal look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With colour.
    On,
    /// Without; always so in a file.
    Off,
}

/// Sends events to the configured file, or else to `stderr`, which the caller passes because it may share the
/// terminal with progress bars; and spans to `traces`.
pub fn install<W>(settings: &LogSettings, traces: &Traces, colour: Colour, stderr: W) -> Result<(), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter(&settings.level)?;
    let colour = colour == Colour::On && settings.file.is_none();
    let writer = match &settings.file {
        Some(path) => BoxMakeWriter::new(Mutex::new(open(path)?)),
        None => BoxMakeWriter::new(stderr),
    };
    let lines = match settings.format {
        LogFormat::Json => Lines::Json,
        LogFormat::Pretty if colour => Lines::Coloured,
        LogFormat::Pretty => Lines::Plain,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Clean { lines, writer })
        .with_ansi(colour);
    let lines = match settings.format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let no_traces = filter_fn(|metadata| !is_ours(metadata)).with_max_level_hint(LevelFilter::TRACE);
    let lines = tracing_subscriber::registry().with(lines.with_filter(filter.and(no_traces)));
    // Not `.with(None)`: a layer that is not there still makes every span and event that nobody wants be asked about.
    let installed = match traces.layer() {
        Some(spans) => lines.with(spans).try_init(),
        None => lines.try_init(),
    };
    installed.map_err(|_| LogError::Twice)?;
    traces.report();
    Ok(())
}

/// Libraries whose chatter at `info` and below says nothing about our work.
const CHATTY: &str =
    "sqlx=error,sqlx_core=error,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,h2=warn,tower=warn";

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let is_level = ["info", "debug", "trace"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(level));
    let directives = if is_level {
        format!("{level},{CHATTY}")
    } else {
        level.to_owned()
    };
    EnvFilter::try_new(directives).map_err(|source| LogError::Level {
        level: level.to_owned(),
        source,
    })
}

fn open(path: &PathBuf) -> Result<File, LogError> {
    // An error shows when the file is opened.
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    directory.map(std::fs::create_dir_all);
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|source| LogError::File {
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_keeps_libraries_quiet_and_directives_are_taken_as_they_are() {
        assert!(filter("debug").unwrap().to_string().contains("sqlx=error"));
        assert_eq!(filter("worker=trace").unwrap().to_string(), "worker=trace");
        assert!(matches!(filter("worker=loud"), Err(LogError::Level { .. })));
    }
}
