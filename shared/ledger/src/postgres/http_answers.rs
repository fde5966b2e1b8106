//! HTTP answers on Postgres.

use async_trait::async_trait;

use super::PostgresLedger;
use super::codec::interval;
use super::error::{failed, persistently};
use crate::http_answers::{LEASE, REMEMBERED};
use crate::{Asked, HttpAnswers, LedgerError};

#[async_trait]
impl HttpAnswers for PostgresLedger {
    async fn ask_once(&self, request_key: &str, body_hash: &str) -> Result<Asked, LedgerError> {
        persistently(|| self.ask(request_key, body_hash)).await
    }

    async fn keep_answer(&self, request_key: &str, answer: &str) -> Result<(), LedgerError> {
        let keep = || async {
            sqlx::query!(
                "UPDATE fleet.http_answers SET answer = $2 WHERE request_key = $1",
                request_key,
                answer,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("keep answer"))
        };
        persistently(keep).await.map(drop)
    }

    async fn kept_answer(&self, request_key: &str) -> Result<Option<String>, LedgerError> {
        let kept = || async {
            sqlx::query_scalar!(
                "SELECT answer FROM fleet.http_answers WHERE request_key = $1",
                request_key
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("kept answer"))
        };
        persistently(kept).await.map(Option::flatten)
    }

    async fn forget_request(&self, request_key: &str) -> Result<(), LedgerError> {
        let forget = || async {
            sqlx::query!(
                "DELETE FROM fleet.http_answers WHERE request_key = $1",
                request_key
            )
            .execute(&self.pool)
            .await
            .map_err(failed("forget request"))
        };
        persistently(forget).await.map(drop)
    }

    async fn note_audit(
        &self,
        action: &str,
        subject: Option<&str>,
        detail: serde_json::Value,
    ) -> Result<(), LedgerError> {
        sqlx::query!(
            "INSERT INTO fleet.audit (at, action, subject, detail) VALUES (now(), $1, $2, $3::text::jsonb)",
            action,
            subject,
            detail.to_string(),
        )
        .execute(&self.pool)
        .await
        .map_err(failed("note audit"))
        .map(drop)
    }
}

impl PostgresLedger {
    async fn ask(&self, request_key: &str, body_hash: &str) -> Result<Asked, LedgerError> {
        let mut tx = self.begin("ask once").await?;
        sqlx::query!(
            "DELETE FROM fleet.http_answers WHERE asked_at < now() - $1::interval",
            interval(REMEMBERED)
        )
        .execute(&mut *tx)
        .await
        .map_err(failed("ask once"))?;
        let asked = sqlx::query!(
            "INSERT INTO fleet.http_answers AS known (request_key, body_hash) VALUES ($1, $2)
             ON CONFLICT (request_key) DO UPDATE SET asked_at = now()
                WHERE known.answer IS NULL AND known.body_hash = excluded.body_hash
                  AND known.asked_at < now() - $3::interval",
            request_key,
            body_hash,
            interval(LEASE),
        )
        .execute(&mut *tx)
        .await
        .map_err(failed("ask once"))?;
        if asked.rows_affected() > 0 {
            tx.commit().await.map_err(failed("ask once"))?;
            return Ok(Asked::First);
        }
        let known = sqlx::query!(
            "SELECT body_hash, answer FROM fleet.http_answers WHERE request_key = $1",
            request_key
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("ask once"))?;
        tx.commit().await.map_err(failed("ask once"))?;
        Ok(Asked::of((known.body_hash, known.answer), body_hash))
    }
}
