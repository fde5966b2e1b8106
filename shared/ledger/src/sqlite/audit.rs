//! Audit on SQLite.

use async_trait::async_trait;

use super::SqliteLedger;
use super::codec::Stamp;
use super::error::failed;
use crate::{Audit, AuditFilter, AuditRow, LedgerError};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: Stamp,
    action: String,
    subject: Option<String>,
    detail: String,
}

#[async_trait]
impl Audit for SqliteLedger {
    async fn audited(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, LedgerError> {
        const AUDIT: &str = "
            SELECT id, at, action, subject, detail FROM fleet_audit
            WHERE id < ?1 AND (?2 IS NULL OR at >= ?2)
            ORDER BY id DESC LIMIT ?3";
        let read = sqlx::query_as(AUDIT)
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.since.map(Stamp::from))
            .bind(filter.limit);
        let rows: Vec<Row> = read.fetch_all(&self.readers).await.map_err(failed("audit"))?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Row {
    fn read(self) -> Result<AuditRow, LedgerError> {
        Ok(AuditRow {
            id: self.id,
            at: self.at.0,
            action: self.action,
            subject: self.subject,
            detail: serde_json::from_str(&self.detail)
                .map_err(|error| LedgerError::Corrupt(error.to_string()))?,
        })
    }
}
