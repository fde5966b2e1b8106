//! A fresh ledger in a temporary file, with a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::{Ledger, SqliteLedger};
use ledgerfleet_model::{Epoch, ManualClock, SegmentId, Standing};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};

pub(crate) struct SqliteWorld {
    pub(crate) ledger: SqliteLedger,
    pub(crate) clock: ManualClock,
    folder: tempfile::TempDir,
}

pub(crate) async fn world() -> SqliteWorld {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(noon());
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db"), Arc::new(clock.clone()))
        .await
        .unwrap();
    SqliteWorld {
        ledger,
        clock,
        folder,
    }
}

pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T12:00:00.123456789Z")
        .unwrap()
        .to_utc()
}

impl SqliteWorld {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// A second handle on the file, as another process has it.
    pub(crate) async fn again(&self) -> SqliteLedger {
        SqliteLedger::open(&self.path(), Arc::new(self.clock.clone()))
            .await
            .unwrap()
    }

    /// A plain connection to the file, for what no trait tells.
    pub(crate) async fn sql(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path())
            .connect()
            .await
            .unwrap()
    }
}

#[async_trait]
impl World for SqliteWorld {
    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn pass_time(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn set_clock_back(&self, by: Duration) {
        self.clock.set_back(by);
    }

    async fn refuse_burials(&self, refused: bool) {
        let statement = if refused {
            "CREATE TRIGGER no_burials BEFORE UPDATE OF state ON fleet_segments WHEN NEW.state = 'dead'
             BEGIN SELECT RAISE(ABORT, 'no burials'); END"
        } else {
            "DROP TRIGGER no_burials"
        };
        sqlx::raw_sql(statement)
            .execute(&mut self.sql().await)
            .await
            .unwrap();
    }

    async fn standing(&self, segment: SegmentId) -> Standing {
        let row = sqlx::query(
            "SELECT state, epoch, failures, crashes, waited_ms, idle_claims, started, progressed FROM fleet_segments WHERE id = ?",
        )
        .bind(segment.to_string())
        .fetch_one(&mut self.sql().await)
        .await
        .unwrap();
        Standing {
            state: row.get::<&str, _>("state").parse().unwrap(),
            epoch: Epoch(row.get("epoch")),
            failures: row.get("failures"),
            crashes: row.get("crashes"),
            waited: Duration::from_millis(row.get("waited_ms")),
            idle_claims: row.get("idle_claims"),
            started: row.get("started"),
            progressed: row.get("progressed"),
        }
    }
}
