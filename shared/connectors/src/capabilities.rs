//! Capabilities: what some upstreams can do. Each method but those that only tell is one request, with the gate's leave.

use async_trait::async_trait;
use ledgerfleet_model::{Failure, Served};

use crate::{CountRequest, Dialect, EntitySpec, Page, RecordRequest, RecordsRequest, Target};

/// An upstream that counts windows.
#[async_trait]
pub trait Counting: Send + Sync {
    /// In how many parts a window is read and counted: one, where one question can ask for all of it.
    fn parts(&self, entity: &EntitySpec, dialect: Dialect) -> u32;

    /// Asks the source how many rows a part of a window has; only for entities that can count. One request.
    async fn count(&self, target: &Target<'_>, request: &CountRequest<'_>) -> Result<u64, Failure>;
}

/// An upstream that is asked for records by their ids.
#[async_trait]
pub trait LookUp: Send + Sync {
    /// Whether a record of that id may be asked for beside others.
    fn goes_with_others(&self, entity: &EntitySpec, id: &str, dialect: Dialect) -> bool;

    /// Reads one record. None if the upstream says, in the words documented for it, that it has none (or
    /// none any more): that may be taken for a deletion. Whatever else comes instead of the record is a failure. Names
    /// that are inactive come as they are. One request.
    async fn record(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure>;

    /// Reads those of several records that there are. One request.
    async fn records(&self, target: &Target<'_>, request: &RecordsRequest<'_>) -> Result<Page, Failure>;
}
