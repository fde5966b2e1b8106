//! Binding: a statement's names become properties, its literals values, and its windows bounds.

use std::collections::BTreeSet;

use chrono::Days;

use super::QueryError;
use super::parser::{Columns, Direction, Operator, Statement};
use super::test::{Demand, Setting, Test};
use crate::books::bounds::{Bounds, Span};
use crate::books::entity::{Asking, Entity};
use crate::books::property::{Lookup, Property};
use crate::books::scalar::{Kind, Scalar};
use crate::switches::{Acceptance, Count, OrderByDate, OrderById, OverCap, StartZero, Switches};

/// A statement that can be run.
pub(super) struct Query {
    pub(super) projection: Projection,
    /// What the order of ordinals answers …
    pub(super) bounds: Bounds,
    /// … and what has to be held against each record.
    pub(super) tests: Vec<Test>,
    pub(super) order: Vec<(Property, Direction)>,
    /// From 1.
    pub(super) start: u64,
    pub(super) max: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Projection {
    Count,
    /// The record as it is written.
    Whole,
    /// Only these of its members.
    Members(Vec<String>),
    /// All of its members but these.
    Without(Vec<&'static str>),
}

const DEFAULT_RESULTS: u64 = 100;
const MOST_RESULTS: u64 = 1_000;

pub(super) fn bind(
    entity: &'static Entity,
    statement: &Statement,
    setting: Setting,
) -> Result<Query, QueryError> {
    check_asking(entity, statement)?;
    check_count(statement, &setting.switches)?;
    check_order(statement, &setting.switches)?;
    let mut tests = Vec::new();
    for condition in &statement.conditions {
        tests.push(Test::new(
            property(entity, &condition.property)?,
            condition,
            setting,
        )?);
    }
    if !tests.iter().any(|test| test.property.name == "Active") {
        tests.extend(active_only(entity));
    }
    let mut order = Vec::new();
    for term in &statement.order {
        let property = property(entity, &term.property)?;
        if sorts(&property, &setting.switches)? {
            order.push((property, term.direction));
        }
    }
    let (bounds, tests) = bounded(tests);
    Ok(Query {
        projection: projection(entity, &statement.columns)?,
        bounds,
        tests,
        order,
        start: start(statement, setting)?,
        max: max(statement, setting)?,
    })
}

/// Refuses what this entity cannot be asked at all.
fn check_asking(entity: &'static Entity, statement: &Statement) -> Result<(), QueryError> {
    let plain = statement.conditions.is_empty() && statement.columns != Columns::Count;
    let ordered = !statement.order.is_empty();
    let complaint = match entity.asking {
        Asking::Bare if ordered || !plain => "filtered, ordered or counted",
        Asking::Unordered if ordered => "ordered",
        _ => return Ok(()),
    };
    Err(QueryError::Validation(format!(
        "Entity {} cannot be {complaint}",
        entity.api
    )))
}

fn check_count(statement: &Statement, switches: &Switches) -> Result<(), QueryError> {
    if statement.columns == Columns::Count && switches.count == Count::Refused {
        return Err(QueryError::Parse(
            "Encountered \"count\". Was expecting: \"*\"".to_owned(),
        ));
    }
    Ok(())
}

fn check_order(statement: &Statement, switches: &Switches) -> Result<(), QueryError> {
    if !statement.order.is_empty() && switches.order == Acceptance::Refused {
        return Err(QueryError::Validation(
            "a query cannot be ordered any more".to_owned(),
        ));
    }
    Ok(())
}

/// Whether a property sorts; an id does only as long as upstream lets it.
fn sorts(property: &Property, switches: &Switches) -> Result<bool, QueryError> {
    match switches.order_by_date {
        OrderByDate::Ignored if property.name == "TxnDate" => return Ok(false),
        OrderByDate::Refused if property.name == "TxnDate" => {
            return Err(QueryError::Validation(
                "property 'TxnDate' is not sortable".to_owned(),
            ));
        }
        _ => {}
    }
    match switches.order_by_id {
        OrderById::Refused if property.name == "Id" => {
            Err(QueryError::Validation("property 'Id' is not sortable".to_owned()))
        }
        OrderById::Ignored => Ok(property.name != "Id"),
        _ => Ok(true),
    }
}

fn property(entity: &'static Entity, name: &str) -> Result<Property, QueryError> {
    match entity.lookup(name) {
        Lookup::Queryable(property) => Ok(property),
        Lookup::NotQueryable => Err(QueryError::Validation(format!(
            "property '{name}' is not queryable"
        ))),
        Lookup::Unknown => Err(QueryError::Validation(format!(
            "Property {name} not found for Entity {}",
            entity.api
        ))),
    }
}

/// Upstream hides inactive names from those who do not ask about them.
fn active_only(entity: &'static Entity) -> Option<Test> {
    match entity.lookup("Active") {
        Lookup::Queryable(property) => Some(Test {
            property,
            demand: Demand::Compare(Operator::Equal, Scalar::Flag(true)),
        }),
        _ => None,
    }
}

fn projection(entity: &'static Entity, columns: &Columns) -> Result<Projection, QueryError> {
    let known = |name: &String| match entity.lookup(name) {
        Lookup::Unknown => Err(QueryError::Validation(format!(
            "Property {name} not found for Entity {}",
            entity.api
        ))),
        Lookup::Queryable(_) | Lookup::NotQueryable => Ok(()),
    };
    match columns {
        Columns::Count => Ok(Projection::Count),
        Columns::Named(names) => {
            names.iter().try_for_each(known)?;
            Ok(Projection::Members(
                names.iter().map(|name| member(name)).collect(),
            ))
        }
        Columns::All(beside) => {
            beside.iter().try_for_each(known)?;
            let named = |hidden: &&&str| beside.iter().any(|name| name.eq_ignore_ascii_case(hidden));
            let left_out: Vec<&str> = entity
                .only_projected
                .iter()
                .filter(|hidden| !named(hidden))
                .copied()
                .collect();
            Ok(if left_out.is_empty() {
                Projection::Whole
            } else {
                Projection::Without(left_out)
            })
        }
    }
}

/// `MetaData.CreateTime` projects the whole of `MetaData`.
fn member(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_lowercase()
}

/// Takes what bounds can answer alone out of the tests; instants stay among them, for bounds only narrow those.
fn bounded(tests: Vec<Test>) -> (Bounds, Vec<Test>) {
    let mut bounds = Bounds::default();
    let tests = tests
        .into_iter()
        .filter(|test| !absorb(&mut bounds, test))
        .collect();
    (bounds, tests)
}

/// Narrows the bounds by a test and tells whether they say all of it.
fn absorb(bounds: &mut Bounds, test: &Test) -> bool {
    match (&test.demand, test.property.name) {
        (Demand::Compare(operator, Scalar::Date(date)), "TxnDate" | "AsOfDate") => {
            narrow_dates(bounds, *operator, *date)
        }
        (Demand::Compare(operator, Scalar::Instant(micros)), "MetaData.CreateTime") => {
            narrow_instants(&mut bounds.created, *operator, *micros);
            false
        }
        (Demand::Compare(operator, Scalar::Instant(micros)), "MetaData.LastUpdatedTime") => {
            narrow_instants(&mut bounds.updated, *operator, *micros);
            false
        }
        (Demand::Compare(Operator::Equal, wanted), _) if test.property.kind == Kind::Id => {
            narrow_ids(bounds, std::slice::from_ref(wanted));
            true
        }
        (Demand::AnyOf(wanted), _) if test.property.kind == Kind::Id => {
            narrow_ids(bounds, wanted);
            true
        }
        _ => false,
    }
}

fn narrow_dates(bounds: &mut Bounds, operator: Operator, date: chrono::NaiveDate) -> bool {
    let dates = &mut bounds.dates;
    match operator {
        Operator::Equal => {
            dates.at_least(date);
            dates.at_most(date);
        }
        Operator::AtLeast => dates.at_least(date),
        Operator::AtMost => dates.at_most(date),
        Operator::Greater => dates.at_least(date.checked_add_days(Days::new(1)).unwrap_or(date)),
        Operator::Less => dates.at_most(date.checked_sub_days(Days::new(1)).unwrap_or(date)),
        Operator::NotEqual | Operator::Like | Operator::In => return false,
    }
    true
}

/// To whole seconds outwards: the test that stays is the exact one.
fn narrow_instants(span: &mut Span<i64>, operator: Operator, micros: i64) {
    let (floor, ceiling) = (micros.div_euclid(1_000_000), micros.div_euclid(1_000_000) + 1);
    match operator {
        Operator::Equal => {
            span.at_least(floor);
            span.at_most(ceiling);
        }
        Operator::AtLeast | Operator::Greater => span.at_least(floor),
        Operator::AtMost | Operator::Less => span.at_most(ceiling),
        Operator::NotEqual | Operator::Like | Operator::In => {}
    }
}

fn narrow_ids(bounds: &mut Bounds, wanted: &[Scalar]) {
    let ordinal = |wanted: &Scalar| match wanted {
        Scalar::Number(millionths) => u64::try_from(millionths / 1_000_000).ok()?.checked_sub(1),
        _ => None,
    };
    let ordinals: BTreeSet<u64> = wanted.iter().filter_map(ordinal).collect();
    bounds.ordinals = Some(match bounds.ordinals.take() {
        Some(known) => known.intersection(&ordinals).copied().collect(),
        None => ordinals,
    });
}

fn start(statement: &Statement, setting: Setting) -> Result<u64, QueryError> {
    match (statement.start, setting.switches.start_position_zero) {
        (None, _) | (Some(0), StartZero::First) => Ok(1),
        (Some(0), StartZero::Refused) => Err(too_small()),
        (Some(start), _) => Ok(start),
    }
}

fn max(statement: &Statement, setting: Setting) -> Result<u64, QueryError> {
    match (
        statement.max.unwrap_or(DEFAULT_RESULTS),
        setting.switches.max_results_over_cap,
    ) {
        (0, _) => Err(too_small()),
        (max, OverCap::Refused) if max > MOST_RESULTS => Err(QueryError::Validation(format!(
            "value {max} is too large. Max allowed value is {MOST_RESULTS}"
        ))),
        (max, _) => Ok(max.min(MOST_RESULTS)),
    }
}

fn too_small() -> QueryError {
    QueryError::Validation("value 0 is too small. Min allowed value is 1".to_owned())
}
