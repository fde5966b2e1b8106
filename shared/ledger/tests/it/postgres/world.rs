//! A fresh ledger in a database of its own. Its clock is the server's and flows; time passes by making all that is
//! stored older.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::{Ledger, LedgerError, PostgresLedger, PostgresOptions};
use ledgerfleet_model::{Epoch, SegmentId, Standing};
use ledgerfleet_testkit::{Database, PrivatePostgres};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::sync::OnceCell;

pub(crate) struct PostgresWorld {
    pub(crate) ledger: PostgresLedger,
    pub(crate) sql: PgPool,
    pub(crate) database: Database<'static>,
    ageing: OnceCell<String>,
}

pub(crate) async fn world() -> PostgresWorld {
    world_in(PrivatePostgres::shared().database(migrate).await).await
}

pub(crate) async fn migrate(url: String) {
    PostgresLedger::migrate(&url, &PostgresOptions::default())
        .await
        .unwrap();
}

async fn world_in(database: Database<'static>) -> PostgresWorld {
    PostgresWorld {
        ledger: connect(&database.url()).await.unwrap(),
        sql: PgPool::connect_lazy(&database.url()).unwrap(),
        database,
        ageing: OnceCell::new(),
    }
}

pub(crate) async fn connect(url: &str) -> Result<PostgresLedger, LedgerError> {
    PostgresLedger::connect(url, &PostgresOptions::default()).await
}

impl PostgresWorld {
    /// A second handle on the database, as another process has it.
    pub(crate) async fn again(&self) -> PostgresLedger {
        connect(&self.database.url()).await.unwrap()
    }

    /// Statements that make every instant of the ledger's clock older by `:by`. Instants of the upstream's stay, and
    /// hours, which are names.
    async fn ageing(&self) -> &str {
        const STATEMENTS: &str = "
            SELECT string_agg(format('UPDATE %I.%I SET %s;', table_schema, table_name, columns), ' ')
            FROM (SELECT table_schema, table_name,
                         string_agg(format('%1$I = %1$I - interval '':by''', column_name), ', ') AS columns
                  FROM information_schema.columns
                  WHERE (table_schema = 'fleet' OR (table_schema, table_name) = ('raw', 'records'))
                    AND data_type = 'timestamp with time zone'
                    AND table_name NOT IN ('migrations', 'api_calls')
                    AND column_name NOT IN ('starts_at', 'ends_at', 'answered_at', 'checkpoint', 'source_created_at', 'source_updated_at',
                        'extract_window_start_utc', 'extract_window_end_utc')
                  GROUP BY table_schema, table_name) AS tables";
        let read = || async { sqlx::query_scalar(STATEMENTS).fetch_one(&self.sql).await.unwrap() };
        self.ageing.get_or_init(read).await
    }
}

/// Waits until so many sessions of this database wait for a lock.
pub(crate) async fn waiting(world: &PostgresWorld, sessions: i64) {
    const WAITING: &str = "
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut found = 0;
    while found < sessions {
        found = sqlx::query_scalar(WAITING).fetch_one(&world.sql).await.unwrap();
    }
}

#[async_trait]
impl World for PostgresWorld {
    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn pass_time(&self, by: Duration) {
        let by = format!("{} microseconds", by.as_micros());
        let statements = self.ageing().await.replace(":by", &by);
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&self.sql)
            .await
            .unwrap();
    }

    async fn set_clock_back(&self, by: Duration) {
        let by = format!("-{} microseconds", by.as_micros());
        let statements = self.ageing().await.replace(":by", &by);
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&self.sql)
            .await
            .unwrap();
    }

    async fn refuse_burials(&self, refused: bool) {
        let statement = if refused {
            "CREATE FUNCTION no_burials() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no burials'; END $$;
             CREATE TRIGGER no_burials BEFORE UPDATE ON fleet.segments
             FOR EACH ROW WHEN (NEW.state = 'dead') EXECUTE FUNCTION no_burials()"
        } else {
            "DROP TRIGGER no_burials ON fleet.segments; DROP FUNCTION no_burials()"
        };
        sqlx::raw_sql(statement).execute(&self.sql).await.unwrap();
    }

    async fn standing(&self, segment: SegmentId) -> Standing {
        let row = sqlx::query(
            "SELECT state, epoch, failures, crashes, waited_ms, idle_claims, started, progressed FROM fleet.segments WHERE id = $1",
        )
        .bind(segment.0)
        .fetch_one(&self.sql)
        .await
        .unwrap();
        let counter = |name: &str| u32::try_from(row.get::<i32, _>(name)).unwrap();
        Standing {
            state: row.get::<&str, _>("state").parse().unwrap(),
            epoch: Epoch(row.get("epoch")),
            failures: counter("failures"),
            crashes: counter("crashes"),
            waited: Duration::from_millis(row.get::<i64, _>("waited_ms").try_into().unwrap()),
            idle_claims: counter("idle_claims"),
            started: row.get("started"),
            progressed: row.get("progressed"),
        }
    }
}
