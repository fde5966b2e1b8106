//! Condition: what records must fulfil to be found. Values are bound: a connector writes them so that no text can end
//! its own literal.

use chrono::{DateTime, NaiveDate, Utc};

/// One condition on one property of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The property in the upstream's own spelling: `TxnDate`, `MetaData.CreateTime`. A connector knows which there are.
    pub property: String,
    /// What its value must be.
    pub test: Test,
}

/// What a property's value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// This.
    Equal(Value),
    /// Before or below this.
    Less(Value),
    /// After or above this.
    Greater(Value),
    /// Not after or above this.
    AtMost(Value),
    /// Not before or below this.
    AtLeast(Value),
    /// One of these.
    OneOf(Vec<Value>),
    /// A text of this pattern, in which `%` stands for any text.
    Like(String),
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text from anywhere.
    Text(String),
    /// A calendar date, without a zone.
    Date(NaiveDate),
    /// An instant, always sent with its offset.
    Instant(DateTime<Utc>),
    /// A decimal number in digits: `-12.50`. Never a float: money would not survive it.
    Number(String),
    /// True or false.
    Flag(bool),
}

impl Condition {
    /// A condition on `property`.
    pub fn new(property: impl Into<String>, test: Test) -> Self {
        Self {
            property: property.into(),
            test,
        }
    }

    /// The records with these ids, by the property that holds them.
    pub fn one_of<T: Into<String>>(property: &str, texts: impl IntoIterator<Item = T>) -> Self {
        let values = texts.into_iter().map(|text| Value::Text(text.into()));
        Self::new(property, Test::OneOf(values.collect()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
