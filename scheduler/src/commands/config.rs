//! `config`: shows the settings.

use ledgerfleet_config::{Origin, Settings, Shown};
use serde::Serialize;

use crate::cli::ConfigCommand;
use crate::exit::Exit;
use crate::output::Row;
use crate::session::Session;

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

#[derive(Serialize)]
struct Setting {
    setting: &'static str,
    value: String,
}

impl Setting {
    fn of(shown: &Shown) -> Self {
        Self {
            setting: shown.key,
            value: shown.value.clone(),
        }
    }
}

impl Row for Setting {
    const COLUMNS: &'static [&'static str] = &["setting", "value"];

    fn cells(&self) -> Vec<String> {
        vec![self.setting.to_owned(), self.value.clone()]
    }
}

#[derive(Serialize)]
struct WithOrigin {
    setting: &'static str,
    value: String,
    origin: String,
}

impl WithOrigin {
    fn of(shown: &Shown) -> Self {
        let origin = shown
            .origin
            .as_ref()
            .map_or_else(|| "not set".to_owned(), ToString::to_string);
        Self {
            setting: shown.key,
            value: shown.value.clone(),
            origin,
        }
    }
}

impl Row for WithOrigin {
    const COLUMNS: &'static [&'static str] = &["setting", "value", "origin"];

    fn cells(&self) -> Vec<String> {
        vec![self.setting.to_owned(), self.value.clone(), self.origin.clone()]
    }
}
