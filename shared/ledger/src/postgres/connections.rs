//! Connections and their sealed credentials on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment, RefusalCause};
use sqlx::PgConnection;

use super::PostgresLedger;
use super::codec::{plain, small};
use super::connection_rows::{ConnectionRow, RemovedRow};
use super::error::{failed, patiently, persistently};
use super::master_key::refuse_former_key;
use super::removing::forget_reading;
use super::segments::audit;
use crate::{
    ConnectionChange, Connections, LedgerError, NewConnection, Purge, RemovedConnection, SealedCredential,
};

#[async_trait]
impl Connections for PostgresLedger {
    async fn add_connection(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        persistently(|| self.add_once(new, credential)).await
    }

    async fn reconnect(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        persistently(|| self.reconnect_once(new, credential)).await
    }

    async fn change_connection(
        &self,
        id: ConnectionId,
        change: &ConnectionChange,
    ) -> Result<Connection, LedgerError> {
        persistently(|| self.change_once(id, change)).await
    }

    async fn removed_connections(&self) -> Result<Vec<RemovedConnection>, LedgerError> {
        let removed = || async {
            sqlx::query_as!(
                RemovedRow,
                r#"
                SELECT id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
                    state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at,
                    retired_version
                FROM fleet.connections WHERE state = 'removed' ORDER BY created_at DESC, id DESC"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("removed connections"))
        };
        let rows = persistently(removed).await?;
        Ok(rows.into_iter().map(RemovedConnection::from).collect())
    }

    async fn connections(&self) -> Result<Vec<Connection>, LedgerError> {
        let all = || async {
            sqlx::query_as!(
                ConnectionRow,
                r#"
                SELECT id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
                    state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at
                FROM fleet.connections WHERE state <> 'removed' ORDER BY name"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("connections"))
        };
        Ok(persistently(all)
            .await?
            .into_iter()
            .map(Connection::from)
            .collect())
    }

    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, LedgerError> {
        let one = || async {
            sqlx::query_as!(
                ConnectionRow,
                r#"
                SELECT id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
                    state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at
                FROM fleet.connections WHERE id = $1"#,
                id.0
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("connection"))
        };
        Ok(persistently(one).await?.map(Connection::from))
    }

    async fn set_connection_state(
        &self,
        id: ConnectionId,
        state: ConnectionState,
        reason: Option<&str>,
    ) -> Result<(), LedgerError> {
        if state == ConnectionState::Removed {
            return self.remove_connection(id, Purge::KeepRecords).await.map(drop);
        }
        let reason = reason.map(plain);
        let set = || async {
            sqlx::query!(
                "
                UPDATE fleet.connections
                SET state = CASE state WHEN 'removed' THEN state ELSE $2 END,
                    state_reason = CASE state WHEN 'removed' THEN state_reason ELSE $3 END,
                    state_cause = NULL
                WHERE id = $1",
                id.0,
                state.as_str(),
                reason.as_deref(),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("set connection state"))
        };
        match persistently(set).await?.rows_affected() {
            0 => Err(LedgerError::NoSuchConnection(id)),
            _ => Ok(()),
        }
    }

    async fn park_connection(
        &self,
        id: ConnectionId,
        since: DateTime<Utc>,
        cause: RefusalCause,
        reason: &str,
    ) -> Result<bool, LedgerError> {
        let reason = plain(reason);
        let park = || async {
            sqlx::query!(
                "
                UPDATE fleet.connections
                SET state = 'needs_reauthorisation', state_reason = $3, state_cause = $4
                WHERE id = $1 AND state = 'active'
                  AND NOT EXISTS (SELECT 1 FROM fleet.credentials WHERE connection_id = $1 AND stored_at > $2)",
                id.0,
                since,
                &*reason,
                cause.as_str(),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("park connection"))
        };
        Ok(persistently(park).await?.rows_affected() == 1)
    }

    async fn remove_connection(&self, id: ConnectionId, purge: Purge) -> Result<u64, LedgerError> {
        patiently(|| self.remove_once(id, purge)).await
    }

    async fn credential(&self, id: ConnectionId) -> Result<Option<SealedCredential>, LedgerError> {
        struct CredentialRow {
            version: i64,
            sealed: String,
            stored_at: DateTime<Utc>,
        }
        let one = || async {
            sqlx::query_as!(
                CredentialRow,
                "SELECT version, sealed, stored_at FROM fleet.credentials WHERE connection_id = $1",
                id.0
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("credential"))
        };
        Ok(persistently(one).await?.map(|row| SealedCredential {
            version: row.version,
            sealed: row.sealed,
            stored_at: Some(row.stored_at),
        }))
    }

    async fn replace_credential(
        &self,
        id: ConnectionId,
        expected: i64,
        new: &SealedCredential,
    ) -> Result<bool, LedgerError> {
        persistently(|| self.replace_once(id, expected, new)).await
    }
}

impl PostgresLedger {
    async fn replace_once(
        &self,
        id: ConnectionId,
        expected: i64,
        new: &SealedCredential,
    ) -> Result<bool, LedgerError> {
        let mut tx = self.begin("replace credential").await?;
        refuse_former_key(&mut tx, &new.sealed).await?;
        // The seal is bound to the version: one that does not follow could never be opened again.
        let replace = sqlx::query!(
            "
            UPDATE fleet.credentials
            SET version = $3, sealed = $4, stored_at = now(), intent_worker = NULL, intent_until = NULL
            WHERE connection_id = $1 AND version = $2 AND $3 = version + 1",
            id.0,
            expected,
            new.version,
            &new.sealed,
        );
        let replaced = replace
            .execute(&mut *tx)
            .await
            .map_err(failed("replace credential"))?;
        tx.commit().await.map_err(failed("replace credential"))?;
        Ok(replaced.rows_affected() == 1)
    }

    async fn add_once(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        let mut tx = self.begin("add connection").await?;
        let connection = insert_connection(&mut tx, new).await?;
        insert_credential(&mut tx, new.id, credential).await?;
        tx.commit().await.map_err(failed("add connection"))?;
        Ok(connection)
    }

    async fn reconnect_once(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        let mut tx = self.begin("reconnect").await?;
        let reconnect = sqlx::query_as!(
            ConnectionRow,
            r#"
            UPDATE fleet.connections
            SET name = $2, time_zone = $3, requests_per_second = $4, slots = $5, state = 'active', state_reason = NULL,
                state_cause = NULL
            WHERE id = $1 AND state = 'removed' AND connector = $6 AND environment = $7 AND account = $8
              AND retired_version = $9::bigint - 1
            RETURNING id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
                state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at"#,
            new.id.0,
            &new.name,
            new.time_zone.name(),
            new.requests_per_second,
            new.slots.map(small),
            &new.connector,
            new.environment.as_str(),
            &new.account,
            credential.version,
        );
        let row = reconnect
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| taken(error, "reconnect", &new.name, &new.account))?;
        let connection = row.map(Connection::from);
        let connection = connection.ok_or(LedgerError::NoSuchConnection(new.id))?;
        insert_credential(&mut tx, new.id, credential).await?;
        let detail = serde_json::json!({ "name": new.name });
        audit(&mut tx, "connection.reconnect", Some(new.id.0), detail).await?;
        tx.commit().await.map_err(failed("reconnect"))?;
        Ok(connection)
    }

    async fn change_once(
        &self,
        id: ConnectionId,
        change: &ConnectionChange,
    ) -> Result<Connection, LedgerError> {
        let before = self.connection(id).await?;
        let before = before.ok_or(LedgerError::NoSuchConnection(id))?;
        let name = change.name.as_ref().unwrap_or(&before.name);
        let account = change.account.as_ref().unwrap_or(&before.account);
        let mut tx = self.begin("change connection").await?;
        let changed = sqlx::query_as!(
            ConnectionRow,
            r#"
            UPDATE fleet.connections
            SET name = coalesce($2, name), environment = coalesce($3, environment), account = coalesce($4, account)
            WHERE id = $1 AND state <> 'removed'
            RETURNING id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
                state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at"#,
            id.0,
            change.name.as_deref(),
            change.environment.map(Environment::as_str),
            change.account.as_deref(),
        );
        let row = changed
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| taken(error, "change connection", name, account))?;
        let connection = Connection::from(row.ok_or(LedgerError::NoSuchConnection(id))?);
        if before.environment != connection.environment {
            forget_reading(&mut tx, id).await?;
        }
        let detail = serde_json::json!({
            "name": [before.name, connection.name],
            "environment": [before.environment, connection.environment],
            "account": [before.account, connection.account],
        });
        audit(&mut tx, "connection.change", Some(id.0), detail).await?;
        tx.commit().await.map_err(failed("change connection"))?;
        Ok(connection)
    }
}

