//! Cursor: where a walk through records stands. It carries what was asked, and the horizon that the first page has taken: what
//! changes behind a long walk is met by the next one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::RecordPage;
use serde::{Deserialize, Serialize};

use super::problem::{Cause, Refusal};

/// Opaque to clients: base64url of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    /// What is to be given as `updated_since` after this walk.
    pub(super) horizon: DateTime<Utc>,
    /// The last id that was met.
    pub(super) after: String,
    /// So many records were met up to there.
    pub(super) records: u64,
    /// Hash of what was asked and of the rest: it tells a cursor of another query, and one that was changed. It has no secret,
    /// for whoever makes a cursor deceives nobody else: what a key may see is asked anew with every page.
    hash: String,
}

impl Cursor {
    /// The one that goes on after `after`, in the walk that `page` is of.
    pub(super) fn of(page: &RecordPage, horizon: DateTime<Utc>, (after, records): (String, u64)) -> Self {
        let hash = hash(page, horizon, &after, records);
        Self {
            horizon,
            after,
            records,
            hash,
        }
    }

    pub(super) fn text(&self) -> Result<String, serde_json::Error> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    /// Reads what a client sent, for a walk that asks what `page` asks.
    pub(super) fn read(text: &str, page: &RecordPage) -> Result<Self, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let ours =
            cursor.filter(|cursor| cursor.hash == hash(page, cursor.horizon, &cursor.after, cursor.records));
        ours.ok_or_else(|| {
            Refusal::new(
                Cause::InvalidRequest,
                "this cursor is not one that this query was answered with; begin without one, or ask what was asked before",
            )
        })
    }
}

/// The number of rows is left out: a walk may change it.
fn hash(page: &RecordPage, horizon: DateTime<Utc>, after: &str, records: u64) -> String {
    let parts = serde_json::json!([
        page.connection,
        page.table,
        page.from,
        page.to,
        page.updated_since,
        page.deleted,
        horizon,
        after,
        records,
    ]);
    blake3::hash(parts.to_string().as_bytes()).to_hex()[..32].to_owned()
}
