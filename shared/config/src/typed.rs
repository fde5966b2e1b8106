//! Typed: the text of a value, read as what it stands for, or refused with what it takes.

use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::durations::parse_duration;
use crate::options::OPTIONS;
use crate::values::{Given, Values};
use crate::{ConfigError, Origin};

impl Values {
    /// Its text, unless it is empty.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        self.get(key)
            .map(|given| given.text.clone())
            .filter(|text| !text.is_empty())
    }

    pub(crate) fn secret(&self, key: &'static str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    /// The value of an option without a default, read as `T`.
    pub(crate) fn optional<T: FromStr>(
        &self,
        key: &'static str,
        expected: &str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.get(key) else {
            return Ok(None);
        };
        given
            .text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| invalid(key, given, expected))
    }

    /// The value of an option with a default, read as `T`.
    pub(crate) fn number<T: FromStr>(&self, key: &'static str, expected: &str) -> Result<T, ConfigError> {
        self.optional(key, expected)?.ok_or_else(|| missing(key))
    }

    pub(crate) fn duration(&self, key: &'static str) -> Result<Duration, ConfigError> {
        let given = self.get(key).ok_or_else(|| missing(key))?;
        parse_duration(given.text.trim())
            .filter(|duration| !duration.is_zero())
            .ok_or_else(|| invalid(key, given, "it takes a duration such as 500ms, 20s, 5m or 24h"))
    }

    /// An interval of an hour or more; zero is never.
    pub(crate) fn duration_or_never(&self, key: &'static str) -> Result<Duration, ConfigError> {
        let given = self.get(key).ok_or_else(|| missing(key))?;
        parse_duration(given.text.trim())
            .filter(|every| every.is_zero() || *every >= Duration::from_hours(1))
            .ok_or_else(|| {
                invalid(
                    key,
                    given,
                    "it takes an interval of an hour or more, or 0s for never",
                )
            })
    }
}

pub(crate) fn invalid(key: &'static str, given: &Given, expected: &str) -> ConfigError {
    let secret = OPTIONS.iter().any(|option| option.key == key && option.secret);
    // What stands before an `@` of an address may be a password.
    let shown = given.text.rsplit('@').next().unwrap_or_default();
    let value = if secret { "…" } else { shown }.to_owned();
    ConfigError::Invalid {
        key,
        value,
        origin: given.origin.clone(),
        expected: expected.to_owned(),
    }
}

fn missing(key: &'static str) -> ConfigError {
    let expected = "it must have a value".to_owned();
    ConfigError::Invalid {
        key,
        value: String::new(),
        origin: Origin::Default,
        expected,
    }
}

/// Refuses what was given unless `holds`.
pub(crate) fn check(
    values: &Values,
    key: &'static str,
    holds: bool,
    expected: &str,
) -> Result<(), ConfigError> {
    match values.get(key) {
        Some(given) if !holds => Err(invalid(key, given, expected)),
        _ => Ok(()),
    }
}
