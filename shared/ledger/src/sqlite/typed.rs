//! Copies of the tables in a file. What has changed since the last refresh is noted by triggers, for connections that have
//! copies: no clock has a say in it.

use ledgerfleet_analysis::sqlite::{Renewal, Stored, renewals, stored, typed_fingerprint, typed_views};
use ledgerfleet_analysis::{Layout, layout, layouts};
use ledgerfleet_model::Connection;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::SqliteLedger;
use super::codec::Stamp;
use super::error::{commit_failed, failed};
use crate::{Extent, LedgerError, Refreshed};

impl SqliteLedger {
    pub(super) async fn refresh_typed_once(
        &self,
        connection: &Connection,
        extent: Extent,
    ) -> Result<Refreshed, LedgerError> {
        let Some(layout) = layout(&connection.connector) else {
            return Ok(Refreshed::nothing(connection));
        };
        let mut tx = self.write("refresh").await?;
        forget_removed(&mut tx).await?;
        let id = connection.id.to_string();
        if is_removed(&mut tx, &id).await? {
            tx.commit().await.map_err(commit_failed("refresh"))?;
            return Ok(Refreshed::nothing(connection));
        }
        make(&mut tx).await?;
        let has_copies = "SELECT EXISTS (SELECT 1 FROM fleet_typed_models WHERE connection_id = ?1)";
        let has_copies: bool = one(&mut tx, has_copies, &id).await?;
        let extent = if has_copies { extent } else { Extent::All };
        let records = match extent {
            Extent::All => fill(&mut tx, layout, &id).await?,
            Extent::Differing => renew(&mut tx, layout, &id).await?,
        };
        do_for(
            &mut tx,
            "DELETE FROM fleet_typed_changes WHERE connection_id = ?1",
            &id,
        )
        .await?;
        keep(&mut tx, &id, self.now()).await?;
        tx.commit().await.map_err(commit_failed("refresh"))?;
        Ok(Refreshed {
            connection: connection.name.clone(),
            place: format!("{}_typed_", layout.connector),
            extent,
            records,
        })
    }
}

async fn is_removed(tx: &mut SqliteConnection, id: &str) -> Result<bool, LedgerError> {
    const REMOVED: &str =
        "SELECT NOT EXISTS (SELECT 1 FROM fleet_connections WHERE id = ?1 AND state <> 'removed')";
    one(tx, REMOVED, id).await
}

/// Takes out the rows of connections that are no more. The views have not shown them since.
async fn forget_removed(tx: &mut SqliteConnection) -> Result<(), LedgerError> {
    const REMOVED: &str = "
        SELECT m.connection_id, c.connector FROM fleet_typed_models m JOIN fleet_connections c ON c.id = m.connection_id
        WHERE c.state = 'removed'";
    let removed = sqlx::query_as(REMOVED).fetch_all(&mut *tx).await;
    let removed: Vec<(String, String)> = removed.map_err(failed("removed copies"))?;
    for (id, connector) in removed {
        for table in layout(&connector).map(stored).unwrap_or_default() {
            if is_there(tx, &table.name).await? {
                do_for(tx, &table.empty, &id).await?;
            }
        }
        for own in ["fleet_typed_changes", "fleet_typed_models"] {
            do_for(tx, &format!("DELETE FROM {own} WHERE connection_id = ?1"), &id).await?;
        }
    }
    Ok(())
}

async fn is_there(tx: &mut SqliteConnection, name: &str) -> Result<bool, LedgerError> {
    one(
        tx,
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?1)",
        name,
    )
    .await
}

