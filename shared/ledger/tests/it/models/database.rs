//! A ledger whose tables can be asked on either database, in the same words.

use std::fmt::Write;

use ledgerfleet_analysis::{Layout, layout};
use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::company;
use ledgerfleet_ledger::{Extent, Model, Refreshed, TypingNote};
use ledgerfleet_model::{Connection, ConnectionId};
use sqlx::{AssertSqlSafe, SqliteConnection};
use tokio::sync::Mutex;

use super::books::RecordText;
use crate::postgres;
use crate::world as sqlite;

/// A fresh ledger.
pub(super) enum Database {
    Postgres(Box<postgres::PostgresWorld>),
    /// With a connection for questions: a file is read from its beginning at each opening, all of its views too.
    Sqlite(sqlite::SqliteWorld, Mutex<SqliteConnection>),
}

/// Both, one after the other.
pub(super) async fn both() -> [Database; 2] {
    [Database::sqlite().await, Database::postgres().await]
}

impl Database {
    pub(super) async fn sqlite() -> Self {
        let world = sqlite::world().await;
        let asking = world.sql().await;
        Self::Sqlite(world, Mutex::new(asking))
    }

    pub(super) async fn postgres() -> Self {
        Self::Postgres(Box::new(postgres::world().await))
    }

    pub(super) fn world(&self) -> &dyn World {
        match self {
            Self::Postgres(world) => &**world,
            Self::Sqlite(world, _) => world,
        }
    }

