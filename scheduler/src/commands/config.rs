//! `config`: shows the settings.

use ledgerfleet_config::Shown;
use serde::Serialize;

use crate::cli::ConfigCommand;
use crate::exit::Exit;
use crate::output::Row;
use crate::session::Session;

pub(crate) fn run(session: &Session, command: &ConfigCommand) -> anyhow::Result<Exit> {
    let ConfigCommand::Show { origin } = command;
    let settings = session.settings.shown();
    if *origin {
        let rows: Vec<WithOrigin> = settings.iter().map(WithOrigin::of).collect();
        session.output.list(&rows)?;
    } else {
        let rows: Vec<Setting> = settings.iter().map(Setting::of).collect();
        session.output.list(&rows)?;
    }
    Ok(Exit::Done)
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
