//! OpenAPI: the document that describes the routes, made of their table.

use axum::Json;
use ledgerfleet_ledger::Scope;
use ledgerfleet_model::words;
use serde_json::{Map, Value, json};

use super::problem::Cause;
use super::route::{Method, Route};
use super::routes::Routes;

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
    let mut paths = Map::new();
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(method, operation(route));
        }
    }
    let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    json!({
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
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = left_open(route.path)
        .map(|name| parameter(name, "", Place::Path))
        .collect();
    parameters.extend(
        route
            .query
            .iter()
            .map(|(name, means)| parameter(name, means, Place::Query)),
    );
    if route.method == Method::Post {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "the same key with the same body is answered as the first time, for a day",
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
        "responses": { route.status.to_string(): { "description": "done" }, "default": problem },
    });
    if let Some(example) = route.body {
        let example: Value = serde_json::from_str(example).unwrap_or_default();
        operation["requestBody"] = json!({
            "required": !route.body_may_lack,
            "content": { "application/json": { "schema": { "type": "object" }, "example": example } },
        });
    }
    operation
}

fn parameter(name: &str, means: &str, place: Place) -> Value {
    json!({
        "name": name, "in": place, "required": place == Place::Path,
        "description": means, "schema": { "type": "string" },
    })
}

/// The names of what a path leaves open.
fn left_open(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
