//! A fault's specification: one rule, as JSON and as text.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kind::FaultKind;
use crate::explain::explain;

/// A fault and the requests that it strikes. Conditions that are not given fit every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// What goes wrong.
    pub fault: FaultKind,
    /// Only requests of this company, by name or realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Only requests for this entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Only requests whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests of this surface: the token endpoint for `invalid_grant`, the API for all others unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Surface>,
    /// Only the n-th request that fits, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every k-th request that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Only so many percent of the requests that fit, by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The seed of that chance.
    #[serde(default)]
    pub seed: u64,
    /// At most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// The doors of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// `/v3/company/…`
    Api,
    /// `/oauth2/v1/tokens/bearer`
    Token,
    /// One query of a batch; only faults of the kind `fault` strike it.
    BatchItem,
}

impl FaultSpec {
    /// A rule that strikes every request.
    pub fn always(fault: FaultKind) -> Self {
        Self {
            fault,
            company: None,
            entity: None,
            path: None,
            on: None,
            nth: None,
            every: None,
            percent: None,
            seed: 0,
            times: None,
        }
    }

    /// The door at which it waits.
    pub(crate) fn surface(&self) -> Surface {
        let usual = match self.fault {
            FaultKind::InvalidGrant {} => Surface::Token,
            _ => Surface::Api,
        };
        self.on.unwrap_or(usual)
    }

    /// Refuses numbers that can never strike.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        let counts = [self.nth, self.every, self.times];
        if counts.contains(&Some(0)) || self.percent.is_some_and(|percent| percent == 0 || percent > 100) {
            return Err(SpecError::Never);
        }
        let status = match self.fault {
            FaultKind::Throttle { status, .. } => status,
            FaultKind::Fault { status, .. }
            | FaultKind::ShapedFault { status, .. }
            | FaultKind::LargePage { status, .. }
            | FaultKind::Echo { status, .. }
            | FaultKind::Html { status }
            | FaultKind::Empty { status } => Some(status),
            _ => None,
        };
        match status {
            Some(status) if !(200..=599).contains(&status) => Err(SpecError::Status(status)),
            _ => Ok(()),
        }
    }
}

/// A specification that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A part without a value.
    #[error("`{0}` has no value: write KIND[=VALUE][,key=value]…, such as html=503,entity=invoice,every=5")]
    NoValue(String),
    /// An unknown kind, key or value.
    #[error("`{spec}` is no fault: {reason}")]
    Unreadable {
        /// What was given.
        spec: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A count of zero or an impossible percentage.
    #[error("nth, every and times count from 1, percent from 1 to 100")]
    Never,
    /// Not a status of a final answer.
    #[error("{0} is no status of an answer")]
    Status(u16),
}

const CONDITIONS: &[&str] = &[
    "company", "entity", "path", "on", "nth", "every", "percent", "seed", "times",
];

/// `KIND[=VALUE][,key=value]…`: the keys of the kind and of the rule side by side.
impl FromStr for FaultSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(',').map(str::trim);
        let first = parts.next().unwrap_or("");
        let (kind, value) = first
            .split_once('=')
            .map_or((first, None), |(kind, value)| (kind, Some(value)));
        let kind = kind.replace('-', "_");
        let (mut fault, mut rule) = (Map::new(), Map::new());
        if let Some(value) = value {
            let member = FaultKind::principal(&kind).ok_or_else(|| SpecError::Unreadable {
                spec: text.to_owned(),
                reason: format!("`{kind}` takes no bare value"),
            })?;
            fault.insert(member.to_owned(), literal(value));
        }
        fault.insert("kind".to_owned(), Value::String(kind));
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| SpecError::NoValue(part.to_owned()))?;
            if CONDITIONS.contains(&key) {
                let text_only = matches!(key, "company" | "entity" | "path");
                let value = if text_only {
                    Value::String(value.to_owned())
                } else {
                    literal(value)
                };
                rule.insert(key.to_owned(), value);
            } else {
                fault.insert(key.to_owned(), literal(value));
            }
        }
        rule.insert("fault".to_owned(), Value::Object(fault));
        let spec: Self =
            serde_json::from_value(Value::Object(rule)).map_err(|error| SpecError::Unreadable {
                spec: text.to_owned(),
                reason: explain(&error),
            })?;
        spec.check()?;
        Ok(spec)
    }
}

fn literal(text: &str) -> Value {
    text.parse::<u64>()
        .map_or_else(|_| Value::String(text.to_owned()), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FaultSpec, SpecError> {
        text.parse()
    }

    #[test]
    fn the_text_form_gives_the_kind_its_value_and_the_conditions() {
        let spec = read("html=503,entity=invoice,every=5,times=2,company=42").unwrap();
        assert_eq!(spec.fault, FaultKind::Html { status: 503 });
        assert_eq!((spec.every, spec.times), (Some(5), Some(2)));
        assert_eq!(spec.company.as_deref(), Some("42"));
        let drop = read("drop=after,on=token,nth=1").unwrap();
        assert_eq!(
            drop.fault,
            FaultKind::Drop {
                moment: super::super::DropMoment::After
            }
        );
        assert_eq!(drop.surface(), Surface::Token);
        assert_eq!(read("bad-gzip").unwrap().fault, FaultKind::BadGzip {});
        assert_eq!(
            read("slow=20,chunk=7").unwrap().fault,
            FaultKind::Slow { chunk: 7, millis: 20 }
        );
        assert_eq!(read("invalid_grant").unwrap().surface(), Surface::Token);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "",
            "explode",
            "html=503,colour=red",
            "bad_gzip=1",
            "html,every",
            "empty,nth=0",
            "html,percent=101",
            "html=99",
            "expired,why=1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
