//! Models on Postgres: a schema of views for each connection.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ledgerfleet_analysis::Layout;
use ledgerfleet_analysis::postgres::{Schema, fingerprint, is_too_long, schema_name};
use ledgerfleet_model::Connection;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, PgConnection};

use super::PostgresLedger;
use super::error::{commit_failed, failed, patiently, persistently};
use super::segments::take_time;
use super::statements::{in_use, quoted, run};
use super::typed;
use crate::models::with_layouts;
use crate::{Connections, Extent, LedgerError, Model, ModelState, Models, Refreshed, TypingNote};

/// The schema of one connection, as it is.
struct ModelRow {
    connection_id: Uuid,
    schema_name: String,
    fingerprint: String,
    views: Vec<String>,
}

/// The schemas of the database.
struct Schemas {
    /// By connection.
    models: BTreeMap<Uuid, ModelRow>,
    /// Every schema, whosever it is.
    names: BTreeSet<String>,
}

/// One connection's schema, as it should be.
struct Wanted<'a> {
    connection: &'a Connection,
    layout: &'static Layout,
    fingerprint: &'a str,
}

#[async_trait]
impl Models for PostgresLedger {
    async fn models(&self) -> Result<Vec<Model>, LedgerError> {
        let connections = with_layouts(self.connections().await?);
        let mut session = self.pool.acquire().await.map_err(failed("models"))?;
        let schemas = Schemas::read(&mut session).await?;
        let fingerprints = fingerprints(&connections);
        let models = connections.iter().map(|(connection, layout)| {
            let schema = schemas.name_for(connection);
            let current = schemas.of(connection);
            let state = match current {
                Some(row)
                    if row.fingerprint == fingerprints[layout.connector] && row.schema_name == schema =>
                {
                    ModelState::Current
                }
                Some(_) => ModelState::Outdated,
                None => ModelState::Missing,
            };
            model(connection, schema, state)
        });
        Ok(models.collect())
    }

    async fn lay_out(&self, extent: Extent) -> Result<Vec<Model>, LedgerError> {
        persistently(|| self.lay_out_once(extent)).await
    }

    async fn typing_notes(&self, connection: &Connection) -> Result<Vec<TypingNote>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct NoteRow {
            table_name: String,
            column_name: String,
            r#type: String,
            count: i64,
            id: String,
            text: String,
        }
        let mut tx = self.begin("typing notes").await?;
        // Every record of a company is looked at.
        take_time(&mut tx).await?;
        let schemas = Schemas::read(&mut tx).await?;
        let Some(row) = schemas.of(connection) else {
            return Ok(Vec::new());
        };
        let notes = format!(
            "SELECT table_name, column_name, type, count(*) AS count, min(id) AS id, min(text) AS text
             FROM {}.typing_notes GROUP BY table_name, column_name, type ORDER BY table_name, column_name",
            quoted(&row.schema_name)
        );
        let notes = sqlx::query_as::<_, NoteRow>(AssertSqlSafe(notes))
            .fetch_all(&mut *tx)
            .await;
        let notes = notes.map_err(failed("typing notes"))?;
        Ok(notes
            .into_iter()
            .map(|row| TypingNote {
                table: row.table_name,
                column: row.column_name,
                kind: row.r#type,
                count: row.count.unsigned_abs(),
                id: row.id,
                text: row.text,
            })
            .collect())
    }

    async fn refresh_typed(&self, connection: &Connection, extent: Extent) -> Result<Refreshed, LedgerError> {
        patiently(|| self.refresh_typed_once(connection, extent)).await
    }

    async fn grant_models(&self, role: &str) -> Result<u64, LedgerError> {
        persistently(|| self.grant_once(role)).await
    }
}

