//! Models on SQLite: one view of each kind for all connections.

use async_trait::async_trait;
use ledgerfleet_analysis::layouts;
use ledgerfleet_analysis::sqlite::{View, fingerprint, views};
use ledgerfleet_model::Connection;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::SqliteLedger;
use super::codec::Stamp;
use super::error::{commit_failed, failed};
use crate::models::with_layouts;
use crate::{Connections, Extent, LedgerError, Model, ModelState, Models, Refreshed, TypingNote};

#[derive(sqlx::FromRow)]
struct NoteRow {
    table_name: String,
    column_name: String,
    r#type: String,
    count: u64,
    id: String,
    text: String,
}

#[async_trait]
impl Models for SqliteLedger {
    async fn models(&self) -> Result<Vec<Model>, LedgerError> {
        let mut snapshot = self.read("models").await?;
        let state = state(&mut snapshot, &fingerprint(layouts())).await?;
        drop(snapshot);
        self.models_in(state).await
    }

    async fn lay_out(&self, extent: Extent) -> Result<Vec<Model>, LedgerError> {
        let fingerprint = fingerprint(layouts());
        let mut tx = self.write("lay out").await?;
        let found = state(&mut tx, &fingerprint).await?;
        if found != ModelState::Current || extent == Extent::All {
            drop_views(&mut tx).await?;
            for view in layouts().iter().flat_map(views) {
                make(&mut tx, view, &fingerprint, self.now()).await?;
            }
        }
        tx.commit().await.map_err(commit_failed("lay out"))?;
        self.models_in(ModelState::Current).await
    }

    async fn typing_notes(&self, connection: &Connection) -> Result<Vec<TypingNote>, LedgerError> {
        let mut snapshot = self.read("typing notes").await?;
        if state(&mut snapshot, &fingerprint(layouts())).await? == ModelState::Missing {
            return Ok(Vec::new());
        }
        let notes = format!(
            "SELECT table_name, column_name, type, count(*) AS count, min(id) AS id, min(text) AS text
             FROM {}_typing_notes WHERE connection = ?
             GROUP BY table_name, column_name, type ORDER BY table_name, column_name",
            connection.connector
        );
        let notes = sqlx::query_as::<_, NoteRow>(AssertSqlSafe(notes)).bind(&connection.name);
        let notes = notes
            .fetch_all(&mut *snapshot)
            .await
            .map_err(failed("typing notes"))?;
        Ok(notes
            .into_iter()
            .map(|row| TypingNote {
                table: row.table_name,
                column: row.column_name,
                kind: row.r#type,
                count: row.count,
                id: row.id,
                text: row.text,
            })
            .collect())
    }

    async fn refresh_typed(&self, connection: &Connection, extent: Extent) -> Result<Refreshed, LedgerError> {
        self.refresh_typed_once(connection, extent).await
    }

    async fn grant_models(&self, _role: &str) -> Result<u64, LedgerError> {
        Err(LedgerError::Unsuitable {
            what: "a file has no roles: whoever can read it reads all of it".to_owned(),
            next: "give people a copy: sqlite3 ledgerfleet.db \".backup copy.db\"",
        })
    }
}

impl SqliteLedger {
    async fn models_in(&self, state: ModelState) -> Result<Vec<Model>, LedgerError> {
        let connections = with_layouts(self.connections().await?);
        let model = |(connection, _): (Connection, _)| Model {
            place: format!("{}_", connection.connector),
            connection: connection.name,
            connector: connection.connector,
            state,
        };
        Ok(connections.into_iter().map(model).collect())
    }
}

/// Whether the views are those of this program.
async fn state(connection: &mut SqliteConnection, fingerprint: &str) -> Result<ModelState, LedgerError> {
    const STATE: &str = "
        SELECT count(*), count(*) FILTER (WHERE m.fingerprint <> ?1 OR s.name IS NULL)
        FROM fleet_models m LEFT JOIN sqlite_master s ON s.name = m.name AND s.type = 'view'";
    let read = sqlx::query_as(STATE).bind(fingerprint).fetch_one(connection);
    let (all, differing): (i64, i64) = read.await.map_err(failed("models"))?;
    Ok(match (all, differing) {
        (0, _) => ModelState::Missing,
        (_, 0) => ModelState::Current,
        _ => ModelState::Outdated,
    })
}

async fn drop_views(tx: &mut SqliteConnection) -> Result<(), LedgerError> {
    let names = sqlx::query_scalar("SELECT name FROM fleet_models").fetch_all(&mut *tx);
    let names: Vec<String> = names.await.map_err(failed("list views"))?;
    for name in names {
        let drop = sqlx::raw_sql(AssertSqlSafe(format!("DROP VIEW IF EXISTS \"{name}\"")));
        drop.execute(&mut *tx).await.map_err(failed("drop view"))?;
    }
    let forget = sqlx::query("DELETE FROM fleet_models").execute(tx);
    forget.await.map_err(failed("forget models"))?;
    Ok(())
}

async fn make(
    tx: &mut SqliteConnection,
    view: View,
    fingerprint: &str,
    now: Stamp,
) -> Result<(), LedgerError> {
    const KEEP: &str = "INSERT INTO fleet_models (name, fingerprint, laid_out_at) VALUES (?, ?, ?)";
    let make = sqlx::raw_sql(AssertSqlSafe(view.statement)).execute(&mut *tx);
    make.await.map_err(failed("make view"))?;
    let keep = sqlx::query(KEEP).bind(view.name).bind(fingerprint).bind(now);
    keep.execute(tx).await.map_err(failed("keep model"))?;
    Ok(())
}
