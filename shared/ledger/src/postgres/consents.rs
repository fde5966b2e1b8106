//! Consents on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;
use ledgerfleet_model::Environment;

use super::PostgresLedger;
use super::codec::{Word, interval};
use super::error::{failed, persistently};
use crate::consents::REMEMBERED;
use crate::{Consent, ConsentOutcome, ConsentProgress, ConsentTaken, Consents, LedgerError};

struct TakenRow {
    connector: String,
    name: String,
    environment: Word<Environment>,
    time_zone: Word<Tz>,
    redirect_url: String,
    is_used: bool,
    is_over: bool,
}

#[async_trait]
impl Consents for PostgresLedger {
    async fn begin_consent(&self, consent: &Consent, lives: Duration) -> Result<(), LedgerError> {
        let begin = || async {
            sqlx::query!(
                "
                WITH forgotten AS (DELETE FROM fleet.consents WHERE began_at < now() - $8::interval)
                INSERT INTO fleet.consents
                    (state_hash, connector, name, environment, time_zone, redirect_url, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)",
                consent.state_hash,
                consent.connector,
                consent.name,
                consent.environment.as_str(),
                consent.time_zone.name(),
                consent.redirect_url,
                interval(lives),
                interval(REMEMBERED),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("begin consent"))
        };
        persistently(begin).await.map(drop)
    }

    async fn take_consent(&self, state_hash: &str) -> Result<ConsentTaken, LedgerError> {
        // What a commit whose answer was lost has taken is not taken again: the person begins anew.
        self.take_once(state_hash).await
    }

    async fn end_consent(
        &self,
        state_hash: &str,
        outcome: ConsentOutcome,
        told: &str,
    ) -> Result<(), LedgerError> {
        let end = || async {
            sqlx::query!(
                "UPDATE fleet.consents SET outcome = $2, told = $3 WHERE state_hash = $1",
                state_hash,
                outcome.as_str(),
                told,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("end consent"))
        };
        persistently(end).await.map(drop)
    }

    async fn consent_progress(&self, state_hash: &str) -> Result<ConsentProgress, LedgerError> {
        let progress = || async {
            sqlx::query!(
                r#"
                SELECT taken_at IS NOT NULL AS "is_taken!", outcome AS "outcome: Word<ConsentOutcome>", told
                FROM fleet.consents WHERE state_hash = $1"#,
                state_hash,
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("consent progress"))
        };
        Ok(match persistently(progress).await? {
            None => ConsentProgress::Unknown,
            Some(row) => match (row.outcome, row.is_taken) {
                (Some(outcome), _) => ConsentProgress::Ended(outcome.0, row.told.unwrap_or_default()),
                (None, true) => ConsentProgress::Taken,
                (None, false) => ConsentProgress::Waiting,
            },
        })
    }
}

impl PostgresLedger {
    async fn take_once(&self, state_hash: &str) -> Result<ConsentTaken, LedgerError> {
        let mut tx = self.begin("take consent").await?;
        // Locked, so that of two who come with one state the second sees that it is used.
        let row = sqlx::query_as!(
            TakenRow,
            r#"
            SELECT connector, name, environment AS "environment: _", time_zone AS "time_zone: _", redirect_url,
                taken_at IS NOT NULL AS "is_used!", expires_at <= now() AS "is_over!"
            FROM fleet.consents WHERE state_hash = $1 FOR UPDATE"#,
            state_hash,
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("take consent"))?;
        let Some(row) = row else {
            return Ok(ConsentTaken::Unknown);
        };
        if row.is_used {
            return Ok(ConsentTaken::Used);
        }
        if row.is_over {
            return Ok(ConsentTaken::Expired);
        }
        sqlx::query!(
            "UPDATE fleet.consents SET taken_at = now() WHERE state_hash = $1",
            state_hash
        )
        .execute(&mut *tx)
        .await
        .map_err(failed("take consent"))?;
        tx.commit().await.map_err(failed("take consent"))?;
        Ok(ConsentTaken::Now(Consent {
            state_hash: state_hash.to_owned(),
            connector: row.connector,
            name: row.name,
            environment: row.environment.0,
            time_zone: row.time_zone.0,
            redirect_url: row.redirect_url,
        }))
    }
}
