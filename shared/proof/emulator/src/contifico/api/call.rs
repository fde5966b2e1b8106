//! A call: what a request asks for.

use axum::extract::{Query, Request};
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use axum::http::{HeaderMap, Method};

use crate::contifico::resource::{self, Resource, Table, Version};
use crate::contifico::switches::{BankMovementPath, ContificoSwitches, Served, V1Journals};

/// One request to the API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) version: Option<Version>,
    pub(super) target: Target,
    pub(super) parameters: Vec<(String, String)>,
    /// The whole of the header `Authorization`, which is the key and nothing else.
    pub(super) key: Option<String>,
    pub(super) accepts_gzip: bool,
}

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Target {
    List(&'static Resource),
    Item(&'static Resource, String),
    Pos,
    /// What of a product lies where.
    Stock(String),
    /// The fiscal years.
    Periods,
    /// A path that is there and is not to be listed.
    Refused(u16),
    Nowhere,
}

impl Call {
    pub(super) fn read(request: &Request, switches: &ContificoSwitches) -> Self {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path
            .trim_start_matches("/sistema/api/")
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let version = match parts.first() {
            Some(&"v1") => Some(Version::V1),
            Some(&"v2") => Some(Version::V2),
            _ => None,
        };
        let target = version.map_or(Target::Nowhere, |version| target(version, &parts[1..], switches));
        Self {
            method: request.method().clone(),
            query: request.uri().query().map(str::to_owned),
            version,
            target,
            parameters: Query::try_from_uri(request.uri())
                .map(|Query(read)| read)
                .unwrap_or_default(),
            key: header(request.headers(), AUTHORIZATION.as_str()).filter(|key| !key.is_empty()),
            accepts_gzip: header(request.headers(), ACCEPT_ENCODING.as_str())
                .is_some_and(|kinds| kinds.contains("gzip")),
            path,
        }
    }

    /// The value of a parameter; the last one where it is given twice.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The resource that faults mean: of documents the one that the parameters ask for.
    pub(super) fn entity(&self) -> Option<&'static str> {
        let resource = match &self.target {
            Target::List(resource) | Target::Item(resource, _) => resource,
            Target::Stock(_) => return Some("products"),
            Target::Pos | Target::Periods | Target::Refused(_) | Target::Nowhere => return None,
        };
        match (resource.table, self.parameter("tipo_registro")) {
            (Table::Documents, Some("CLI")) => Some("sales"),
            (Table::Documents, Some("PRO")) => Some("purchases"),
            _ => Some(resource.name),
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn target(version: Version, parts: &[&str], switches: &ContificoSwitches) -> Target {
    let path = parts.join("/");
    if version == Version::V2 && path == "pos" {
        return Target::Pos;
    }
    if version == Version::V2 && path == "contabilidad/periodo" {
        return Target::Periods;
    }
    if let ["producto", id, "stock"] = parts {
        return Target::Stock((*id).to_owned());
    }
    if let Some(resource) = listed(version, &path, switches) {
        return match (version, resource.table, switches.v1_journals) {
            (Version::V1, Table::Journals, V1Journals::NotFound) => Target::Nowhere,
            (Version::V1, Table::Journals, V1Journals::NotAllowed) => Target::Refused(405),
            (Version::V1, Table::Journals, V1Journals::BadRequest) => Target::Refused(400),
            _ => Target::List(resource),
        };
    }
    let Some((id, list)) = parts.split_last() else {
        return Target::Nowhere;
    };
    let list = list.join("/");
    let owner = if list == "documento" {
        Some(resource::of_table(Table::Documents))
    } else {
        listed(version, &list, switches)
    };
    owner.map_or(Target::Nowhere, |resource| {
        Target::Item(resource, (*id).to_owned())
    })
}

/// The resource that a path lists.
fn listed(version: Version, path: &str, switches: &ContificoSwitches) -> Option<&'static Resource> {
    match (version, path, switches.bank_movements) {
        (Version::V1, "documento", _) if switches.v1_documents == Served::Served => {
            return Some(resource::of_table(Table::Documents));
        }
        (Version::V1, "banco/movimiento_bancario", BankMovementPath::Long | BankMovementPath::Both) => {
            return Some(resource::of_table(Table::BankMovements));
        }
        (Version::V1, "banco/movimiento", BankMovementPath::Long) => return None,
        _ => {}
    }
    let lists = |resource: &&Resource| {
        let side = resource.side(version);
        resource.register.is_none() && side.is_some_and(|side| side.path == path)
    };
    resource::ALL.iter().find(lists)
}
