//! The faults' control: rules and switches, set and cleared.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::refusal::{Refusal, read};
use crate::books::mutation_error::MutationError;
use crate::faults::{FaultSpec, RuleReport};
use crate::switches::Switches;
use crate::upstream::Upstream;

/// First what is cleared, then what is set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    clear: Clear,
    #[serde(default)]
    set: Vec<Wanted>,
    #[serde(default)]
    switches: Map<String, Value>,
}

/// `true`, or a list of ids.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Clear {
    All(bool),
    These(Vec<u64>),
}

impl Default for Clear {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// A rule as an object or in its text form. Read by hand, because the complaint about an untagged enum says nothing.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Wanted(Value);

pub(super) async fn list(State(upstream): State<Arc<Upstream>>) -> Json<Value> {
    Json(report(&upstream))
}

pub(super) async fn change(
    State(upstream): State<Arc<Upstream>>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let change: Change = read(&body)?;
    let wanted = change.set.into_iter().map(spec).collect::<Result<Vec<_>, _>>()?;
    wanted
        .iter()
        .try_for_each(|spec| names_known_things(&upstream, spec))?;
    let switches = set_switches(upstream.switches(), &change.switches)?;
    match change.clear {
        Clear::All(true) => upstream.faults.clear(),
        Clear::All(false) => {}
        Clear::These(ids) => ids.into_iter().for_each(|id| upstream.faults.clear_one(id)),
    }
    let ids: Vec<u64> = wanted.into_iter().map(|spec| upstream.faults.set(spec)).collect();
    upstream.set_switches(switches);
    let mut answer = report(&upstream);
    answer["ids"] = json!(ids);
    Ok(Json(answer))
}

fn spec(Wanted(value): Wanted) -> Result<FaultSpec, Refusal> {
    let spec: FaultSpec = match value {
        Value::String(text) => text.parse().map_err(|error| Refusal::bad_request(&error))?,
        object => serde_json::from_value(object).map_err(|error| Refusal::bad_request(&error))?,
    };
    spec.check().map_err(|error| Refusal::bad_request(&error))?;
    Ok(spec)
}

/// A misspelt company would make a fault that never strikes, and a test that proves nothing.
fn names_known_things(upstream: &Upstream, spec: &FaultSpec) -> Result<(), Refusal> {
    if let Some(company) = spec
        .company
        .as_ref()
        .filter(|name| upstream.company(name).is_none() && upstream.firms.find(name).is_none())
    {
        return Err(Refusal::bad_request(&MutationError::Company(company.clone())));
    }
    let known = |name: &str| {
        crate::books::entities::ALL
            .iter()
            .any(|entity| entity.name == name)
            || crate::contifico::knows(name)
    };
    match spec.entity.as_ref().filter(|name| !known(name)) {
        Some(entity) => Err(Refusal::bad_request(&MutationError::Entity(entity.clone()))),
        None => Ok(()),
    }
}

fn set_switches(switches: Switches, changes: &Map<String, Value>) -> Result<Switches, Refusal> {
    switches
        .with(changes)
        .map_err(|error| Refusal::bad_request(&error))
}

fn report(upstream: &Upstream) -> Value {
    let rules: Vec<RuleReport> = upstream.faults.report();
    json!({ "rules": rules, "switches": upstream.switches() })
}
