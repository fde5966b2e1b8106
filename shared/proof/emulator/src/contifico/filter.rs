//! A filter: what a request asks of the records of a list, in the API's own parameters.

use chrono::NaiveDate;

use super::books::ecuador;
use super::resource::{Resource, Table, Version};
use super::switches::{BankMovementDates, ContificoSwitches, LastDay, UnknownParameters, WrongDate};

/// A documented parameter: its name, what it asks, and how its value is written.
#[derive(Debug)]
pub(super) struct Parameter(pub(super) &'static str, pub(super) Ask, pub(super) Written);

/// What a parameter asks of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    ChangedFrom,
    ChangedTo,
    ChangedOn,
    CreatedOn,
    DatedFrom,
    DatedTo,
    DatedOn,
    DueOn,
    /// The range of bank movements, of which two things are said.
    BankFrom,
    BankTo,
    Kind,
    Register,
    Standing,
    Code,
    Words,
    Identification,
    Person,
    Customer,
    Provider,
}

/// How a parameter's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Text,
    /// `dd/mm/yyyy`.
    DayFirst,
    /// `yyyy-mm-dd`.
    Iso,
    /// Either: the documentation does not say.
    Either,
}

/// What is known of a record to those who filter.
#[derive(Debug, Clone, Default)]
pub(super) struct Card {
    pub(super) date: Option<NaiveDate>,
    pub(super) due: Option<NaiveDate>,
    pub(super) created: NaiveDate,
    pub(super) changed: NaiveDate,
    pub(super) kind: &'static str,
    pub(super) register: &'static str,
    pub(super) standing: &'static str,
    pub(super) code: String,
    pub(super) words: String,
    pub(super) identification: String,
    pub(super) person: String,
    pub(super) customer: bool,
    pub(super) provider: bool,
}

/// All that a request asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    asked: Vec<(Ask, Value)>,
}

#[derive(Debug, Clone)]
enum Value {
    Day(NaiveDate),
    Text(String),
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
        (Version::V2, _) => LastDay::Included,
    };
    match value {
        Value::Day(day) if matches!(ask, Ask::DatedTo | Ask::ChangedTo) && last == LastDay::Excluded => {
            (ask, Value::Day(day.pred_opt().unwrap_or(day)))
        }
        value => (ask, value),
    }
}

impl Written {
    fn read(self, text: &str) -> Option<Value> {
        let iso = || text.parse().ok();
        let day = match self {
            Self::Text => return Some(Value::Text(text.to_owned())),
            Self::DayFirst => ecuador::read_day_first(text),
            Self::Iso => iso(),
            Self::Either => ecuador::read_day_first(text).or_else(iso),
        };
        day.map(Value::Day)
    }
}

impl Ask {
    fn fits_day(self, day: NaiveDate, card: &Card) -> bool {
        match self {
            Self::ChangedFrom => card.changed >= day,
            Self::ChangedTo => card.changed <= day,
            Self::ChangedOn => card.changed == day,
            Self::CreatedOn => card.created == day,
            Self::DatedFrom => card.date.is_some_and(|date| date >= day),
            Self::DatedTo => card.date.is_some_and(|date| date <= day),
            Self::DatedOn => card.date == Some(day),
            Self::DueOn => card.due == Some(day),
            _ => true,
        }
    }

    fn fits_text(self, text: &str, card: &Card) -> bool {
        match self {
            Self::Kind => card.kind == text,
            Self::Register => card.register == text,
            Self::Standing => card.standing == text,
            Self::Code => card.code == text,
            Self::Words => card.words.to_lowercase().contains(&text.to_lowercase()),
            Self::Identification => card.identification == text,
            Self::Person => card.person == text,
            Self::Customer => card.customer == (text == "1"),
            Self::Provider => card.provider == (text == "1"),
            _ => true,
        }
    }
}