impl PostgresLedger {
    async fn lay_out_once(&self, extent: Extent) -> Result<Vec<Model>, LedgerError> {
        let mut connections = with_layouts(self.connections().await?);
        // Whoever was there first keeps the plain name.
        connections.sort_by_key(|(connection, _)| (connection.created_at, connection.id));
        let fingerprints = fingerprints(&connections);
        let mut tx = self.begin("lay out").await?;
        take_time(&mut tx).await?;
        lock(&mut tx).await?;
        let mut schemas = Schemas::read(&mut tx).await?;
        let kept: BTreeSet<Uuid> = connections
            .iter()
            .map(|(connection, _)| connection.id.0)
            .collect();
        let gone = schemas.models.keys().filter(|id| !kept.contains(id)).copied();
        for id in gone.collect::<Vec<_>>() {
            schemas.drop_schema(&mut tx, id).await?;
        }
        for (id, _) in typed::schemas(&mut tx).await? {
            if !kept.contains(&id) {
                typed::drop_of(&mut tx, id).await?;
            }
        }
        let mut models = Vec::with_capacity(connections.len());
        for (connection, layout) in &connections {
            let wanted = Wanted {
                connection,
                layout,
                fingerprint: &fingerprints[layout.connector],
            };
            let place = schemas.bring(&mut tx, &wanted, extent).await?;
            models.push(model(connection, place, ModelState::Current));
        }
        tx.commit().await.map_err(commit_failed("lay out"))?;
        models.sort_by(|one, other| one.connection.cmp(&other.connection));
        Ok(models)
    }

    async fn grant_once(&self, role: &str) -> Result<u64, LedgerError> {
        let mut tx = self.begin("grant").await?;
        let known = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "known!""#,
            role
        );
        let known = known.fetch_one(&mut *tx).await.map_err(failed("grant"))?;
        if !known {
            return Err(LedgerError::Unsuitable {
                what: format!("the database has no role `{role}`"),
                next: "make it: CREATE ROLE ledgerfleet_reader LOGIN; or name another",
            });
        }
        let role = quoted(role);
        let mut schemas: Vec<String> = Schemas::read(&mut tx)
            .await?
            .models
            .into_values()
            .map(|row| row.schema_name)
            .collect();
        let count = schemas.len();
        let typed = typed::schemas(&mut tx).await?;
        schemas.extend(typed.into_iter().map(|(_, schema)| schema));
        schemas.push("books".to_owned());
        for schema in schemas.iter().map(|schema| quoted(schema)) {
            let grant = format!(
                "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};
                 ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}"
            );
            run(&mut tx, "grant", grant).await?;
        }
        tx.commit().await.map_err(commit_failed("grant"))?;
        Ok(count.try_into().unwrap_or(u64::MAX))
    }
}

impl Schemas {
    async fn read(session: &mut PgConnection) -> Result<Self, LedgerError> {
        let models = sqlx::query_as!(
            ModelRow,
            "
            SELECT connection_id, schema_name, fingerprint, views FROM fleet.models
            WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = schema_name)"
        );
        let models = models.fetch_all(&mut *session).await.map_err(failed("models"))?;
        let names = sqlx::query_scalar!(r#"SELECT nspname::text AS "name!" FROM pg_namespace"#);
        let names = names.fetch_all(session).await.map_err(failed("models"))?;
        Ok(Self {
            models: models.into_iter().map(|row| (row.connection_id, row)).collect(),
            names: names.into_iter().collect(),
        })
    }

    fn of(&self, connection: &Connection) -> Option<&ModelRow> {
        self.models.get(&connection.id.0)
    }

    /// The name that a connection's schema gets: the plain one, unless it is too long or is another schema's. One that was
    /// told apart once stays so: people have written it down.
    fn name_for(&self, connection: &Connection) -> String {
        let own = self.of(connection).map(|row| row.schema_name.as_str());
        // The end of an id is chance; its beginning is the time, which companies share.
        let id = connection.id.0.simple().to_string();
        let apart = schema_name(&connection.connector, &connection.name, Some(&id[id.len() - 8..]));
        let plain = schema_name(&connection.connector, &connection.name, None);
        let is_taken = own != Some(&plain) && self.names.contains(&plain);
        if is_too_long(&plain) || is_taken || own == Some(&apart) {
            apart
        } else {
            plain
        }
    }

    async fn drop_schema(&mut self, tx: &mut PgConnection, id: Uuid) -> Result<(), LedgerError> {
        let forget = sqlx::query!("DELETE FROM fleet.models WHERE connection_id = $1", id);
        forget.execute(&mut *tx).await.map_err(failed("forget model"))?;
        let Some(row) = self.models.remove(&id) else {
            return Ok(());
        };
        drop_views(tx, &row.schema_name, &row.views).await?;
        let drop = format!("DROP SCHEMA {}", quoted(&row.schema_name));
        run(tx, "drop schema", drop)
            .await
            .map_err(|error| in_use(error, &row.schema_name))?;
        self.names.remove(&row.schema_name);
        Ok(())
    }

