//! How settings are shown.

use ledgerfleet_config::Shown;
use serde::Serialize;

use crate::output::row;

/// A setting and its value.
#[derive(Serialize)]
pub(crate) struct Setting {
    setting: &'static str,
    value: String,
}

impl Setting {
    pub(crate) fn of(shown: &Shown) -> Self {
        Self {
            setting: shown.key,
            value: shown.value.clone(),
        }
    }
}

row! {
    Setting as row,
    "setting" => row.setting,
    "value" => row.value,
}

/// A setting, its value and who gave it.
#[derive(Serialize)]
pub(crate) struct WithOrigin {
    setting: &'static str,
    value: String,
    origin: String,
}

impl WithOrigin {
    pub(crate) fn of(shown: &Shown) -> Self {
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

row! {
    WithOrigin as row,
    "setting" => row.setting,
    "value" => row.value,
    "origin" => row.origin,
}
