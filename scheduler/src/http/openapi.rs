//! OpenAPI: the document that describes the routes, made of their table.

use axum::Json;
use ledgerfleet_ledger::Scope;
use ledgerfleet_model::words;
use serde_json::{Map, Value, json};

use super::problem::Cause;
use super::route::{Method, Route};
use super::routes::Routes;

/// The shapes of what is taken and answered: of parameters by their names, of bodies and answers by method and path. The test
/// of the contract holds real answers against them.
const SCHEMAS: &str = include_str!("schemas.json");

/// Kinds of what an address leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Query,
}
words!(Place { Path => "path", Query => "query" });

/// After all others: the document tells of those that are there.
pub(super) fn routes(routes: Routes) -> Routes {
    let own = Route::get("/api/v1/openapi.json", Scope::Read, "This document");
    let table: Vec<Route> = routes.table().iter().copied().chain([own]).collect();
    let document = document(&table);
    routes.route(own, move || {
        let document = document.clone();
        async move { Json(document) }
    })
}

/// The document, as OpenAPI 3.1.
pub(crate) fn document(routes: &[Route]) -> Value {
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let mut paths = Map::new();
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(method, operation(route, &schemas));
        }
    }
    let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Ledgerfleet", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "cause"],
                    "properties": {
                        "type": { "type": "string" },
                        "title": { "type": "string" },
                        "status": { "type": "integer" },
                        "detail": { "type": "string" },
                        "cause": { "type": "string", "enum": causes },
                        "next": { "type": "string" },
                    },
                },
            },
        },
    });
    if let (Value::Object(all), Value::Object(known)) =
        (&mut document["components"]["schemas"], &schemas["components"])
    {
        all.extend(known.clone());
    }
    document
}

fn operation(route: &Route, schemas: &Value) -> Value {
    let place = format!("{} {}", route.method.as_str(), route.path);
    let mut parameters: Vec<Value> = left_open(route.path)
        .map(|name| parameter(name, "", Place::Path, schemas))
        .collect();
    parameters.extend(
        route
            .query
            .iter()
            .map(|(name, means)| parameter(name, means, Place::Query, schemas)),
    );
    if route.method == Method::Post && !route.is_secret {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "the same key with the same query and body is answered as the first time, for a day, if that succeeded",
            "schema": { "type": "string", "maxLength": 200 },
        }));
    }
    let problem = json!({
        "description": "refused",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut operation = json!({
        "summary": route.does,
        "security": [{ "key": [] }],
        "x-scope": route.scope,
        "parameters": parameters,
        "responses": { route.status.to_string(): answer(route, &schemas["answers"][&place]), "default": problem },
    });
    if let Some(example) = route.body {
        let example: Value = serde_json::from_str(example).unwrap_or_default();
        operation["requestBody"] = json!({
            "required": !route.body_may_lack,
            "content": { "application/json": { "schema": schemas["bodies"][&place], "example": example } },
        });
    }
    operation
}

/// The answer of success: JSON of a known shape, or what streams.
fn answer(route: &Route, schema: &Value) -> Value {
    let text = json!({ "schema": { "type": "string" } });
    let mut kinds = Map::new();
    if !schema.is_null() {
        kinds.insert("application/json".to_owned(), json!({ "schema": schema }));
    }
    for kind in route.streams {
        kinds.insert((*kind).to_owned(), text.clone());
    }
    json!({ "description": "done", "content": kinds })
}

fn parameter(name: &str, means: &str, place: Place, schemas: &Value) -> Value {
    let known = schemas["parameters"].get(name).cloned();
    let schema = known.unwrap_or_else(|| json!({ "type": "string" }));
    json!({
        "name": name, "in": place, "required": place == Place::Path,
        "description": means, "schema": schema,
    })
}

/// The names of what a path leaves open.
fn left_open(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
