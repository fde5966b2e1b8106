//! Boot: from the command line to the command, and from what it answers to the exit code.

use clap::Parser;
use ledgerfleet_config::{FlagValue, Inputs, Settings};
use ledgerfleet_model::WorkerName;
use ledgerfleet_telemetry::logs::{self, Colour};
use ledgerfleet_telemetry::traces::{Identity, Traces};

use crate::cli::{Cli, Command, Global, When};
use crate::commands;
use crate::exit::{Exit, explain};
use crate::output::{Output, Talk};
use crate::session::Session;

/// Runs the program.
pub(crate) async fn run() -> Exit {
    let cli = match Cli::try_parse() {
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

async fn execute(cli: Cli, inputs: &Inputs, talk: &Talk) -> anyhow::Result<Exit> {
    if let Command::Key(command) = &cli.command {
        // What is configured may name the very key that is to be made.
        return commands::key(talk, command);
    }
    let settings = Settings::load(inputs)?;
    let colour = if talk.has_colour() {
        Colour::On
    } else {
        Colour::Off
    };
    let name = WorkerName::of_this_process("scheduler");
    let identity = Identity {
        service: "ledgerfleet-scheduler",
        instance: &name.0,
        version: env!("CARGO_PKG_VERSION"),
    };
    let traces = Traces::of(&settings.traces, identity);
    logs::install(&settings.log, &traces, colour, talk.clone())?;
    for warning in &settings.warnings {
        talk.warn(warning);
    }
    let session = Session::new(
        settings,
        Output::new(cli.global.output),
        talk.clone(),
        name,
        user(inputs),
        &cli.global,
    );
    let ended = commands::run(&session, cli.command).await;
    traces.finish().await;
    ended
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
