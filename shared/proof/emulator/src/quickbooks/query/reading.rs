//! Reading: what a statement says, as plain texts, so that those who write statements can ask this parser whether it
//! reads what they meant.

use super::parser::{Operator, Value, parse};

/// A statement as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStatement {
    /// The name after `FROM`.
    pub entity: String,
    /// The conditions in their order.
    pub conditions: Vec<ReadCondition>,
    /// The properties after `ORDERBY`.
    pub order: Vec<String>,
    /// `STARTPOSITION`.
    pub start: Option<u64>,
    /// `MAXRESULTS`.
    pub max: Option<u64>,
}

/// One condition as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCondition {
    /// The property's name.
    pub property: String,
    /// The operator's sign or word.
    pub operator: String,
    /// The value, or all of a list, without quotes and escapes.
    pub values: Vec<String>,
}

/// Reads a statement; the error is what the upstream would say.
pub fn read_statement(statement: &str) -> Result<ReadStatement, String> {
    let statement = parse(statement).map_err(|error| error.to_string())?;
    let condition = |condition: super::parser::Condition| ReadCondition {
        property: condition.property,
        operator: sign(condition.operator).to_owned(),
        values: condition.values.into_iter().map(text).collect(),
    };
    Ok(ReadStatement {
        entity: statement.entity,
        conditions: statement.conditions.into_iter().map(condition).collect(),
        order: statement.order.into_iter().map(|term| term.property).collect(),
        start: statement.start,
        max: statement.max,
    })
}

fn text(value: Value) -> String {
    match value {
        Value::Quoted(text) | Value::Bare(text) => text,
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::Greater => ">",
        Operator::AtMost => "<=",
        Operator::AtLeast => ">=",
        Operator::Like => "LIKE",
        Operator::In => "IN",
    }
}
