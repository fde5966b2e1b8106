//! Properties: what a statement may filter by. Only what is documented, or proven by several extractors in production,
//! is sent; for what an entity does not have in spite of that, the API answers 4001.

use super::source::{RowShape, source};
use crate::{Condition, EntityKind, EntitySpec, Test, Value};

/// Something that statements may filter by.
#[derive(Debug, PartialEq, Eq)]
struct Property {
    name: &'static str,
    kind: Kind,
}

/// What a property's values are, which decides what may be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An id, or a reference to one: only `=` and `IN`.
    Id,
    Text,
    Date,
    Instant,
    Number,
    Flag,
}

const PROPERTIES: &[Property] = &[
    Property::new("Id", Kind::Id),
    Property::new("MetaData.CreateTime", Kind::Instant),
    Property::new("MetaData.LastUpdatedTime", Kind::Instant),
    Property::new("TxnDate", Kind::Date),
    Property::new("Active", Kind::Flag),
    Property::new("DocNumber", Kind::Text),
    Property::new("CustomerRef", Kind::Id),
    Property::new("VendorRef", Kind::Id),
    Property::new("TotalAmt", Kind::Number),
    Property::new("Balance", Kind::Number),
    Property::new("DueDate", Kind::Date),
    Property::new("Name", Kind::Text),
    Property::new("DisplayName", Kind::Text),
    Property::new("FullyQualifiedName", Kind::Text),
];

impl Property {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }

    fn belongs_to(&self, entity: &EntitySpec) -> bool {
        match self.name {
            "Id" => !matches!(source(entity).rows, RowShape::Keyed(_)),
            "TxnDate" => entity.kind == EntityKind::Document,
            "Active" => source(entity).hides_inactive,
            _ => true,
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match (self.kind, value) {
            // An empty literal means "no value" to the API.
            (Kind::Id | Kind::Text, Value::Text(text)) => !text.trim().is_empty(),
            (Kind::Number, Value::Number(digits)) => is_decimal(digits),
            (Kind::Date, Value::Date(_))
            | (Kind::Instant, Value::Instant(_))
            | (Kind::Flag, Value::Flag(_)) => true,
            _ => false,
        }
    }

    fn allows(&self, test: &Test) -> bool {
        let is_measured = matches!(self.kind, Kind::Date | Kind::Instant | Kind::Number);
        match test {
            Test::Equal(value) => self.takes(value),
            Test::Less(value) | Test::Greater(value) | Test::AtMost(value) | Test::AtLeast(value) => {
                is_measured && self.takes(value)
            }
            Test::OneOf(values) => !values.is_empty() && values.iter().all(|value| self.takes(value)),
            Test::Like(pattern) => self.kind == Kind::Text && !pattern.trim().is_empty(),
        }
    }
}

/// The property's name as it is sent, if the condition is one that the API documents for this entity; else why not.
pub(super) fn checked(entity: &EntitySpec, condition: &Condition) -> Result<&'static str, String> {
    let (wanted, name) = (&condition.property, entity.upstream);
    if entity.kind == EntityKind::Single {
        return Err(format!("{name} is one record and cannot be filtered"));
    }
    let property = PROPERTIES
        .iter()
        .find(|property| property.name == wanted && property.belongs_to(entity))
        .ok_or_else(|| format!("{name} cannot be filtered by this property: {wanted:?}"))?;
    if property.allows(&condition.test) {
        Ok(property.name)
    } else {
        Err(format!(
            "{} of {name} cannot be compared in this way or with this value",
            property.name
        ))
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}
