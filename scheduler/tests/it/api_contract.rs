//! The contract of the HTTP API.

use serde_json::{Value, json};

use crate::served::{invoices, serve};
use crate::world::emulator;

#[tokio::test]
async fn the_document_of_the_api_is_the_one_in_deploy() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let told = served.get("/api/v1/openapi.json").await.expect(200).json();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(
        told, kept,
        "curl http://127.0.0.1:8400/api/v1/openapi.json | python3 -m json.tool > deploy/openapi.json"
    );
    served.server.end_with("TERM").await;
}

/// What of a value is not as its schema says, with the place. A member that the schema does not name is a difference, too: the
/// document would keep silent about it.
fn differences(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return differences(document, &document["components"]["schemas"][name], value, place);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = |one: &Value| differences(document, one, value, place).is_empty();
        return if any.iter().any(fits) {
            Vec::new()
        } else {
            vec![format!("{place}: none of its shapes")]
        };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let takes = |known: &Value| known == kind || (known == "number" && kind == "integer");
    let is_taken = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(takes),
        one => takes(one),
    };
    let mut found = Vec::new();
    if !is_taken
        || schema["enum"]
            .as_array()
            .is_some_and(|words| !words.contains(value))
    {
        found.push(format!("{place}: {value} is not {schema}"));
    }
    if let (Some(items), Value::Array(values)) = (schema.get("items"), value) {
        found.extend(
            values
                .iter()
                .flat_map(|value| differences(document, items, value, place)),
        );
    }
    if let (Some(known), Value::Object(members)) = (schema["properties"].as_object(), value) {
        for (name, value) in members {
            match known.get(name) {
                Some(schema) => {
                    found.extend(differences(document, schema, value, &format!("{place}.{name}")));
                }
                None => found.push(format!("{place}.{name} is not in the document")),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let lacking = required.filter(|name| !members.contains_key(name.as_str().unwrap()));
        found.extend(lacking.map(|name| format!("{place} lacks {name}")));
    }
    found
}

#[tokio::test]
async fn real_answers_have_the_shapes_that_the_document_tells() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let run = served.backfill("demo-us").await;
    served
        .run_to_its_end(
            "/api/v1/sync",
            &json!({"connections": ["demo-us"], "entities": ["customer"]}),
        )
        .await;
    let document = served.get("/api/v1/openapi.json").await.expect(200).json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let status = operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .find(|key| *key != "default")
                .unwrap();
            let content = operation["responses"][status]["content"].as_object().unwrap();
            assert!(
                !content.is_empty() || status == "303",
                "{method} {path} tells no shape"
            );
            let body = operation.get("requestBody");
            let shape = body.map(|body| &body["content"]["application/json"]["schema"]);
            assert!(
                shape.is_none_or(|shape| shape["type"] == "object"),
                "{method} {path} takes no known shape"
            );
        }
    }
    let of = "connection=demo-us&entity=invoice";
    let page = served
        .get(&format!("/api/v1/records?{of}&limit=1"))
        .await
        .expect(200)
        .json();
    let id = page["items"][0]["id"].as_str().unwrap();
    let run = run["run_id"].as_str().unwrap();
    let later = json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": ["demo-us"]}});
    let made = served.post("/api/v1/triggers", &later).await.expect(201);
    let trigger = made.header("location").unwrap().to_owned();
    let mut told = Vec::new();
    for path in ["/api/v1/runs", "/api/v1/runs/plan", "/api/v1/verify"] {
        let body = served.post(path, &invoices("demo-us")).await.json();
        let answers = document["paths"][path]["post"]["responses"].as_object().unwrap();
        let answer = answers.iter().find(|(status, _)| *status != "default").unwrap().1;
        let schema = &answer["content"]["application/json"]["schema"];
        told.extend(differences(&document, schema, &body, path));
    }
    assert_eq!(told, Vec::<String>::new());
    for (shown, asked) in [
        ("/api/v1/connections", String::new()),
        (
            "/api/v1/connections/{name}",
            "/api/v1/connections/demo-us".to_owned(),
        ),
        ("/api/v1/runs", String::new()),
        ("/api/v1/runs/{id}", format!("/api/v1/runs/{run}")),
        ("/api/v1/records", format!("/api/v1/records?{of}")),
        (
            "/api/v1/records/live",
            format!("/api/v1/records/live?{of}&id={id}"),
        ),
        (
            "/api/v1/records/live",
            format!("/api/v1/records/live?{of}&id=987654"),
        ),
        ("/api/v1/sync", String::new()),
        ("/api/v1/status", String::new()),
        ("/api/v1/coverage", String::new()),
        ("/api/v1/gaps", String::new()),
        ("/api/v1/coverage/map", String::new()),
        ("/api/v1/calls", String::new()),
        ("/api/v1/quota", String::new()),
        ("/api/v1/triggers", String::new()),
        ("/api/v1/triggers/{id}", trigger),
        ("/api/v1/audit", String::new()),
        ("/api/v1/keys", String::new()),
        ("/api/v1/dead-letters", String::new()),
        ("/api/v1/quarantine", format!("/api/v1/quarantine?{of}")),
    ] {
        let asked = if asked.is_empty() { shown } else { &asked };
        let told = served.get(asked).await.expect(200).json();
        let schema =
            &document["paths"][shown]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(!schema.is_null(), "{shown}");
        assert_eq!(differences(&document, schema, &told, shown), Vec::<String>::new());
    }
    served.server.end_with("TERM").await;
}
