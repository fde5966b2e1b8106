//! Copies of the tables on Postgres: a second schema for each connection, whose tables have rows.
//!
//! What has changed is what transactions have written that the last refresh did not see: `xmin` of a row against the oldest
//! transaction that was running then. That is exact, needs no clock, and costs nothing when records are written.

use ledgerfleet_analysis::layout;
use ledgerfleet_analysis::postgres::{Schema, is_too_long, schema_name, typed_fingerprint};
use ledgerfleet_model::Connection;
use sqlx::types::Uuid;
use sqlx::{PgConnection, Row};

use super::PostgresLedger;
use super::error::{commit_failed, failed};
use super::statements::{in_use, quoted, run};
use crate::{Extent, LedgerError, Refreshed};

/// The copies of one connection, as they are.
#[derive(sqlx::FromRow)]
struct TypedRow {
    schema_name: String,
    fingerprint: String,
    views: Vec<String>,
    tables: Vec<String>,
    origin: String,
    horizon: String,
}

/// What the transaction sees.
struct Sight {
    /// Database and table: numbers of transactions mean nothing in another one.
    origin: String,
    /// The oldest transaction that it may not see.
    horizon: String,
}

impl PostgresLedger {
    pub(super) async fn refresh_typed_once(
        &self,
        connection: &Connection,
        extent: Extent,
    ) -> Result<Refreshed, LedgerError> {
        let Some(layout) = layout(&connection.connector) else {
            return Ok(Refreshed::nothing(connection));
        };
        let mut tx = self.begin("refresh").await?;
        // All selects see one moment, which begins after those who refresh, too, have ended: a lock takes no snapshot. To
        // compile the long statements would take seconds.
        let alone = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0;
                     SET LOCAL jit = off;
                     SET LOCAL lock_timeout = '60s'; LOCK TABLE fleet.typed_models IN SHARE ROW EXCLUSIVE MODE";
        run(&mut tx, "begin refresh", alone.to_owned()).await?;
        if is_removed(&mut tx, connection).await? {
            return Ok(Refreshed::nothing(connection));
        }
        let sight = Sight::read(&mut tx).await?;
        let found = read(&mut tx, connection.id.0).await?;
        let place = name_for(&mut tx, connection, found.as_ref()).await?;
        let id = connection.id.to_string();
        let schema = Schema {
            layout,
            name: &place,
            connection: &id,
        };
        let made = make(&mut tx, &schema, found.as_ref()).await?;
        let horizon = found.as_ref().filter(|_| !made && extent == Extent::Differing);
        let horizon = horizon
            .filter(|row| row.origin == sight.origin)
            .map(|row| row.horizon.as_str());
        let (extent, records) = match horizon {
            Some(horizon) if reaches(&mut tx, horizon).await? => {
                (Extent::Differing, renew(&mut tx, &schema, horizon).await?)
            }
            _ => (Extent::All, fill(&mut tx, &schema).await?),
        };
        keep(&mut tx, connection, &schema, &sight).await?;
        tx.commit().await.map_err(commit_failed("refresh"))?;
        Ok(Refreshed {
            connection: connection.name.clone(),
            place,
            extent,
            records,
        })
    }
}

/// The schemas of copies there are, by connection.
pub(super) async fn schemas(session: &mut PgConnection) -> Result<Vec<(Uuid, String)>, LedgerError> {
    let all = "SELECT connection_id, schema_name FROM fleet.typed_models
               WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = schema_name)";
    let rows = sqlx::query_as(all).fetch_all(session).await;
    rows.map_err(failed("typed schemas"))
}

/// Drops what a connection that is no more has left.
pub(super) async fn drop_of(tx: &mut PgConnection, id: Uuid) -> Result<(), LedgerError> {
    let Some(row) = read(tx, id).await? else {
        return Ok(());
    };
    drop_relations(tx, &row).await?;
    let schema = quoted(&row.schema_name);
    run(tx, "drop typed schema", format!("DROP SCHEMA IF EXISTS {schema}"))
        .await
        .map_err(|error| in_use(error, &row.schema_name))?;
    let forget = sqlx::query("DELETE FROM fleet.typed_models WHERE connection_id = $1").bind(id);
    forget.execute(tx).await.map_err(failed("forget copies"))?;
    Ok(())
}

