//! Commands: one file each, and a folder for each noun that has several.

pub(crate) mod api_key;
mod audit;
mod backfill;
mod backup;
mod completions;
mod config;
pub(crate) mod connection;
mod coverage;
#[cfg(feature = "demo")]
mod demo;
mod dlq;
mod doctor;
mod entities;
pub(crate) mod estimate;
mod key;
mod key_rotate;
mod migrate;
pub(crate) mod model;
pub(crate) mod quota;
mod records;
mod run;
mod serve;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod trigger;
pub(crate) mod verify;

use crate::cli::{Command, KeyCommand};
use crate::exit::Exit;
use crate::session::Session;
pub(crate) use completions::{completions, man};
pub(crate) use key::generate as generate_key;

/// Runs a command to its end.
pub(crate) async fn run(session: &Session, command: Command) -> anyhow::Result<Exit> {
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(session, &args).await,
        Command::Status => status::run(session).await,
        Command::Entities(args) => entities::run(session, &args),
        Command::Migrate => migrate::run(session).await,
        Command::Connection(command) => connection::run(session, command).await,
        Command::Backfill(args) => backfill::run(session, &args).await,
        Command::Sync(args) => sync::run(session, &args).await,
        Command::Trigger(command) => trigger::run(session, command).await,
        Command::Run(command) => run::run(session, command).await,
        Command::Records(args) => records::run(session, args).await,
        Command::Coverage(args) => coverage::run(session, &args).await,
        Command::Dlq(command) => dlq::run(session, command).await,
        Command::Verify(args) => verify::run(session, &args).await,
        Command::Quota(args) => quota::run(session, &args).await,
        Command::Model(command) => model::run(session, command).await,
        Command::ApiKey(command) => api_key::run(session, command).await,
        Command::Backup(args) => backup::run(session, &args).await,
        Command::Audit(args) => audit::run(session, &args).await,
        Command::Serve(args) => serve::run(session, &args).await,
        Command::Doctor => doctor::run(session).await,
        Command::Config(command) => config::run(session, &command),
        Command::Key(KeyCommand::Generate) => generate_key(&session.talk),
        Command::Key(KeyCommand::Rotate) => key_rotate::run(session).await,
        Command::Completions(args) => completions(&args),
        Command::Man(args) => man(&args),
    }
}
