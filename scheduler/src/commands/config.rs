//! `config`: shows the settings.

use ledgerfleet_config::{Origin, Settings, Shown};

use crate::cli::ConfigCommand;
use crate::exit::Exit;
use crate::session::Session;
use crate::views::settings::{Setting, WithOrigin};

pub(crate) fn run(session: &Session, command: &ConfigCommand) -> anyhow::Result<Exit> {
    let ConfigCommand::Show { origin } = command;
    let settings = with_default_database(&session.settings);
    if *origin {
        let rows: Vec<WithOrigin> = settings.iter().map(WithOrigin::of).collect();
        session.output.list(&rows)?;
    } else {
        let rows: Vec<Setting> = settings.iter().map(Setting::of).collect();
        session.output.list(&rows)?;
    }
    Ok(Exit::Done)
}

/// Where the data is when nothing says so is worth showing, too.
fn with_default_database(settings: &Settings) -> Vec<Shown> {
    let mut shown = settings.shown().to_vec();
    let database = shown.iter_mut().find(|shown| shown.key == "database_url");
    if let (Some(database), Some(path)) = (database, settings.shape.embedded_path())
        && database.value.is_empty()
    {
        database.value = format!("sqlite://{}", path.display());
        database.origin = Some(Origin::Default);
    }
    shown
}
