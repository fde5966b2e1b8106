//! How a backup is shown.

use std::time::Duration;

use ledgerfleet_ledger::sqlite::Backup;
use serde::Serialize;

use crate::output::{row, span, thousands};

/// A backup that was made and checked.
#[derive(Serialize)]
pub(crate) struct BackupReport {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) schema_version: i64,
    pub(crate) connections: u64,
    pub(crate) records: u64,
    pub(crate) seconds: f64,
}

impl BackupReport {
    pub(crate) fn new(backup: &Backup, took: Duration) -> Self {
        Self {
            file: backup.file.display().to_string(),
            bytes: backup.bytes,
            schema_version: backup.schema_version,
            connections: backup.connections,
            records: backup.records,
            seconds: took.as_secs_f64(),
        }
    }
}

row! {
    BackupReport as row,
    "file" => row.file,
    "bytes" => thousands(row.bytes),
    "schema" => row.schema_version,
    "companies" => thousands(row.connections),
    "records" => thousands(row.records),
    "took" => span(row.seconds),
}
