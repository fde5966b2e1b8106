//! Audit on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::PostgresLedger;
use super::error::{failed, persistently};
use crate::{Audit, AuditFilter, AuditRow, LedgerError};

struct Row {
    id: i64,
    at: DateTime<Utc>,
    action: String,
    subject: Option<String>,
    detail: String,
}

#[async_trait]
impl Audit for PostgresLedger {
    async fn audited(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, LedgerError> {
        let read = || async {
            sqlx::query_as!(
                Row,
                r#"SELECT id, at, action, subject, detail::text AS "detail!"
                FROM fleet.audit
                WHERE id < $1 AND ($2::timestamptz IS NULL OR at >= $2)
                ORDER BY id DESC LIMIT $3"#,
                filter.before.unwrap_or(i64::MAX),
                filter.since,
                i64::from(filter.limit),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("audit"))
        };
        let rows = persistently(read).await?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Row {
    fn read(self) -> Result<AuditRow, LedgerError> {
        Ok(AuditRow {
            id: self.id,
            at: self.at,
            action: self.action,
            subject: self.subject,
            detail: serde_json::from_str(&self.detail)
                .map_err(|error| LedgerError::Corrupt(error.to_string()))?,
        })
    }
}
