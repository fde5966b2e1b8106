//! API keys on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::ApiKeyId;
use serde_json::json;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::error::{failed, persistently};
use super::segments::audit;
use crate::words_list::{join, split};
use crate::{ApiKey, ApiKeys, KnownApiKey, LedgerError, NewApiKey};

struct KeyRow {
    id: Uuid,
    name: String,
    hash: String,
    scopes: String,
    connections: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    is_over: bool,
}

impl TryFrom<KeyRow> for KnownApiKey {
    type Error = LedgerError;

    fn try_from(row: KeyRow) -> Result<Self, LedgerError> {
        Ok(Self {
            key: ApiKey {
                id: ApiKeyId(row.id),
                name: row.name,
                scopes: split(&row.scopes)?,
                connections: row.connections.as_deref().map(split).transpose()?,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
                last_used_at: row.last_used_at,
            },
            hash: row.hash,
            is_over: row.is_over,
        })
    }
}

#[async_trait]
impl ApiKeys for PostgresLedger {
    async fn add_api_key(&self, key: &NewApiKey, who: &str) -> Result<ApiKey, LedgerError> {
        let mut tx = self.begin("add API key").await?;
        let add = sqlx::query!(
            "
            INSERT INTO fleet.api_keys (id, name, hash, scopes, connections, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6)",
            key.id.0,
            key.name,
            key.hash,
            join(&key.scopes),
            key.connections.as_deref().map(join),
            key.expires_at,
        );
        add.execute(&mut *tx).await.map_err(|error| match &error {
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                LedgerError::NameTaken(key.name.clone())
            }
            _ => failed("add API key")(error),
        })?;
        let detail = json!({ "name": key.name, "scopes": join(&key.scopes), "by": who });
        audit(&mut tx, "api_key.create", Some(key.id.0), detail).await?;
        tx.commit().await.map_err(failed("add API key"))?;
        let known = self.api_key(key.id).await?;
        let known = known.ok_or_else(|| LedgerError::Corrupt("the key that was made is gone".to_owned()))?;
        Ok(known.key)
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, LedgerError> {
        let keys = || async {
            sqlx::query_as!(
                KeyRow,
                r#"
                SELECT id, name, hash, scopes, connections, created_at, expires_at, revoked_at, last_used_at,
                    coalesce(expires_at <= now(), false) AS "is_over!"
                FROM fleet.api_keys ORDER BY id DESC"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("API keys"))
        };
        let rows = persistently(keys).await?;
        rows.into_iter()
            .map(|row| Ok(KnownApiKey::try_from(row)?.key))
            .collect()
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<KnownApiKey>, LedgerError> {
        let key = sqlx::query_as!(
            KeyRow,
            r#"
            SELECT id, name, hash, scopes, connections, created_at, expires_at, revoked_at, last_used_at,
                coalesce(expires_at <= now(), false) AS "is_over!"
            FROM fleet.api_keys WHERE id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("API key"))?;
        key.map(KnownApiKey::try_from).transpose()
    }

    async fn revoke_api_key(&self, id: ApiKeyId, who: &str) -> Result<bool, LedgerError> {
        let mut tx = self.begin("revoke API key").await?;
        let revoke = sqlx::query!(
            "UPDATE fleet.api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL",
            id.0
        );
        let revoked = revoke.execute(&mut *tx).await.map_err(failed("revoke API key"))?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit(&mut tx, "api_key.revoke", Some(id.0), json!({ "by": who })).await?;
        tx.commit().await.map_err(failed("revoke API key"))?;
        Ok(true)
    }

    async fn note_api_key_use(&self, id: ApiKeyId) -> Result<(), LedgerError> {
        sqlx::query!(
            "
            UPDATE fleet.api_keys SET last_used_at = date_trunc('hour', now())
            WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < date_trunc('hour', now()))",
            id.0
        )
        .execute(&self.pool)
        .await
        .map_err(failed("note API key"))
        .map(drop)
    }
}
