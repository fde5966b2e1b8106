//! A call: what a request asks for, with all that is needed of its head and body.

use axum::body::{Bytes, to_bytes};
use axum::extract::{Query, Request};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method};
use serde::Deserialize;

use super::query;
use crate::books::entities;
use crate::books::entity::Entity;
use crate::books::text::Fields;
use crate::options::Environment;
use crate::switches::Switches;

/// One request to the API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) company: Option<usize>,
    pub(super) environment: Option<Environment>,
    /// What follows the realm.
    pub(super) resource: String,
    pub(super) statement: Option<String>,
    pub(super) parameters: Parameters,
    pub(super) body: Bytes,
    pub(super) entity: Option<&'static str>,
    pub(super) bearer: Option<String>,
    pub(super) accepts_json: bool,
    pub(super) accepts_gzip: bool,
}

/// What stands behind the question mark, as far as anybody here reads it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    query: Option<String>,
    /// Of change data capture: names with commas between them …
    pub(super) entities: Option<String>,
    /// … and an instant.
    #[serde(rename = "changedSince")]
    pub(super) changed_since: Option<String>,
    /// Of exchange rates, which have no id.
    pub(super) sourcecurrencycode: Option<String>,
    pub(super) asofdate: Option<String>,
    pub(super) minorversion: Option<String>,
    /// What is wanted beside the usual members, with commas between.
    include: Option<String>,
}

impl Parameters {
    /// The custom fields that are shown: without being asked for, only the first three of those that there are.
    pub(super) fn fields(&self, switches: &Switches) -> Fields {
        let include = self.include.as_deref().unwrap_or("");
        let all = |name: &str| name.trim().eq_ignore_ascii_case("enhancedAllCustomFields");
        if include.split(',').any(all) {
            Fields::existing(switches)
        } else {
            Fields::FirstThree
        }
    }
}

/// Statements are short; this only keeps a mad client from filling the memory.
const LONGEST_BODY: usize = 1 << 20;

impl Call {
    pub(super) async fn read(company: Option<usize>, resource: String, request: Request) -> Self {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
        let parameters = Query::<Parameters>::try_from_uri(&head.uri)
            .map(|Query(read)| read)
            .unwrap_or_default();
        let statement = statement(&head.method, &resource, &parameters, &body);
        let named = statement
            .as_deref()
            .and_then(query::entity_of)
            .unwrap_or(&resource);
        let entity = entity_named(named.split('/').next().unwrap_or(named)).map(|entity| entity.name);
        let path = head.uri.path().to_owned();
        Self {
            company,
            environment: environment(&path, &head.headers),
            resource,
            statement,
            parameters,
            body,
            entity,
            bearer: bearer(&head.headers),
            accepts_json: says(&head.headers, ACCEPT.as_str(), "json"),
            accepts_gzip: says(&head.headers, ACCEPT_ENCODING.as_str(), "gzip"),
            method: head.method,
            path,
        }
    }
}

/// Paths spell an entity in lower case and without separators.
pub(super) fn entity_named(resource: &str) -> Option<&'static Entity> {
    entities::ALL
        .iter()
        .copied()
        .find(|entity| entity.api.eq_ignore_ascii_case(resource))
}

fn statement(method: &Method, resource: &str, parameters: &Parameters, body: &Bytes) -> Option<String> {
    if resource != "query" {
        return None;
    }
    if *method == Method::POST && !body.is_empty() {
        return Some(String::from_utf8_lossy(body).into_owned());
    }
    parameters.query.clone()
}

/// The world that the path's prefix or the host's name says; none where neither does.
fn environment(path: &str, headers: &HeaderMap) -> Option<Environment> {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    if path.starts_with("/sandbox/") || host.starts_with("sandbox-quickbooks.") {
        Some(Environment::Sandbox)
    } else if path.starts_with("/production/") || host.starts_with("quickbooks.") {
        Some(Environment::Production)
    } else {
        None
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

fn says(headers: &HeaderMap, name: &str, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains(word)))
}
