//! How records are shown, those in quarantine among them.

use ledgerfleet_connectors::Synopsis;
use ledgerfleet_ledger::{QuarantinedRecord, StoredRecord};
use serde::Serialize;

use crate::output::{Row, amount_text, indented, instant, optional, row};

/// A record: to programs as it is stored, to people by what they know it by.
#[derive(Serialize)]
pub(crate) struct RecordRow {
    #[serde(flatten)]
    pub(crate) record: StoredRecord,
    #[serde(skip)]
    pub(crate) synopsis: Synopsis,
}

row! {
    RecordRow as row,
    TEXTS = ["party"],
    LESSER = ["changed", "deleted"],
    "id" => row.record.id,
    "number" => optional(row.synopsis.number.as_deref()),
    "party" => optional(row.synopsis.party.as_deref()),
    "date" => optional(row.record.document_date),
    "total" => optional(row.synopsis.total.as_deref().map(amount_text)),
    "balance" => optional(row.synopsis.balance.as_deref().map(amount_text)),
    "changed" => optional(row.record.source_updated_at.map(instant)),
    "deleted" => optional(row.record.deleted_at.map(instant)),
}

/// A record with everything that is kept of it.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct WholeRecord(pub(crate) RecordRow);

impl Row for WholeRecord {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "number",
        "party",
        "date",
        "total",
        "balance",
        "changed",
        "deleted",
        "version",
        "observed",
        "last seen",
        "hash",
        "payload",
    ];

    fn cells(&self) -> Vec<String> {
        let record = &self.0.record;
        let mut cells = self.0.cells();
        cells.extend([
            optional(record.source_version),
            instant(record.observed_at),
            instant(record.last_seen_at),
            record.payload_hash.clone(),
            indented(record.payload.get()),
        ]);
        cells
    }
}

row! {
    QuarantinedRecord as row,
    TEXTS = ["original"],
    LESSER = ["kept", "length", "original", "deleted", "segment"],
    "id" => row.id,
    "reason" => row.reason,
    "length" => row.length,
    "kept" => row.kept,
    "observed" => instant(row.observed_at),
    "deleted" => row.deleted_at.map(instant).unwrap_or_default(),
    "segment" => row.segment_id,
    "original" => row.original.clone().unwrap_or_default(),
}
