//! Connections and their sealed credentials on SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment, RefusalCause};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::cancelling::{Cancelled, cancel};
use super::codec::{Stamp, Text};
use super::error::failed;
use super::master_key::refuse_former_key;
use super::segments::audit;
use crate::{
    ConnectionChange, Connections, LedgerError, NewConnection, Purge, RemovedConnection, SealedCredential,
};

#[derive(sqlx::FromRow)]
struct ConnectionRow {
    id: Text<ConnectionId>,
    name: String,
    connector: String,
    account: String,
    environment: Text<Environment>,
    time_zone: Text<Tz>,
    state: Text<ConnectionState>,
    state_reason: Option<String>,
    state_cause: Option<Text<RefusalCause>>,
    requests_per_second: Option<f64>,
    slots: Option<u32>,
    created_at: Stamp,
}

impl From<ConnectionRow> for Connection {
    fn from(row: ConnectionRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            connector: row.connector,
            account: row.account,
            environment: row.environment.0,
            time_zone: row.time_zone.0,
            state: row.state.0,
            state_reason: row.state_reason,
            state_cause: row.state_cause.map(|cause| cause.0),
            requests_per_second: row.requests_per_second,
            slots: row.slots,
            created_at: row.created_at.0,
        }
    }
}

#[async_trait]
impl Connections for SqliteLedger {
    async fn add_connection(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        let mut tx = self.write("add connection").await?;
        let now = self.now();
        let connection = insert_connection(&mut tx, now, new).await?;
        insert_credential(&mut tx, now, new.id, credential).await?;
        tx.commit().await.map_err(failed("add connection"))?;
        Ok(connection)
    }

    async fn reconnect(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError> {
        const RECONNECT: &str = "
            UPDATE fleet_connections
            SET name = ?2, time_zone = ?3, requests_per_second = ?4, slots = ?5, state = 'active', state_reason = NULL,
                state_cause = NULL
            WHERE id = ?1 AND state = 'removed' AND connector = ?6 AND environment = ?7 AND account = ?8
              AND retired_version = ?9 - 1
            RETURNING *";
        let mut tx = self.write("reconnect").await?;
        let now = self.now();
        let reconnect = sqlx::query_as(RECONNECT)
            .bind(Text(new.id))
            .bind(&new.name)
            .bind(Text(new.time_zone))
            .bind(new.requests_per_second)
            .bind(new.slots)
            .bind(&new.connector)
            .bind(Text(new.environment))
            .bind(&new.account)
            .bind(credential.version);
        let row: Option<ConnectionRow> = reconnect
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| taken(error, "reconnect", &new.name, &new.account))?;
        let connection = row.map(Connection::from);
        let connection = connection.ok_or(LedgerError::NoSuchConnection(new.id))?;
        insert_credential(&mut tx, now, new.id, credential).await?;
        let detail = serde_json::json!({ "name": new.name });
        audit(
            &mut tx,
            now,
            "connection.reconnect",
            Some(new.id.to_string()),
            detail,
        )
        .await?;
        tx.commit().await.map_err(failed("reconnect"))?;
        Ok(connection)
    }