/// Makes tables and views if they are missing or of another version. Then no connection has copies.
async fn make(tx: &mut SqliteConnection) -> Result<(), LedgerError> {
    const DIFFERING: &str = "
        SELECT NOT EXISTS (SELECT 1 FROM fleet_typed_relations) OR EXISTS (
            SELECT 1 FROM fleet_typed_relations r LEFT JOIN sqlite_master s ON s.name = r.name AND s.type = r.type
            WHERE r.fingerprint <> ?1 OR s.name IS NULL)";
    let fingerprint = typed_fingerprint(layouts());
    let differing: bool = one(tx, DIFFERING, &fingerprint).await?;
    if !differing {
        return Ok(());
    }
    let former = sqlx::query_as("SELECT name, type FROM fleet_typed_relations")
        .fetch_all(&mut *tx)
        .await;
    let former: Vec<(String, String)> = former.map_err(failed("typed tables"))?;
    for (name, kind) in former {
        run(tx, &format!("DROP {kind} IF EXISTS \"{name}\"")).await?;
    }
    run(
        tx,
        "DELETE FROM fleet_typed_relations; DELETE FROM fleet_typed_models; DELETE FROM fleet_typed_changes",
    )
    .await?;
    for layout in layouts() {
        for table in stored(layout) {
            make_one(tx, &table.name, "table", &table.create, &fingerprint).await?;
        }
        for view in typed_views(layout) {
            make_one(tx, &view.name, "view", &view.statement, &fingerprint).await?;
        }
    }
    Ok(())
}

async fn make_one(
    tx: &mut SqliteConnection,
    name: &str,
    kind: &str,
    statement: &str,
    fingerprint: &str,
) -> Result<(), LedgerError> {
    const KEEP: &str = "INSERT INTO fleet_typed_relations (name, type, fingerprint) VALUES (?, ?, ?)";
    run(tx, statement).await?;
    let keep = sqlx::query(KEEP).bind(name).bind(kind).bind(fingerprint);
    keep.execute(tx).await.map_err(failed("keep typed table"))?;
    Ok(())
}

async fn fill(tx: &mut SqliteConnection, layout: &Layout, id: &str) -> Result<u64, LedgerError> {
    for Stored { empty, fill, .. } in stored(layout) {
        do_for(tx, &empty, id).await?;
        do_for(tx, &fill, id).await?;
    }
    let records: i64 = one(
        tx,
        "SELECT count(*) FROM raw_records WHERE connection_id = ?1",
        id,
    )
    .await?;
    Ok(records.unsigned_abs())
}

async fn renew(tx: &mut SqliteConnection, layout: &Layout, id: &str) -> Result<u64, LedgerError> {
    const CHANGED: &str =
        "SELECT entity, count(*) FROM fleet_typed_changes WHERE connection_id = ?1 GROUP BY entity";
    let changed = sqlx::query_as(CHANGED).bind(id).fetch_all(&mut *tx).await;
    let changed: Vec<(String, i64)> = changed.map_err(failed("changed records"))?;
    let entities = changed
        .iter()
        .filter_map(|(entity, _)| entity.strip_prefix(layout.raw_prefix));
    let entities: Vec<String> = entities.map(ToOwned::to_owned).collect();
    for Renewal { forget, renew } in renewals(layout, &entities) {
        do_for(tx, &forget, id).await?;
        do_for(tx, &renew, id).await?;
    }
    Ok(changed.iter().map(|(_, count)| count.unsigned_abs()).sum())
}

async fn keep(tx: &mut SqliteConnection, id: &str, now: Stamp) -> Result<(), LedgerError> {
    const KEEP: &str = "
        INSERT INTO fleet_typed_models (connection_id, refreshed_at) VALUES (?1, ?2)
        ON CONFLICT (connection_id) DO UPDATE SET refreshed_at = excluded.refreshed_at";
    let keep = sqlx::query(KEEP).bind(id).bind(now).execute(tx);
    keep.await.map_err(failed("keep copies"))?;
    Ok(())
}

async fn one<T>(tx: &mut SqliteConnection, statement: &str, argument: &str) -> Result<T, LedgerError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    let one = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).bind(argument.to_owned());
    one.fetch_one(tx).await.map_err(failed("refresh"))
}

async fn do_for(tx: &mut SqliteConnection, statement: &str, id: &str) -> Result<(), LedgerError> {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).bind(id.to_owned());
    done.execute(tx).await.map_err(failed("copy rows"))?;
    Ok(())
}

async fn run(tx: &mut SqliteConnection, statements: &str) -> Result<(), LedgerError> {
    let run = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(tx);
    run.await.map_err(failed("make typed tables"))?;
    Ok(())
}
