//! Consents on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;
use ledgerfleet_model::Environment;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::consents::REMEMBERED;
use crate::{Consent, ConsentOutcome, ConsentProgress, ConsentTaken, Consents, LedgerError};

#[derive(Debug, sqlx::FromRow)]
struct ConsentRow {
    connector: String,
    name: String,
    environment: Text<Environment>,
    time_zone: Text<Tz>,
    redirect_url: String,
    expires_at: Stamp,
    taken_at: Option<Stamp>,
    outcome: Option<Text<ConsentOutcome>>,
    told: Option<String>,
}

const CONSENT: &str = "SELECT * FROM fleet_consents WHERE state_hash = ?";

#[async_trait]
impl Consents for SqliteLedger {
    async fn begin_consent(&self, consent: &Consent, lives: Duration) -> Result<(), LedgerError> {
        const FORGET: &str = "DELETE FROM fleet_consents WHERE began_at < ?";
        const BEGIN: &str = "
            INSERT INTO fleet_consents
                (state_hash, connector, name, environment, time_zone, redirect_url, began_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let mut tx = self.write("begin consent").await?;
        let now = self.now();
        let forget = sqlx::query(FORGET).bind(now.before(REMEMBERED));
        forget.execute(&mut *tx).await.map_err(failed("begin consent"))?;
        let begin = sqlx::query(BEGIN)
            .bind(&consent.state_hash)
            .bind(&consent.connector)
            .bind(&consent.name)
            .bind(Text(consent.environment))
            .bind(Text(consent.time_zone))
            .bind(&consent.redirect_url)
            .bind(now)
            .bind(now.after(lives));
        begin.execute(&mut *tx).await.map_err(failed("begin consent"))?;
        tx.commit().await.map_err(failed("begin consent"))
    }

    async fn take_consent(&self, state_hash: &str) -> Result<ConsentTaken, LedgerError> {
        const TAKE: &str = "UPDATE fleet_consents SET taken_at = ?2 WHERE state_hash = ?1";
        let mut tx = self.write("take consent").await?;
        let now = self.now();
        let row: Option<ConsentRow> = sqlx::query_as(CONSENT)
            .bind(state_hash)
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("take consent"))?;
        let Some(row) = row else {
            return Ok(ConsentTaken::Unknown);
        };
        if row.taken_at.is_some() {
            return Ok(ConsentTaken::Used);
        }
        if row.expires_at <= now {
            return Ok(ConsentTaken::Expired);
        }
        let take = sqlx::query(TAKE).bind(state_hash).bind(now);
        take.execute(&mut *tx).await.map_err(failed("take consent"))?;
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

    async fn end_consent(
        &self,
        state_hash: &str,
        outcome: ConsentOutcome,
        told: &str,
    ) -> Result<(), LedgerError> {
        const END: &str = "UPDATE fleet_consents SET outcome = ?2, told = ?3 WHERE state_hash = ?1";
        let mut tx = self.write("end consent").await?;
        let end = sqlx::query(END).bind(state_hash).bind(Text(outcome)).bind(told);
        end.execute(&mut *tx).await.map_err(failed("end consent"))?;
        tx.commit().await.map_err(failed("end consent"))
    }

    async fn consent_progress(&self, state_hash: &str) -> Result<ConsentProgress, LedgerError> {
        let row: Option<ConsentRow> = sqlx::query_as(CONSENT)
            .bind(state_hash)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("consent progress"))?;
        Ok(match row {
            None => ConsentProgress::Unknown,
            Some(row) => match (row.outcome, row.taken_at) {
                (Some(outcome), _) => ConsentProgress::Ended(outcome.0, row.told.unwrap_or_default()),
                (None, Some(_)) => ConsentProgress::Taken,
                (None, None) => ConsentProgress::Waiting,
            },
        })
    }
}
