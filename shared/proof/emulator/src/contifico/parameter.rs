//! A parameter: what the API's names ask of a record, and how their values are written.

use chrono::NaiveDate;

use super::books::ecuador;

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

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Day(NaiveDate),
    Text(String),
}

impl Written {
    /// A value as it is written; none if it is not written so.
    pub(super) fn read(self, text: &str) -> Option<Value> {
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
    pub(super) fn fits_day(self, day: NaiveDate, card: &Card) -> bool {
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

    pub(super) fn fits_text(self, text: &str, card: &Card) -> bool {
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