    /// Makes a connection's schema what it should be. Answers its name.
    async fn bring(
        &mut self,
        tx: &mut PgConnection,
        wanted: &Wanted<'_>,
        extent: Extent,
    ) -> Result<String, LedgerError> {
        let name = self.name_for(wanted.connection);
        let is_current = |row: &ModelRow| row.schema_name == name && row.fingerprint == wanted.fingerprint;
        if extent == Extent::Differing && self.of(wanted.connection).is_some_and(is_current) {
            return Ok(name);
        }
        self.place(tx, wanted, &name).await?;
        let connection = wanted.connection.id.to_string();
        let schema = Schema {
            layout: wanted.layout,
            name: &name,
            connection: &connection,
        };
        let made_by = self.of(wanted.connection).map(|row| row.fingerprint.as_str());
        if made_by != Some(wanted.fingerprint) || extent == Extent::All {
            if let Some(row) = self.of(wanted.connection) {
                drop_views(tx, &name, &row.views).await?;
            }
            run(tx, "make views", schema.statements()).await?;
        }
        self.keep(tx, wanted, &name, schema.views()).await?;
        Ok(name)
    }

    /// Makes the schema, or gives it its new name.
    async fn place(
        &mut self,
        tx: &mut PgConnection,
        wanted: &Wanted<'_>,
        name: &str,
    ) -> Result<(), LedgerError> {
        let Some(former) = self.of(wanted.connection).map(|row| row.schema_name.clone()) else {
            return run(tx, "make schema", format!("CREATE SCHEMA {}", quoted(name))).await;
        };
        if former != name {
            let rename = format!("ALTER SCHEMA {} RENAME TO {}", quoted(&former), quoted(name));
            run(tx, "rename schema", rename).await?;
            self.names.remove(&former);
        }
        Ok(())
    }

    async fn keep(
        &mut self,
        tx: &mut PgConnection,
        wanted: &Wanted<'_>,
        name: &str,
        views: Vec<String>,
    ) -> Result<(), LedgerError> {
        let keep = sqlx::query!(
            "
            INSERT INTO fleet.models (connection_id, schema_name, fingerprint, views, laid_out_at)
            VALUES ($1, $2, $3, $4, now())
            ON CONFLICT (connection_id) DO UPDATE
            SET schema_name = excluded.schema_name, fingerprint = excluded.fingerprint, views = excluded.views,
                laid_out_at = excluded.laid_out_at",
            wanted.connection.id.0,
            name,
            wanted.fingerprint,
            &views,
        );
        keep.execute(tx).await.map_err(failed("keep model"))?;
        self.names.insert(name.to_owned());
        self.models.insert(
            wanted.connection.id.0,
            ModelRow {
                connection_id: wanted.connection.id.0,
                schema_name: name.to_owned(),
                fingerprint: wanted.fingerprint.to_owned(),
                views,
            },
        );
        Ok(())
    }
}

/// Two that lay out at once would both make what is missing. Whoever reads a view for long is not queued for, because
/// everybody else who reads it would queue behind.
async fn lock(tx: &mut PgConnection) -> Result<(), LedgerError> {
    let waiting = "SELECT pg_advisory_xact_lock(hashtextextended('ledgerfleet.models', 0)); SET LOCAL lock_timeout = '5s'";
    run(tx, "lock models", waiting.to_owned()).await
}

async fn drop_views(tx: &mut PgConnection, schema: &str, views: &[String]) -> Result<(), LedgerError> {
    if views.is_empty() {
        return Ok(());
    }
    let views: Vec<String> = views
        .iter()
        .map(|view| format!("{}.{}", quoted(schema), quoted(view)))
        .collect();
    // In one statement their order does not matter.
    let drop = format!("DROP VIEW IF EXISTS {}", views.join(", "));
    run(tx, "drop views", drop)
        .await
        .map_err(|error| in_use(error, schema))
}

fn fingerprints(connections: &[(Connection, &'static Layout)]) -> BTreeMap<&'static str, String> {
    let layouts: BTreeMap<&str, &Layout> = connections
        .iter()
        .map(|(_, layout)| (layout.connector, *layout))
        .collect();
    layouts
        .into_iter()
        .map(|(connector, layout)| (connector, fingerprint(layout)))
        .collect()
}

fn model(connection: &Connection, place: String, state: ModelState) -> Model {
    Model {
        connection: connection.name.clone(),
        connector: connection.connector.clone(),
        place,
        state,
    }
}
