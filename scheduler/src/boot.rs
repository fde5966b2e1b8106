//! Boot: from the command line to the command, and from what it answers to the exit code.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ColorChoice, FromArgMatches};
use ledgerfleet_config::{FlagValue, Inputs, Settings};
use ledgerfleet_model::WorkerName;
use ledgerfleet_process::{Signal, Stop, log_panics};
use ledgerfleet_telemetry::logs::{self, Colour};
use ledgerfleet_telemetry::release;
use ledgerfleet_telemetry::traces::{Identity, Traces};

use crate::cli::{self, Cli, Command, Global, KeyCommand, When};
use crate::commands;
use crate::exit::{Exit, explain};
use crate::output::{Output, Talk};
use crate::session::{Opened, Session};

/// A command that has not ended so long after a signal is stuck.
const STUCK: Duration = Duration::from_secs(3);

/// Runs the program.
pub(crate) async fn run() -> Exit {
    let cli = match parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help and version come this way too; a closed pipe is nobody's problem.
            let _ = refusal.print();
            return if refusal.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    let inputs = inputs(&cli);
    let talk = Talk::new(cli.global.quiet, colour(&cli.global, &inputs));
    match execute(cli, &inputs, &talk).await {
        Ok(exit) => exit,
        Err(error) => match explain(error.as_ref()) {
            Some(problem) => {
                talk.problem(&problem);
                problem.exit
            }
            None => Exit::Done,
        },
    }
}

/// Understands the command line. What is wrong with it, and help, obey `--color` too: that is looked for before.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let command = cli::command().color(colour_of_help(&arguments));
    let matches = command.try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn colour_of_help(arguments: &[OsString]) -> ColorChoice {
    let words = || arguments.iter().map(|argument| argument.to_string_lossy());
    let joined = words().find_map(|word| word.strip_prefix("--color=").map(str::to_owned));
    let apart = || words().zip(words().skip(1)).find(|(flag, _)| flag == "--color");
    let asked = joined.or_else(|| apart().map(|(_, when)| when.into_owned()));
    match asked.as_deref() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

async fn execute(cli: Cli, inputs: &Inputs, talk: &Talk) -> anyhow::Result<Exit> {
    match &cli.command {
        // What is configured may name the very key that is to be made.
        Command::Key(KeyCommand::Generate) => return commands::generate_key(talk),
        // What is wrong with the configuration is no matter of these.
        Command::Completions(args) => return commands::completions(args),
        Command::Man(args) => return commands::man(args),
        _ => {}
    }
    let settings = Settings::load(inputs)?;
    let log_colour = if talk.has_colour() {
        Colour::On
    } else {
        Colour::Off
    };
    let name = WorkerName::of_this_process("scheduler");
    let identity = Identity {
        service: "ledgerfleet-scheduler",
        instance: &name.0,
        version: release::VERSION,
    };
    let traces = Traces::of(&settings.traces, identity);
    logs::install(&settings.log, &traces, log_colour, talk.clone())?;
    log_panics();
    for warning in &settings.warnings {
        talk.warn(warning);
    }
    let session = Session::new(
        settings,
        Output::new(cli.global.output, colour(&cli.global, inputs), talk),
        talk.clone(),
        name,
        user(inputs),
        Stop::on_signals()?,
        &cli.global,
    );
    let ended = to_the_end(&session, cli.command).await;
    traces.finish().await;
    ended
}

/// Runs the command, and closes what it has opened, however it ends: with an answer, an error, or a signal that it does
/// not wait for itself.
async fn to_the_end(session: &Session, command: Command) -> anyhow::Result<Exit> {
    tokio::spawn(end_anyway(session.stop.clone(), session.opened.clone()));
    tokio::spawn(end_in_time(
        session.stop.clone(),
        session.opened.clone(),
        session.settings.timings.end(),
    ));
    let ended = tokio::select! {
        ended = Box::pin(commands::run(session, command)) => ended,
        signal = session.stop.unheeded() => Ok(Exit::of(signal)),
    };
    session.opened.close().await;
    ended
}

/// A command may be stuck where nothing can interrupt it, as in writing to a pipe that nobody reads.
async fn end_anyway(stop: Stop, opened: Opened) {
    let signal = stop.unheeded().await;
    tokio::time::sleep(STUCK).await;
    opened.close().await;
    std::process::exit(signal.exit_code().into());
}

/// A command that ends by itself when it is asked to may wait for a database that has gone silent.
async fn end_in_time(stop: Stop, opened: Opened, time: Duration) {
    stop.token().cancelled().await;
    tokio::time::sleep(time).await;
    tracing::warn!("something does not answer; what is left is found by rescue");
    opened.close().await;
    std::process::exit(stop.signal().map_or(1, Signal::exit_code).into());
}

/// Who uses the program, as far as the system tells.
fn user(inputs: &Inputs) -> String {
    let mut names = ["USER", "LOGNAME", "USERNAME"].into_iter();
    let told = names.find_map(|name| inputs.environment.get(name));
    told.unwrap_or("unknown").to_owned()
}

/// The environment, and the flags that are settings.
fn inputs(cli: &Cli) -> Inputs {
    let mut inputs = Inputs::of_this_process();
    inputs.config_file.clone_from(&cli.global.config);
    let level = match cli.global.verbose {
        0 if cli.global.quiet => Some("error"),
        0 => None,
        1 => Some("info"),
        _ => Some("debug"),
    };
    inputs
        .flags
        .extend(level.map(|level| flag("log.level", "-v", level)));
    if let Command::Serve(serve) = &cli.command {
        let listen = serve
            .listen
            .map(|address| flag("serve.listen", "--listen", &address.to_string()));
        inputs.flags.extend(listen);
    }
    inputs
}

fn flag(key: &'static str, flag: &'static str, value: &str) -> FlagValue {
    FlagValue {
        key,
        flag,
        value: value.to_owned(),
    }
}

/// Whether to colour; none where the terminal decides.
fn colour(global: &Global, inputs: &Inputs) -> Option<bool> {
    match global.color {
        When::Always => Some(true),
        When::Never => Some(false),
        When::Auto => inputs.environment.get("NO_COLOR").map(|_| false),
    }
}