async fn insert_connection(tx: &mut PgConnection, new: &NewConnection) -> Result<Connection, LedgerError> {
    let insert = sqlx::query_as!(
        ConnectionRow,
        r#"
        INSERT INTO fleet.connections (id, name, connector, account, environment, time_zone, state,
            requests_per_second, slots, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8, now())
        RETURNING id, name, connector, account, environment AS "environment: _", time_zone AS "time_zone: _",
            state AS "state: _", state_reason, state_cause AS "state_cause: _", requests_per_second, slots AS "slots: _", created_at"#,
        new.id.0,
        &new.name,
        &new.connector,
        &new.account,
        new.environment.as_str(),
        new.time_zone.name(),
        new.requests_per_second,
        new.slots.map(small),
    );
    let row = insert
        .fetch_one(tx)
        .await
        .map_err(|error| taken(error, "insert connection", &new.name, &new.account))?;
    Ok(row.into())
}

/// Tells which of the two that are each connected once is there already.
fn taken(error: sqlx::Error, step: &'static str, name: &str, account: &str) -> LedgerError {
    let index = match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => cause.constraint(),
        _ => None,
    };
    match index {
        Some("connections_name") => LedgerError::NameTaken(name.to_owned()),
        Some("connections_company") => LedgerError::CompanyTaken(account.to_owned()),
        _ => failed(step)(error),
    }
}

async fn insert_credential(
    tx: &mut PgConnection,
    id: ConnectionId,
    credential: &SealedCredential,
) -> Result<(), LedgerError> {
    refuse_former_key(tx, &credential.sealed).await?;
    let insert = sqlx::query!(
        "INSERT INTO fleet.credentials (connection_id, version, sealed, stored_at) VALUES ($1, $2, $3, now())",
        id.0,
        credential.version,
        &credential.sealed,
    );
    insert.execute(tx).await.map_err(failed("insert credential"))?;
    Ok(())
}
