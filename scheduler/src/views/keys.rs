//! How keys of the HTTP API are shown.

use ledgerfleet_ledger::ApiKey;
use serde::Serialize;

use crate::output::{instant, optional, row};

/// A key, without its secret.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct KeyRow(pub(crate) ApiKey);

row! {
    KeyRow as row,
    LESSER = ["made", "last used"],
    "id" => row.0.id,
    "name" => row.0.name,
    "scopes" => row.0.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    "companies" => optional(row.0.connections.as_ref().map(Vec::len)),
    "made" => instant(row.0.created_at),
    "ends" => optional(row.0.expires_at.map(instant)),
    "revoked" => optional(row.0.revoked_at.map(instant)),
    "last used" => optional(row.0.last_used_at.map(instant)),
}

/// A key that was just made: the one time that it is shown.
#[derive(Serialize)]
pub(crate) struct MadeKey {
    #[serde(flatten)]
    pub(crate) row: KeyRow,
    pub(crate) key: String,
}

row! {
    MadeKey as row,
    "id" => row.row.0.id,
    "name" => row.row.0.name,
    "key" => row.key,
}