    async fn change_connection(
        &self,
        id: ConnectionId,
        change: &ConnectionChange,
    ) -> Result<Connection, LedgerError> {
        const CHANGE: &str = "
            UPDATE fleet_connections
            SET name = coalesce(?2, name), environment = coalesce(?3, environment), account = coalesce(?4, account)
            WHERE id = ?1 AND state <> 'removed'
            RETURNING *";
        let mut tx = self.write("change connection").await?;
        let now = self.now();
        let before: Option<ConnectionRow> = sqlx::query_as("SELECT * FROM fleet_connections WHERE id = ?")
            .bind(Text(id))
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("change connection"))?;
        let before = before.ok_or(LedgerError::NoSuchConnection(id))?;
        let name = change.name.as_ref().unwrap_or(&before.name);
        let account = change.account.as_ref().unwrap_or(&before.account);
        let row: Option<ConnectionRow> = sqlx::query_as(CHANGE)
            .bind(Text(id))
            .bind(&change.name)
            .bind(change.environment.map(Text))
            .bind(&change.account)
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| taken(error, "change connection", name, account))?;
        let connection = Connection::from(row.ok_or(LedgerError::NoSuchConnection(id))?);
        if before.environment.0 != connection.environment {
            forget_reading(&mut tx, id).await?;
        }
        let detail = serde_json::json!({
            "name": [before.name, connection.name],
            "environment": [before.environment.0, connection.environment],
            "account": [before.account, connection.account],
        });
        audit(&mut tx, now, "connection.change", Some(id.to_string()), detail).await?;
        tx.commit().await.map_err(failed("change connection"))?;
        Ok(connection)
    }

    async fn removed_connections(&self) -> Result<Vec<RemovedConnection>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct RemovedRow {
            #[sqlx(flatten)]
            connection: ConnectionRow,
            retired_version: i64,
        }
        const REMOVED: &str =
            "SELECT * FROM fleet_connections WHERE state = 'removed' ORDER BY created_at DESC, id DESC";
        let rows: Vec<RemovedRow> = sqlx::query_as(REMOVED)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("removed connections"))?;
        let removed = |row: RemovedRow| RemovedConnection {
            connection: row.connection.into(),
            last_version: row.retired_version,
        };
        Ok(rows.into_iter().map(removed).collect())
    }

    async fn connections(&self) -> Result<Vec<Connection>, LedgerError> {
        const ALL: &str = "SELECT * FROM fleet_connections WHERE state <> 'removed' ORDER BY name";
        let rows: Vec<ConnectionRow> = sqlx::query_as(ALL)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("connections"))?;
        Ok(rows.into_iter().map(Connection::from).collect())
    }

    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, LedgerError> {
        const ONE: &str = "SELECT * FROM fleet_connections WHERE id = ?";
        let one = sqlx::query_as(ONE).bind(Text(id)).fetch_optional(&self.readers);
        let row: Option<ConnectionRow> = one.await.map_err(failed("connection"))?;
        Ok(row.map(Connection::from))
    }

    async fn set_connection_state(
        &self,
        id: ConnectionId,
        state: ConnectionState,
        reason: Option<&str>,
    ) -> Result<(), LedgerError> {
        const SET: &str = "
            UPDATE fleet_connections
            SET state = CASE state WHEN 'removed' THEN state ELSE ?2 END,
                state_reason = CASE state WHEN 'removed' THEN state_reason ELSE ?3 END,
                state_cause = NULL
            WHERE id = ?1";
        if state == ConnectionState::Removed {
            return self.remove_connection(id, Purge::KeepRecords).await.map(drop);
        }
        let mut tx = self.write("set connection state").await?;
        let set = sqlx::query(SET).bind(Text(id)).bind(Text(state)).bind(reason);
        let set = set
            .execute(&mut *tx)
            .await
            .map_err(failed("set connection state"))?;
        if set.rows_affected() == 0 {
            return Err(LedgerError::NoSuchConnection(id));
        }
        tx.commit().await.map_err(failed("set connection state"))
    }

    async fn park_connection(
        &self,
        id: ConnectionId,
        since: DateTime<Utc>,
        cause: RefusalCause,
        reason: &str,
    ) -> Result<bool, LedgerError> {
        const PARK: &str = "
            UPDATE fleet_connections SET state = 'needs_reauthorisation', state_reason = ?3, state_cause = ?4
            WHERE id = ?1 AND state = 'active'
              AND NOT EXISTS (SELECT 1 FROM fleet_credentials WHERE connection_id = ?1 AND stored_at > ?2)";
        let mut tx = self.write("park connection").await?;
        let park = sqlx::query(PARK)
            .bind(Text(id))
            .bind(Stamp::from(since))
            .bind(reason)
            .bind(Text(cause));
        let parked = park.execute(&mut *tx).await.map_err(failed("park connection"))?;
        tx.commit().await.map_err(failed("park connection"))?;
        Ok(parked.rows_affected() == 1)
    }

    async fn remove_connection(&self, id: ConnectionId, purge: Purge) -> Result<u64, LedgerError> {
        const REMOVE: &str = "
            UPDATE fleet_connections
            SET state = 'removed', state_reason = NULL, state_cause = NULL, retired_version = coalesce(
                (SELECT version FROM fleet_credentials WHERE connection_id = ?1), retired_version)
            WHERE id = ?1";
        const FORGET_CREDENTIAL: &str = "DELETE FROM fleet_credentials WHERE connection_id = ?";
        const FORGET_REFRESHES: &str = "DELETE FROM fleet_refreshes WHERE connection_id = ?";
        let mut tx = self.write("remove connection").await?;
        let now = self.now();
        let removed = sqlx::query(REMOVE).bind(Text(id)).execute(&mut *tx).await;
        if removed.map_err(failed("remove connection"))?.rows_affected() == 0 {
            return Err(LedgerError::NoSuchConnection(id));
        }
        let forget = sqlx::query(FORGET_CREDENTIAL).bind(Text(id)).execute(&mut *tx);
        forget.await.map_err(failed("forget credential"))?;
        let forget = sqlx::query(FORGET_REFRESHES).bind(Text(id)).execute(&mut *tx);
        forget.await.map_err(failed("forget refreshes"))?;
        let cancelled = cancel(&mut tx, now, Cancelled::OfConnection(id)).await?;
        let deleted = match purge {
            Purge::KeepRecords => 0,
            Purge::DeleteRecords => delete_records(&mut tx, id).await?,
        };
        let detail = serde_json::json!({ "segments_cancelled": cancelled, "records_deleted": deleted });
        audit(&mut tx, now, "connection.remove", Some(id.to_string()), detail).await?;
        tx.commit().await.map_err(failed("remove connection"))?;
        Ok(deleted)
    }

    async fn credential(&self, id: ConnectionId) -> Result<Option<SealedCredential>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct CredentialRow {
            version: i64,
            sealed: String,
            stored_at: Stamp,
        }
        const CREDENTIAL: &str =
            "SELECT version, sealed, stored_at FROM fleet_credentials WHERE connection_id = ?";
        let one = sqlx::query_as(CREDENTIAL)
            .bind(Text(id))
            .fetch_optional(&self.readers);
        let row: Option<CredentialRow> = one.await.map_err(failed("credential"))?;
        Ok(row.map(|row| SealedCredential {
            version: row.version,
            sealed: row.sealed,
            stored_at: Some(row.stored_at.0),
        }))
    }

    async fn replace_credential(
        &self,
        id: ConnectionId,
        expected: i64,
        new: &SealedCredential,
    ) -> Result<bool, LedgerError> {
        // The seal is bound to the version: one that does not follow could never be opened again.
        const REPLACE: &str = "
            UPDATE fleet_credentials
            SET version = ?3, sealed = ?4, stored_at = ?5, intent_worker = NULL, intent_until = NULL
            WHERE connection_id = ?1 AND version = ?2 AND ?3 = version + 1";
        let mut tx = self.write("replace credential").await?;
        refuse_former_key(&mut tx, &new.sealed).await?;
        let replace = sqlx::query(REPLACE)
            .bind(Text(id))
            .bind(expected)
            .bind(new.version)
            .bind(&new.sealed)
            .bind(self.now());
        let replaced = replace
            .execute(&mut *tx)
            .await
            .map_err(failed("replace credential"))?;
        tx.commit().await.map_err(failed("replace credential"))?;
        Ok(replaced.rows_affected() == 1)
    }
}

