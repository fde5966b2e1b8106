//! How the audit is shown.

use ledgerfleet_ledger::AuditRow;
use serde::Serialize;

use crate::output::{instant, row};

/// One thing that somebody did.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct AuditLine(pub(crate) AuditRow);

impl AuditLine {
    fn by(&self) -> &str {
        self.0.detail["by"].as_str().unwrap_or_default()
    }
}

row! {
    AuditLine as row,
    TEXTS = ["what else"],
    "at" => instant(row.0.at),
    "by" => row.by(),
    "action" => row.0.action,
    "subject" => row.0.subject.clone().unwrap_or_default(),
    "what else" => row.0.detail,
}
