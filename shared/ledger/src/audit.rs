//! Audit: what people did, as it was written down with what they did.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::LedgerError;

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    /// Grows with every row.
    pub id: i64,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What was done: `run.steer`, `dead_letters.replay`.
    pub action: String,
    /// To what: the id of a run, a company, a key.
    pub subject: Option<String>,
    /// Who did it, as `by`: a person or the name of a key; and what else is to be known.
    pub detail: serde_json::Value,
}

/// Which rows are meant.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// At this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// With a smaller id.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: u32,
}

/// What was done.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Rows, the newest first.
    async fn audited(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, LedgerError>;
}
