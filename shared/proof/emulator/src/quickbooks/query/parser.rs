//! The parser: a statement as it is written, before anybody knows what its names mean.

use super::QueryError;
use super::lexer::{Token, TokenKind, tokens};

/// `SELECT … FROM … [WHERE …] [ORDERBY …] [STARTPOSITION n] [MAXRESULTS n]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) columns: Columns,
    pub(super) entity: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<Order>,
    pub(super) start: Option<u64>,
    pub(super) max: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Columns {
    Count,
    /// `*`, and whatever is named beside it.
    All(Vec<String>),
    Named(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) operator: Operator,
    /// One, or the list of an `IN`.
    pub(super) values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Like,
    In,
}

/// A value as it stands there, quoted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Quoted(String),
    Bare(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) property: String,
    pub(super) direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

pub(super) fn parse(statement: &str) -> Result<Statement, QueryError> {
    let mut reader = Reader {
        tokens: tokens(statement)?,
        next: 0,
    };
    let statement = reader.statement()?;
    match reader.tokens.get(reader.next) {
        None => Ok(statement),
        Some(_) => Err(reader.unexpected("<EOF>")),
    }
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
}

impl Reader {
    fn statement(&mut self) -> Result<Statement, QueryError> {
        self.expect("SELECT")?;
        let columns = self.columns()?;
        self.expect("FROM")?;
        let entity = self.word("an entity")?;
        let conditions = if self.accept("WHERE") {
            self.conditions()?
        } else {
            Vec::new()
        };
        let ordered = self.accept("ORDERBY") || self.accept_both("ORDER", "BY");
        let order = if ordered { self.order()? } else { Vec::new() };
        let start = if self.accept("STARTPOSITION") {
            Some(self.number()?)
        } else {
            None
        };
        let max = if self.accept("MAXRESULTS") {
            Some(self.number()?)
        } else {
            None
        };
        Ok(Statement {
            columns,
            entity,
            conditions,
            order,
            start,
            max,
        })
    }

    fn columns(&mut self) -> Result<Columns, QueryError> {
        if self.take(&TokenKind::Star) {
            let mut beside = Vec::new();
            while self.take(&TokenKind::Comma) {
                beside.push(self.word("a column")?);
            }
            return Ok(Columns::All(beside));
        }
        let first = self.word("a column")?;
        if first.eq_ignore_ascii_case("count") && self.take(&TokenKind::Open) {
            self.need(&TokenKind::Star, "*")?;
            self.need(&TokenKind::Close, ")")?;
            return Ok(Columns::Count);
        }
        let mut named = vec![first];
        while self.take(&TokenKind::Comma) {
            if self.take(&TokenKind::Star) {
                return Ok(Columns::All(named));
            }
            named.push(self.word("a column")?);
        }
        Ok(Columns::Named(named))
    }

    fn conditions(&mut self) -> Result<Vec<Condition>, QueryError> {
        let mut conditions = vec![self.condition()?];
        while self.accept("AND") {
            conditions.push(self.condition()?);
        }
        Ok(conditions)
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let property = self.word("a property")?;
        let operator = self.operator()?;
        let values = if operator == Operator::In {
            self.list()?
        } else {
            vec![self.value()?]
        };
        Ok(Condition {
            property,
            operator,
            values,
        })
    }

    fn operator(&mut self) -> Result<Operator, QueryError> {
        if self.accept("IN") {
            return Ok(Operator::In);
        }
        if self.accept("LIKE") {
            return Ok(Operator::Like);
        }
        let Some(Token {
            kind: TokenKind::Operator(sign),
            ..
        }) = self.tokens.get(self.next)
        else {
            return Err(self.unexpected("an operator"));
        };
        let operator = match *sign {
            "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            ">" => Operator::Greater,
            "<=" => Operator::AtMost,
            _ => Operator::AtLeast,
        };
        self.next += 1;
        Ok(operator)
    }

    fn list(&mut self) -> Result<Vec<Value>, QueryError> {
        self.need(&TokenKind::Open, "(")?;
        let mut values = vec![self.value()?];
        while self.take(&TokenKind::Comma) {
            values.push(self.value()?);
        }
        self.need(&TokenKind::Close, ")")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Value, QueryError> {
        let value = match self.tokens.get(self.next).map(|token| &token.kind) {
            Some(TokenKind::Text(text)) => Value::Quoted(text.clone()),
            Some(TokenKind::Word(word)) => Value::Bare(word.clone()),
            _ => return Err(self.unexpected("a value")),
        };
        self.next += 1;
        Ok(value)
    }

    fn order(&mut self) -> Result<Vec<Order>, QueryError> {
        let mut order = vec![self.order_term()?];
        while self.take(&TokenKind::Comma) {
            order.push(self.order_term()?);
        }
        Ok(order)
    }

    fn order_term(&mut self) -> Result<Order, QueryError> {
        let property = self.word("a property")?;
        let descending = self.accept("DESC");
        if !descending {
            self.accept("ASC");
        }
        let direction = if descending {
            Direction::Descending
        } else {
            Direction::Ascending
        };
        Ok(Order { property, direction })
    }

    fn number(&mut self) -> Result<u64, QueryError> {
        let number = match self.tokens.get(self.next).map(|token| &token.kind) {
            Some(TokenKind::Word(text) | TokenKind::Text(text)) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected("a number"))?;
        self.next += 1;
        Ok(number)
    }

    fn word(&mut self, wanted: &str) -> Result<String, QueryError> {
        let Some(Token {
            kind: TokenKind::Word(word),
            ..
        }) = self.tokens.get(self.next)
        else {
            return Err(self.unexpected(wanted));
        };
        let word = word.clone();
        self.next += 1;
        Ok(word)
    }

    fn expect(&mut self, word: &str) -> Result<(), QueryError> {
        if self.accept(word) {
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    fn need(&mut self, kind: &TokenKind, shown: &str) -> Result<(), QueryError> {
        if self.take(kind) {
            Ok(())
        } else {
            Err(self.unexpected(shown))
        }
    }

    fn accept(&mut self, word: &str) -> bool {
        let accepted = self.is_word(self.next, word);
        self.next += usize::from(accepted);
        accepted
    }

    fn accept_both(&mut self, first: &str, second: &str) -> bool {
        let accepted = self.is_word(self.next, first) && self.is_word(self.next + 1, second);
        self.next += if accepted { 2 } else { 0 };
        accepted
    }

    fn is_word(&self, at: usize, wanted: &str) -> bool {
        let kind = self.tokens.get(at).map(|token| &token.kind);
        matches!(kind, Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let taken = self
            .tokens
            .get(self.next)
            .is_some_and(|token| token.kind == *kind);
        self.next += usize::from(taken);
        taken
    }

    fn unexpected(&self, wanted: &str) -> QueryError {
        let (found, column) = match self.tokens.get(self.next) {
            None => (
                "<EOF>".to_owned(),
                self.tokens.last().map_or(1, |token| token.column + 1),
            ),
            Some(token) => (shown(&token.kind), token.column),
        };
        QueryError::Parse(format!(
            "Encountered \"{found}\" at line 1, column {column}. Was expecting: {wanted}"
        ))
    }
}

fn shown(kind: &TokenKind) -> String {
    match kind {
        TokenKind::Word(word) => word.clone(),
        TokenKind::Text(text) => format!("'{text}'"),
        TokenKind::Operator(sign) => (*sign).to_owned(),
        TokenKind::Comma => ",".to_owned(),
        TokenKind::Open => "(".to_owned(),
        TokenKind::Close => ")".to_owned(),
        TokenKind::Star => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests;
