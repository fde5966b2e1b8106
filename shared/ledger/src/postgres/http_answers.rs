//! HTTP answers on Postgres.

use async_trait::async_trait;
use ledgerfleet_model::TurnId;

use super::PostgresLedger;
use super::codec::{interval, span};
use super::error::{failed, persistently};
use crate::clocks::PLAUSIBLE;
use crate::http_answers::{LEASE, REMEMBERED};
use crate::{Asked, HttpAnswers, LedgerError};

#[async_trait]
impl HttpAnswers for PostgresLedger {
    async fn ask_once(&self, request_key: &str, body_hash: &str) -> Result<Asked, LedgerError> {
        let turn = TurnId::new();
        persistently(|| self.ask(request_key, body_hash, turn)).await
    }

    async fn ask_anew(&self, request_key: &str, answer: &str) -> Result<Option<TurnId>, LedgerError> {
        let turn = TurnId::new();
        let take = || async {
            sqlx::query!(
                "
                UPDATE fleet.http_answers SET answer = NULL, asked_at = now(), turn = $3
                WHERE request_key = $1 AND (answer = $2 OR turn = $3)",
                request_key,
                answer,
                turn.0,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("ask anew"))
        };
        let taken = persistently(take).await?;
        Ok((taken.rows_affected() > 0).then_some(turn))
    }

    async fn renew_turn(&self, request_key: &str, turn: TurnId) -> Result<bool, LedgerError> {
        let renew = || async {
            sqlx::query!(
                "UPDATE fleet.http_answers SET asked_at = now() WHERE request_key = $1 AND turn = $2",
                request_key,
                turn.0,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("renew turn"))
        };
        Ok(persistently(renew).await?.rows_affected() > 0)
    }

    async fn keep_answer(&self, request_key: &str, turn: TurnId, answer: &str) -> Result<bool, LedgerError> {
        let keep = || async {
            sqlx::query!(
                "UPDATE fleet.http_answers SET answer = $3, asked_at = now() WHERE request_key = $1 AND turn = $2",
                request_key,
                turn.0,
                answer,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("keep answer"))
        };
        Ok(persistently(keep).await?.rows_affected() > 0)
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

    async fn forget_request(&self, request_key: &str, turn: TurnId) -> Result<(), LedgerError> {
        let forget = || async {
            sqlx::query!(
                "DELETE FROM fleet.http_answers WHERE request_key = $1 AND turn = $2",
                request_key,
                turn.0,
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
    async fn ask(&self, request_key: &str, body_hash: &str, turn: TurnId) -> Result<Asked, LedgerError> {
        let mut tx = self.begin("ask once").await?;
        sqlx::query!(
            "DELETE FROM fleet.http_answers WHERE asked_at < now() - $1::interval",
            interval(REMEMBERED)
        )
        .execute(&mut *tx)
        .await
        .map_err(failed("ask once"))?;
        let asked = sqlx::query!(
            "INSERT INTO fleet.http_answers AS known (request_key, body_hash, turn) VALUES ($1, $2, $3)
             ON CONFLICT (request_key) DO UPDATE SET asked_at = now(), turn = excluded.turn
                WHERE known.answer IS NULL AND known.body_hash = excluded.body_hash
                  AND (known.asked_at NOT BETWEEN now() - $4::interval AND now() + $5::interval OR known.turn = $3)",
            request_key,
            body_hash,
            turn.0,
            interval(LEASE),
            span(PLAUSIBLE),
        )
        .execute(&mut *tx)
        .await
        .map_err(failed("ask once"))?;
        if asked.rows_affected() > 0 {
            tx.commit().await.map_err(failed("ask once"))?;
            return Ok(Asked::First(turn));
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
