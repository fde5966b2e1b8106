//! A filter: what a request asks of the records of a list, in the API's own parameters.

use chrono::NaiveDate;

use super::parameter::{Ask, Card, Parameter, Value};
use super::resource::{Resource, Table, Version};
use super::switches::{BankMovementDates, ContificoSwitches, LastDay, UnknownParameters, WrongDate};

/// All that a request asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    asked: Vec<(Ask, Value)>,
}

/// A parameter that cannot be meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misread {
    Date(String),
    Unknown(String),
}

/// Parameters that every list knows, and that are no filters.
const PAGING: &[&str] = &["page", "page_size", "result_size", "result_page", "pos"];

impl Filter {
    /// Reads what a resource knows under a version and passes over the rest.
    pub(super) fn read(
        resource: &Resource,
        version: Version,
        parameters: &[(String, String)],
        switches: &ContificoSwitches,
    ) -> Result<Self, Misread> {
        let known = resource.side(version).map_or(&[][..], |side| side.parameters);
        let mut asked = Vec::new();
        for (name, value) in parameters {
            let Some(Parameter(_, ask, written)) = known.iter().find(|Parameter(known, ..)| known == name)
            else {
                if switches.unknown_parameters == UnknownParameters::Refused
                    && !PAGING.contains(&name.as_str())
                {
                    return Err(Misread::Unknown(name.clone()));
                }
                continue;
            };
            match (written.read(value), switches.wrong_date) {
                // An empty value asks nothing.
                _ if value.is_empty() => {}
                (Some(value), _) => asked.push(meant(*ask, value, resource.table, version, switches)),
                (None, WrongDate::Refused) => return Err(Misread::Date(value.clone())),
                (None, WrongDate::Ignored) => {}
            }
        }
        if let Some(register) = resource.register {
            asked.push((Ask::Register, Value::Text(register.to_owned())));
        }
        Ok(Self { asked })
    }

    /// Whether it asks nothing.
    pub(super) fn is_open(&self) -> bool {
        self.asked.is_empty()
    }

    /// The documents' dates that it leaves, both included.
    pub(super) fn dates(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let day = |wanted: Ask| {
            self.asked.iter().find_map(|(ask, value)| match value {
                Value::Day(day) if *ask == wanted => Some(*day),
                _ => None,
            })
        };
        let on = day(Ask::DatedOn);
        (on.or(day(Ask::DatedFrom)), on.or(day(Ask::DatedTo)))
    }

    pub(super) fn fits(&self, card: &Card) -> bool {
        self.asked.iter().all(|(ask, value)| match value {
            Value::Day(day) => ask.fits_day(*day, card),
            Value::Text(text) => ask.fits_text(text, card),
        })
    }
}

/// The question behind a parameter, where the switches decide what it means.
fn meant(
    ask: Ask,
    value: Value,
    table: Table,
    version: Version,
    switches: &ContificoSwitches,
) -> (Ask, Value) {
    let ask = match (ask, switches.bank_movement_dates) {
        (Ask::BankFrom, BankMovementDates::Emission) => Ask::DatedFrom,
        (Ask::BankTo, BankMovementDates::Emission) => Ask::DatedTo,
        (Ask::BankFrom, BankMovementDates::Modification) => Ask::ChangedFrom,
        (Ask::BankTo, BankMovementDates::Modification) => Ask::ChangedTo,
        _ => ask,
    };
    let last = match (version, table) {
        (Version::V1, _) => switches.v1_last_day,
        (Version::V2, Table::Movements) => switches.v2_movement_last_day,
        (Version::V2, Table::Journals) => switches.v2_journal_last_day,
        (Version::V2, _) => LastDay::Included,
    };
    match value {
        Value::Day(day) if matches!(ask, Ask::DatedTo | Ask::ChangedTo) && last == LastDay::Excluded => {
            (ask, Value::Day(day.pred_opt().unwrap_or(day)))
        }
        value => (ask, value),
    }
}