impl Sight {
    async fn read(tx: &mut PgConnection) -> Result<Self, LedgerError> {
        const SIGHT: &str = "
            SELECT d.oid::text || '.' || 'raw.records'::regclass::oid::text, pg_snapshot_xmin(pg_current_snapshot())::text
            FROM pg_database AS d WHERE d.datname = current_database()";
        let sight = sqlx::query_as(SIGHT).fetch_one(tx).await;
        let (origin, horizon) = sight.map_err(failed("sight"))?;
        Ok(Self { origin, horizon })
    }
}

async fn is_removed(tx: &mut PgConnection, connection: &Connection) -> Result<bool, LedgerError> {
    let there = "SELECT EXISTS (SELECT FROM fleet.connections WHERE id = $1 AND state <> 'removed')";
    let there = sqlx::query_scalar(there)
        .bind(connection.id.0)
        .fetch_one(tx)
        .await;
    there.map(|there: bool| !there).map_err(failed("refresh"))
}

async fn read(tx: &mut PgConnection, id: Uuid) -> Result<Option<TypedRow>, LedgerError> {
    let row = "SELECT schema_name, fingerprint, views, tables, origin, horizon FROM fleet.typed_models WHERE connection_id = $1";
    let row = sqlx::query_as(row).bind(id).fetch_optional(tx).await;
    row.map_err(failed("copies"))
}

/// As the schema of views is named, with a word between connector and connection.
async fn name_for(
    tx: &mut PgConnection,
    connection: &Connection,
    found: Option<&TypedRow>,
) -> Result<String, LedgerError> {
    let id = connection.id.0.simple().to_string();
    let prefix = format!("{}_typed", connection.connector);
    let plain = schema_name(&prefix, &connection.name, None);
    let apart = schema_name(&prefix, &connection.name, Some(&id[id.len() - 8..]));
    let own = found.map(|row| row.schema_name.as_str());
    if is_too_long(&plain) || own == Some(&apart) {
        return Ok(apart);
    }
    let taken =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)").bind(&plain);
    let taken: bool = taken.fetch_one(tx).await.map_err(failed("schemas"))?;
    Ok(if taken && own != Some(&plain) {
        apart
    } else {
        plain
    })
}

/// Makes schema and tables what they should be. Whether the tables are new: they have no rows.
async fn make(
    tx: &mut PgConnection,
    schema: &Schema<'_>,
    found: Option<&TypedRow>,
) -> Result<bool, LedgerError> {
    let name = quoted(schema.name);
    // What others build on a table is in the way of another form of it, as is who reads it: for the moment of the change.
    match found {
        Some(row) if row.schema_name != schema.name => {
            let former = quoted(&row.schema_name);
            run(
                tx,
                "rename typed schema",
                format!("ALTER SCHEMA {former} RENAME TO {name}"),
            )
            .await?;
        }
        _ => {
            run(
                tx,
                "make typed schema",
                format!("CREATE SCHEMA IF NOT EXISTS {name}"),
            )
            .await?;
        }
    }
    if found.is_some_and(|row| row.fingerprint == typed_fingerprint(schema.layout))
        && has_all(tx, schema).await?
    {
        return Ok(false);
    }
    if let Some(row) = found {
        let now_here = TypedRow {
            schema_name: schema.name.to_owned(),
            fingerprint: String::new(),
            views: row.views.clone(),
            tables: row.tables.clone(),
            origin: String::new(),
            horizon: String::new(),
        };
        drop_relations(tx, &now_here).await?;
    }
    run(tx, "make typed tables", schema.typed_statements()).await?;
    Ok(true)
}

/// Whether nobody has dropped one of the tables.
async fn has_all(tx: &mut PgConnection, schema: &Schema<'_>) -> Result<bool, LedgerError> {
    let names: Vec<String> = schema.stored().into_iter().map(|stored| stored.name).collect();
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = ANY($2)";
    let count = sqlx::query_scalar(count).bind(schema.name).bind(&names);
    let count: i64 = count.fetch_one(tx).await.map_err(failed("typed tables"))?;
    Ok(usize::try_from(count) == Ok(names.len()))
}

async fn drop_relations(tx: &mut PgConnection, row: &TypedRow) -> Result<(), LedgerError> {
    let schema = quoted(&row.schema_name);
    for (kind, names) in [("VIEW", &row.views), ("TABLE", &row.tables)] {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("{schema}.{}", quoted(name)))
            .collect();
        if !names.is_empty() {
            let drop = format!("DROP {kind} IF EXISTS {}", names.join(", "));
            run(tx, "drop typed tables", drop)
                .await
                .map_err(|error| in_use(error, &row.schema_name))?;
        }
    }
    Ok(())
}

