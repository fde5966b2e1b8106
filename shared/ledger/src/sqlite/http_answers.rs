//! HTTP answers on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::TurnId;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use super::segments::audit;
use crate::clocks::PLAUSIBLE;
use crate::http_answers::{LEASE, REMEMBERED};
use crate::{Asked, HttpAnswers, LedgerError};

#[async_trait]
impl HttpAnswers for SqliteLedger {
    async fn ask_once(&self, request_key: &str, body_hash: &str) -> Result<Asked, LedgerError> {
        const FORGET: &str = "DELETE FROM fleet_http_answers WHERE asked_at < ?";
        const ASK: &str = "
            INSERT INTO fleet_http_answers (request_key, body_hash, asked_at, turn) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (request_key) DO UPDATE SET asked_at = excluded.asked_at, turn = excluded.turn
                WHERE answer IS NULL AND body_hash = excluded.body_hash AND asked_at NOT BETWEEN ?5 AND ?6";
        const KNOWN: &str = "SELECT body_hash, answer FROM fleet_http_answers WHERE request_key = ?";
        let mut tx = self.write("ask once").await?;
        let (now, turn) = (self.now(), TurnId::new());
        let forget = sqlx::query(FORGET).bind(now.before(REMEMBERED));
        forget.execute(&mut *tx).await.map_err(failed("ask once"))?;
        let ask = sqlx::query(ASK)
            .bind(request_key)
            .bind(body_hash)
            .bind(now)
            .bind(Text(turn))
            .bind(now.before(LEASE))
            .bind(Stamp::from(now.0 + PLAUSIBLE))
            .execute(&mut *tx);
        if ask.await.map_err(failed("ask once"))?.rows_affected() > 0 {
            tx.commit().await.map_err(failed("ask once"))?;
            return Ok(Asked::First(turn));
        }
        let known: (String, Option<String>) = sqlx::query_as(KNOWN)
            .bind(request_key)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed("ask once"))?;
        tx.commit().await.map_err(failed("ask once"))?;
        Ok(Asked::of(known, body_hash))
    }

    async fn ask_anew(&self, request_key: &str, answer: &str) -> Result<Option<TurnId>, LedgerError> {
        const TAKE: &str = "
            UPDATE fleet_http_answers SET answer = NULL, asked_at = ?3, turn = ?4
            WHERE request_key = ?1 AND answer = ?2";
        let mut tx = self.write("ask anew").await?;
        let turn = TurnId::new();
        let take = sqlx::query(TAKE).bind(request_key).bind(answer);
        let take = take.bind(self.now()).bind(Text(turn)).execute(&mut *tx);
        let taken = take.await.map_err(failed("ask anew"))?;
        tx.commit().await.map_err(failed("ask anew"))?;
        Ok((taken.rows_affected() > 0).then_some(turn))
    }

    async fn renew_turn(&self, request_key: &str, turn: TurnId) -> Result<bool, LedgerError> {
        const RENEW: &str =
            "UPDATE fleet_http_answers SET asked_at = ?3 WHERE request_key = ?1 AND turn = ?2";
        let mut tx = self.write("renew turn").await?;
        let renew = sqlx::query(RENEW).bind(request_key).bind(Text(turn));
        let renew = renew.bind(self.now()).execute(&mut *tx);
        let renewed = renew.await.map_err(failed("renew turn"))?;
        tx.commit().await.map_err(failed("renew turn"))?;
        Ok(renewed.rows_affected() > 0)
    }

    async fn keep_answer(&self, request_key: &str, turn: TurnId, answer: &str) -> Result<bool, LedgerError> {
        const KEEP: &str =
            "UPDATE fleet_http_answers SET answer = ?3, asked_at = ?4 WHERE request_key = ?1 AND turn = ?2";
        let mut tx = self.write("keep answer").await?;
        let keep = sqlx::query(KEEP).bind(request_key).bind(Text(turn));
        let keep = keep.bind(answer).bind(self.now()).execute(&mut *tx);
        let kept = keep.await.map_err(failed("keep answer"))?;
        tx.commit().await.map_err(failed("keep answer"))?;
        Ok(kept.rows_affected() > 0)
    }

    async fn kept_answer(&self, request_key: &str) -> Result<Option<String>, LedgerError> {
        const KEPT: &str = "SELECT answer FROM fleet_http_answers WHERE request_key = ?";
        let kept = sqlx::query_scalar(KEPT).bind(request_key);
        let kept: Option<Option<String>> = kept
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("kept answer"))?;
        Ok(kept.flatten())
    }

    async fn forget_request(&self, request_key: &str, turn: TurnId) -> Result<(), LedgerError> {
        const FORGET: &str = "DELETE FROM fleet_http_answers WHERE request_key = ? AND turn = ?";
        let mut tx = self.write("forget request").await?;
        let forget = sqlx::query(FORGET).bind(request_key).bind(Text(turn));
        forget.execute(&mut *tx).await.map_err(failed("forget request"))?;
        tx.commit().await.map_err(failed("forget request"))
    }

    async fn note_audit(
        &self,
        action: &str,
        subject: Option<&str>,
        detail: serde_json::Value,
    ) -> Result<(), LedgerError> {
        let mut tx = self.write("note audit").await?;
        let now = self.now();
        audit(&mut tx, now, action, subject.map(ToOwned::to_owned), detail).await?;
        tx.commit().await.map_err(failed("note audit"))
    }
}