    pub(super) fn layout() -> &'static Layout {
        layout("quickbooks").unwrap()
    }

    /// Adds a company and its tables.
    pub(super) async fn connect(&self, name: &str) -> ConnectionId {
        let id = company(self.world(), name).await;
        self.lay_out().await;
        id
    }

    pub(super) async fn lay_out(&self) -> Vec<Model> {
        self.world().ledger().lay_out(Extent::Differing).await.unwrap()
    }

    pub(super) async fn notes(&self, name: &str) -> Vec<TypingNote> {
        let connection = self.held(name).await;
        let ledger = self.world().ledger();
        ledger.typing_notes(&connection).await.unwrap()
    }

    /// What stands for one company's table in a statement.
    pub(super) async fn table(&self, company: &str, table: &str) -> String {
        match self {
            Self::Postgres(_) => {
                let models = self.world().ledger().models().await.unwrap();
                let model = models
                    .into_iter()
                    .find(|model| model.connection == company)
                    .unwrap();
                format!("\"{}\".\"{table}\"", model.place)
            }
            Self::Sqlite(..) => format!("(SELECT * FROM quickbooks_{table} WHERE connection = '{company}')"),
        }
    }

    /// What stands for one company's copy of a table in a statement, where `place` says copies are.
    pub(super) fn copy(&self, place: &str, company: &str, table: &str) -> String {
        match self {
            Self::Postgres(_) => format!("\"{place}\".\"{table}\""),
            Self::Sqlite(..) => format!("(SELECT * FROM {place}{table} WHERE connection = '{company}')"),
        }
    }

    pub(super) async fn refresh(&self, company: &str, extent: Extent) -> Refreshed {
        let connection = self.held(company).await;
        self.world()
            .ledger()
            .refresh_typed(&connection, extent)
            .await
            .unwrap()
    }

    pub(super) async fn held(&self, company: &str) -> Connection {
        let all = self.world().ledger().connections().await.unwrap();
        let mut all = all.into_iter();
        all.find(|connection| connection.name == company).unwrap()
    }

    /// Changes the records of both kinds of database in the same words: `{records}` stands for the table.
    pub(super) async fn change(&self, statement: &str) {
        let table = match self {
            Self::Postgres(_) => "raw.records",
            Self::Sqlite(..) => "raw_records",
        };
        let statement = AssertSqlSafe(statement.replace("{records}", table));
        match self {
            Self::Postgres(world) => {
                sqlx::raw_sql(statement).execute(&world.sql).await.unwrap();
            }
            Self::Sqlite(_, asking) => {
                let mut asking = asking.lock().await;
                sqlx::raw_sql(statement).execute(&mut *asking).await.unwrap();
            }
        }
    }

    /// The first column of every row, as text; null is `-`.
    pub(super) async fn ask(&self, statement: &str) -> Result<Vec<String>, sqlx::Error> {
        let statement = AssertSqlSafe(statement.to_owned());
        let rows: Vec<Option<String>> = match self {
            Self::Postgres(world) => {
                let mut asking = world.sql.acquire().await?;
                // To compile such long statements takes longer than to run them.
                sqlx::raw_sql("SET jit = off").execute(&mut *asking).await?;
                sqlx::query_scalar(statement).fetch_all(&mut *asking).await?
            }
            Self::Sqlite(_, asking) => {
                sqlx::query_scalar(statement)
                    .fetch_all(&mut *asking.lock().await)
                    .await?
            }
        };
        Ok(rows
            .into_iter()
            .map(|row| row.unwrap_or_else(|| "-".to_owned()))
            .collect())
    }

    /// The sum of an amount, in cents.
    pub(super) async fn cents(&self, company: &str, table: &str, amount: &str, which: &str) -> i128 {
        let table = self.table(company, table).await;
        let sum = match self {
            Self::Postgres(_) => format!("(round(coalesce(sum({amount}), 0), 2) * 100)::bigint::text"),
            Self::Sqlite(..) => {
                format!("CAST(coalesce(sum(CAST(round(({amount}) * 100) AS INTEGER)), 0) AS TEXT)")
            }
        };
        let asked = self
            .ask(&format!("SELECT {sum} FROM {table} AS t WHERE {which}"))
            .await;
        asked.unwrap()[0].parse().unwrap()
    }

    /// The sums of several amounts of a table, each of its own rows, in cents. The table is worked out once.
    pub(super) async fn sums(&self, company: &str, table: &str, amounts: &[(&str, &str)]) -> Vec<i128> {
        let mut sums = String::new();
        for (amount, which) in amounts {
            let separator = if sums.is_empty() { "" } else { " || ',' || " };
            let cents = match self {
                Self::Postgres(_) => {
                    format!(
                        "(round(coalesce(sum({amount}) FILTER (WHERE {which}), 0), 2) * 100)::bigint::text"
                    )
                }
                Self::Sqlite(..) => format!(
                    "CAST(CAST(total(round(({amount}) * 100)) FILTER (WHERE {which}) AS INTEGER) AS TEXT)"
                ),
            };
            let _ = write!(sums, "{separator}{cents}");
        }
        let from = self.table(company, table).await;
        let asked = self.ask(&format!("SELECT {sums} FROM {from} AS t")).await;
        let asked = asked.unwrap_or_else(|error| panic!("{table}: {error}"));
        asked[0].split(',').map(|sum| sum.parse().unwrap()).collect()
    }

    pub(super) async fn count(&self, company: &str, table: &str) -> usize {
        let table = self.table(company, table).await;
        let asked = self
            .ask(&format!("SELECT CAST(count(*) AS TEXT) FROM {table} AS t"))
            .await;
        asked.unwrap()[0].parse().unwrap()
    }

    /// How many values each column of a view has, in these companies.
    pub(super) async fn filled(&self, companies: &[&str], table: &str, columns: &[String]) -> Vec<usize> {
        let mut counts = String::new();
        for column in columns {
            let separator = if counts.is_empty() { "" } else { " || ',' || " };
            let _ = write!(counts, "{separator}CAST(count(\"{column}\") AS TEXT)");
        }
        let mut places = Vec::new();
        match self {
            Self::Postgres(_) => {
                for company in companies {
                    places.push(self.table(company, table).await);
                }
            }
            // One view has all of them.
            Self::Sqlite(..) => places.push(format!(
                "(SELECT * FROM quickbooks_{table} WHERE connection IN ('{}'))",
                companies.join("', '")
            )),
        }
        let mut filled = vec![0; columns.len()];
        for place in places {
            let asked = self.ask(&format!("SELECT {counts} FROM {place} AS t")).await;
            let counted = asked.unwrap_or_else(|error| panic!("{table}: {error}"));
            for (sum, count) in filled.iter_mut().zip(counted[0].split(',')) {
                *sum += count.parse::<usize>().unwrap();
            }
        }
        filled
    }

    /// Stores records as they are. Those of one entity at once.
    pub(super) async fn store(&self, connection: ConnectionId, entity: &str, records: &[RecordText]) {
        let entity = format!("qbo_{entity}");
        let texts = |of: fn(&RecordText) -> &str| -> Vec<String> {
            records.iter().map(|record| of(record).to_owned()).collect()
        };
        let (ids, payloads, updated) = (texts(|r| &r.id), texts(|r| &r.payload), texts(|r| &r.updated_at));
        let deleted: Vec<bool> = records.iter().map(|record| record.is_deleted).collect();
        match self {
            Self::Postgres(world) => {
                let insert = sqlx::query(
                    "INSERT INTO raw.records (connection_id, entity, id, payload, payload_hash, source_updated_at,
                         observed_at_utc, ingested_at_utc, last_seen_utc, page_number, page_size, request_payload, segment_id,
                         deleted_at_utc)
                     SELECT $1, $2, id, payload::jsonb, '', updated::timestamptz, now(), now(), now(), 1, 1, '', $1,
                         CASE WHEN deleted THEN now() END
                     FROM unnest($3::text[], $4::text[], $5::text[], $6::boolean[]) AS t (id, payload, updated, deleted)",
                );
                let insert = insert
                    .bind(connection.0)
                    .bind(entity)
                    .bind(ids)
                    .bind(payloads)
                    .bind(updated);
                insert.bind(deleted).execute(&world.sql).await.unwrap();
            }
            Self::Sqlite(_, asking) => {
                let mut sql = asking.lock().await;
                let mut tx = sqlx::Connection::begin(&mut *sql).await.unwrap();
                for record in records {
                    let insert = sqlx::query(
                        "INSERT INTO raw_records (connection_id, entity, id, payload, payload_hash, source_updated_at,
                             observed_at_utc, ingested_at_utc, last_seen_utc, page_number, page_size, request_payload, segment_id,
                             deleted_at_utc)
                         VALUES (?1, ?2, ?3, ?4, x'', ?5, ?6, ?6, ?6, 1, 1, '', '', CASE WHEN ?7 THEN ?6 END)",
                    );
                    let insert = insert.bind(connection.to_string()).bind(&entity).bind(&record.id);
                    let insert = insert.bind(&record.payload).bind(&record.updated_at);
                    let insert = insert.bind("2026-11-21T12:00:00.000000Z").bind(record.is_deleted);
                    insert.execute(&mut *tx).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
        }
    }
}