/// Whether transactions since the horizon can be told from those before it: numbers are used again after 2^32.
async fn reaches(tx: &mut PgConnection, horizon: &str) -> Result<bool, LedgerError> {
    const REACHES: &str = "
        SELECT now.xmin >= $1::xid8 AND now.xmin::text::numeric - $1::text::numeric < 1000000000
        FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) AS now";
    let reaches = sqlx::query_scalar(REACHES).bind(horizon).fetch_one(tx).await;
    reaches.map_err(failed("horizon"))
}

/// Copies everything. Who reads goes on reading what was there.
async fn fill(tx: &mut PgConnection, schema: &Schema<'_>) -> Result<u64, LedgerError> {
    for stored in schema.stored() {
        let empty = format!("DELETE FROM {}.{}", quoted(schema.name), quoted(&stored.name));
        run(tx, "empty typed table", empty).await?;
        run(tx, "fill typed table", stored.fill).await?;
        let analyse = format!("ANALYZE {}.{}", quoted(schema.name), quoted(&stored.name));
        run(tx, "analyse typed table", analyse).await?;
    }
    let counted: Vec<String> = schema
        .layout
        .entities()
        .iter()
        .map(|entity| {
            format!(
                "SELECT count(*) FROM raw.{} WHERE connection_id = '{}'",
                raw(schema, entity),
                schema.connection
            )
        })
        .collect();
    let count = format!(
        "SELECT sum(count)::bigint FROM ({}) AS c",
        counted.join(" UNION ALL ")
    );
    count_of(tx, count).await
}

/// Copies what has changed. How many records have.
async fn renew(tx: &mut PgConnection, schema: &Schema<'_>, horizon: &str) -> Result<u64, LedgerError> {
    let changed: Vec<String> = schema
        .layout
        .entities()
        .iter()
        .map(|entity| {
            format!(
                "SELECT '{entity}', r.id FROM raw.{} AS r WHERE r.connection_id = '{}' AND age(r.xmin) <= age('{horizon}'::xid8::xid)",
                raw(schema, entity),
                schema.connection
            )
        })
        .collect();
    let collect = format!(
        "CREATE TEMP TABLE changed (entity text COLLATE \"C\", id text COLLATE \"C\") ON COMMIT DROP;
         INSERT INTO pg_temp.changed {}; ANALYZE pg_temp.changed",
        changed.join(" UNION ALL ")
    );
    run(tx, "collect changes", collect).await?;
    let entities = sqlx::query("SELECT DISTINCT entity FROM pg_temp.changed").fetch_all(&mut *tx);
    let entities = entities.await.map_err(failed("collect changes"))?;
    let entities: Vec<String> = entities.iter().map(|row| row.get(0)).collect();
    for renewal in schema.renewals(&entities) {
        run(tx, "renew typed table", renewal).await?;
    }
    count_of(tx, "SELECT count(*) FROM pg_temp.changed".to_owned()).await
}

async fn count_of(tx: &mut PgConnection, count: String) -> Result<u64, LedgerError> {
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(tx).await;
    count.map(i64::unsigned_abs).map_err(failed("count copied"))
}

fn raw(schema: &Schema<'_>, entity: &str) -> String {
    quoted(&format!("{}{entity}", schema.layout.raw_prefix))
}

async fn keep(
    tx: &mut PgConnection,
    connection: &Connection,
    schema: &Schema<'_>,
    sight: &Sight,
) -> Result<(), LedgerError> {
    const KEEP: &str = "
        INSERT INTO fleet.typed_models
            (connection_id, schema_name, fingerprint, views, tables, origin, horizon, refreshed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, now())
        ON CONFLICT (connection_id) DO UPDATE
        SET schema_name = excluded.schema_name, fingerprint = excluded.fingerprint, views = excluded.views,
            tables = excluded.tables, origin = excluded.origin, horizon = excluded.horizon,
            refreshed_at = excluded.refreshed_at";
    let tables: Vec<String> = schema.stored().into_iter().map(|stored| stored.name).collect();
    let keep = sqlx::query(KEEP)
        .bind(connection.id.0)
        .bind(schema.name)
        .bind(typed_fingerprint(schema.layout))
        .bind(schema.typed_views())
        .bind(tables)
        .bind(&sight.origin)
        .bind(&sight.horizon);
    keep.execute(tx).await.map_err(failed("keep copies"))?;
    Ok(())
}
