//! Values: numbers that were measured, and those to reach.

use serde::{Deserialize, Serialize};

/// A number to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Reach {
    /// Whether a value reaches it.
    pub fn is_reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// What it is.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what; empty for a ratio or a count.
    pub unit: String,
    /// The number to reach, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// The numbers of one measurement, in the order in which they are told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub Vec<Value>);

impl Values {
    /// Adds a number.
    pub fn put(&mut self, name: impl Into<String>, value: f64, unit: &str) {
        self.0.push(Value {
            name: name.into(),
            value,
            unit: unit.to_owned(),
            reach: None,
        });
    }

    /// Adds a number that has something to reach.
    pub fn judge(&mut self, name: impl Into<String>, value: f64, unit: &str, reach: Reach) {
        self.put(name, value, unit);
        if let Some(last) = self.0.last_mut() {
            last.reach = Some(reach);
        }
    }

    /// Adds those of another measurement.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// A number by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|value| value.name == name)
            .map(|value| value.value)
    }
}
