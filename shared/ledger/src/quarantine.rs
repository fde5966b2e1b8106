//! Quarantine: records that cannot be stored as they are, told apart from those that can.
//!
//! A page puts them there in its own transaction. A record of the same id that is stored, or seen to be as it is stored,
//! in a newer observation releases them. One that is gone at the source is listed no more; its bytes stay for who asks for
//! it by its id, because they are all that is left.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, QuarantineReason, Quarantined, SegmentId};
use serde::Serialize;

use crate::LedgerError;

/// Which records in quarantine.
#[derive(Debug, Clone)]
pub struct QuarantineFilter {
    /// Of this connection.
    pub connection: ConnectionId,
    /// Of this entity: `invoice`.
    pub entity: String,
    /// With this upstream id: then with its text, and also if it is gone at the source.
    pub id: Option<String>,
    /// At most this many.
    pub limit: u32,
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedRecord {
    /// The upstream's id.
    pub id: String,
    /// Why it cannot be stored.
    pub reason: QuarantineReason,
    /// When the request was sent that brought it last.
    pub observed_at: DateTime<Utc>,
    /// When it was found to be gone at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The segment that saw it last.
    pub segment_id: SegmentId,
    /// How many bytes its text has.
    pub length: u64,
    /// How many of them are kept.
    pub kept: u64,
    /// What is kept of its text, where one record was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

/// Looking into the quarantine. What goes in and out is a matter of [`crate::Pages`].
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// Records in quarantine that are not gone at the source, by id; or the one that is asked for.
    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<QuarantinedRecord>, LedgerError>;

    /// Which of these ids are in quarantine and not gone at the source, in no order.
    async fn in_quarantine(
        &self,
        connection: ConnectionId,
        entity: &str,
        ids: &[String],
    ) -> Result<Vec<String>, LedgerError>;
}

/// Those of a page by id, each once. One order of locking for everybody who writes.
pub(crate) fn each_once(quarantined: &[Quarantined]) -> Vec<&Quarantined> {
    let mut each: Vec<&Quarantined> = quarantined.iter().collect();
    each.sort_by(|one, other| one.id.cmp(&other.id));
    each.dedup_by(|one, other| one.id == other.id);
    each
}
