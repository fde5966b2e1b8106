//! API keys on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::ApiKeyId;
use serde_json::json;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use super::segments::audit;
use crate::words_list::{join, split};
use crate::{ApiKey, ApiKeys, KnownApiKey, LedgerError, NewApiKey};

#[derive(Debug, sqlx::FromRow)]
struct KeyRow {
    id: Text<ApiKeyId>,
    name: String,
    hash: String,
    scopes: String,
    connections: Option<String>,
    created_at: Stamp,
    expires_at: Option<Stamp>,
    revoked_at: Option<Stamp>,
    last_used_at: Option<Stamp>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = LedgerError;

    fn try_from(row: KeyRow) -> Result<Self, LedgerError> {
        Ok(Self {
            id: row.id.0,
            name: row.name,
            scopes: split(&row.scopes)?,
            connections: row.connections.as_deref().map(split).transpose()?,
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|at| at.0),
            revoked_at: row.revoked_at.map(|at| at.0),
            last_used_at: row.last_used_at.map(|at| at.0),
        })
    }
}

#[async_trait]
impl ApiKeys for SqliteLedger {
    async fn add_api_key(&self, key: &NewApiKey, who: &str) -> Result<ApiKey, LedgerError> {
        const ADD: &str = "
            INSERT INTO fleet_api_keys (id, name, hash, scopes, connections, created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            RETURNING *";
        let mut tx = self.write("add API key").await?;
        let now = self.now();
        let add = sqlx::query_as(ADD)
            .bind(Text(key.id))
            .bind(&key.name)
            .bind(&key.hash)
            .bind(join(&key.scopes))
            .bind(key.connections.as_deref().map(join))
            .bind(now)
            .bind(key.expires_at.map(Stamp::from));
        let row: KeyRow = add.fetch_one(&mut *tx).await.map_err(|error| match &error {
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                LedgerError::NameTaken(key.name.clone())
            }
            _ => failed("add API key")(error),
        })?;
        let detail = json!({ "name": key.name, "scopes": join(&key.scopes), "by": who });
        audit(&mut tx, now, "api_key.create", Some(key.id.to_string()), detail).await?;
        tx.commit().await.map_err(failed("add API key"))?;
        row.try_into()
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, LedgerError> {
        let rows: Vec<KeyRow> = sqlx::query_as("SELECT * FROM fleet_api_keys ORDER BY id DESC")
            .fetch_all(&self.readers)
            .await
            .map_err(failed("API keys"))?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<KnownApiKey>, LedgerError> {
        let row: Option<KeyRow> = sqlx::query_as("SELECT * FROM fleet_api_keys WHERE id = ?")
            .bind(Text(id))
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("API key"))?;
        let now = self.now();
        row.map(|row| {
            let is_over = row.expires_at.is_some_and(|at| at <= now);
            let hash = row.hash.clone();
            Ok(KnownApiKey {
                key: row.try_into()?,
                hash,
                is_over,
            })
        })
        .transpose()
    }

    async fn revoke_api_key(&self, id: ApiKeyId, who: &str) -> Result<bool, LedgerError> {
        const REVOKE: &str = "UPDATE fleet_api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        let mut tx = self.write("revoke API key").await?;
        let now = self.now();
        let revoke = sqlx::query(REVOKE).bind(Text(id)).bind(now);
        let revoked = revoke.execute(&mut *tx).await.map_err(failed("revoke API key"))?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit(
            &mut tx,
            now,
            "api_key.revoke",
            Some(id.to_string()),
            json!({ "by": who }),
        )
        .await?;
        tx.commit().await.map_err(failed("revoke API key"))?;
        Ok(true)
    }

    async fn note_api_key_use(&self, id: ApiKeyId) -> Result<(), LedgerError> {
        const NOTE: &str = "
            UPDATE fleet_api_keys SET last_used_at = ?2
            WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        let mut tx = self.write("note API key").await?;
        let note = sqlx::query(NOTE).bind(Text(id)).bind(self.now().hour());
        note.execute(&mut *tx).await.map_err(failed("note API key"))?;
        tx.commit().await.map_err(failed("note API key"))
    }
}