async fn insert_connection(
    tx: &mut SqliteConnection,
    now: Stamp,
    new: &NewConnection,
) -> Result<Connection, LedgerError> {
    const INSERT: &str = "
        INSERT INTO fleet_connections (id, name, connector, account, environment, time_zone, state,
            requests_per_second, slots, created_at)
        VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)
        RETURNING *";
    let row: ConnectionRow = sqlx::query_as(INSERT)
        .bind(Text(new.id))
        .bind(&new.name)
        .bind(&new.connector)
        .bind(&new.account)
        .bind(Text(new.environment))
        .bind(Text(new.time_zone))
        .bind(new.requests_per_second)
        .bind(new.slots)
        .bind(now)
        .fetch_one(tx)
        .await
        .map_err(|error| taken(error, "insert connection", &new.name, &new.account))?;
    Ok(row.into())
}

/// Tells which of the two that are each connected once is there already.
fn taken(error: sqlx::Error, step: &'static str, name: &str, account: &str) -> LedgerError {
    let said = match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => cause.message(),
        _ => "",
    };
    if said.contains("fleet_connections.name") {
        LedgerError::NameTaken(name.to_owned())
    } else if said.contains("fleet_connections.account") {
        LedgerError::CompanyTaken(account.to_owned())
    } else {
        failed(step)(error)
    }
}

async fn insert_credential(
    tx: &mut SqliteConnection,
    now: Stamp,
    id: ConnectionId,
    credential: &SealedCredential,
) -> Result<(), LedgerError> {
    const INSERT: &str =
        "INSERT INTO fleet_credentials (connection_id, version, sealed, stored_at) VALUES (?, ?, ?, ?)";
    refuse_former_key(tx, &credential.sealed).await?;
    let insert = sqlx::query(INSERT)
        .bind(Text(id))
        .bind(credential.version)
        .bind(&credential.sealed)
        .bind(now);
    insert.execute(tx).await.map_err(failed("insert credential"))?;
    Ok(())
}

/// Deletes a connection's records, and with them the claims that anything of it is covered or in sync.
async fn delete_records(tx: &mut SqliteConnection, id: ConnectionId) -> Result<u64, LedgerError> {
    const RECORDS: &str = "DELETE FROM raw_records WHERE connection_id = ?";
    const QUARANTINE: &str = "DELETE FROM fleet_quarantine WHERE connection_id = ?";
    let records = sqlx::query(RECORDS).bind(Text(id)).execute(&mut *tx).await;
    let deleted = records.map_err(failed("delete records"))?.rows_affected();
    let quarantine = sqlx::query(QUARANTINE).bind(Text(id)).execute(&mut *tx).await;
    quarantine.map_err(failed("delete quarantine"))?;
    forget_reading(tx, id).await?;
    Ok(deleted)
}

/// Forgets that anything of a connection is covered or in sync.
async fn forget_reading(tx: &mut SqliteConnection, id: ConnectionId) -> Result<(), LedgerError> {
    const COVERAGE: &str = "DELETE FROM fleet_coverage WHERE connection_id = ?";
    const STATES: &str = "DELETE FROM fleet_sync_states WHERE connection_id = ?";
    const UPKEEP: &str =
        "UPDATE fleet_sync_schedules SET recounted_at = NULL, reread_at = NULL WHERE connection_id = ?";
    let coverage = sqlx::query(COVERAGE).bind(Text(id)).execute(&mut *tx).await;
    coverage.map_err(failed("delete coverage"))?;
    let states = sqlx::query(STATES).bind(Text(id)).execute(&mut *tx).await;
    states.map_err(failed("delete sync states"))?;
    let upkeep = sqlx::query(UPKEEP).bind(Text(id)).execute(tx).await;
    upkeep.map_err(failed("forget upkeep"))?;
    Ok(())
}
