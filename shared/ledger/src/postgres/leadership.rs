//! Leadership: which process of a fleet does the leader's duties.
//!
//! One row: who leads, in which term, until when by the server's clock. It saves work, so that not every process reads
//! what is due at every tick; it guards nothing, because every duty may be done by two at once.

use std::time::Duration;

use ledgerfleet_model::WorkerName;

use super::PostgresLedger;
use super::error::{failed, within};
use super::pool::Pool;
use crate::LedgerError;

/// How long it may take to give the leadership away, which ends by itself, or to note what only people read.
const BRIEF: Duration = Duration::from_secs(3);

/// The lease that elects a leader.
#[derive(Debug, Clone)]
pub struct Leadership {
    pool: Pool,
}

impl PostgresLedger {
    /// The leadership of the fleet that this ledger belongs to.
    pub fn leadership(&self) -> Leadership {
        Leadership {
            pool: self.pool.clone(),
        }
    }
}

impl Leadership {
    /// Takes the leadership if it is free, or keeps it, for `lease` from now. Answers the term while `name` leads; none
    /// while another does. A term begins whenever the leader changes.
    pub async fn hold(&self, name: &WorkerName, lease: Duration) -> Result<Option<i64>, LedgerError> {
        // Who hears nothing for that long does not lead any more, and must not wait longer to find out.
        within(lease, || self.hold_once(name, lease)).await
    }

    async fn hold_once(&self, name: &WorkerName, lease: Duration) -> Result<Option<i64>, LedgerError> {
        let held = sqlx::query_scalar!(
            "INSERT INTO fleet.leader (holder, term, since, until)
             VALUES ($1, 1, now(), now() + make_interval(secs => $2))
             ON CONFLICT (only_row) DO UPDATE
             SET term = CASE WHEN leader.holder = excluded.holder THEN leader.term ELSE leader.term + 1 END,
                 since = CASE WHEN leader.holder = excluded.holder THEN leader.since ELSE now() END,
                 holder = excluded.holder,
                 until = excluded.until
             WHERE leader.holder = excluded.holder OR leader.until < now()
                -- Given by a clock that was ahead: no lease is that long.
                OR leader.until > now() + interval '5 minutes'
             RETURNING term",
            &name.0,
            lease.as_secs_f64(),
        );
        held.fetch_optional(&self.pool).await.map_err(failed("lead"))
    }

    /// Notes that `name`, if it leads, has dispatched this long ago.
    pub async fn note_dispatch(&self, name: &WorkerName, ago: Duration) -> Result<(), LedgerError> {
        within(BRIEF, || self.note_dispatch_once(name, ago)).await
    }

    async fn note_dispatch_once(&self, name: &WorkerName, ago: Duration) -> Result<(), LedgerError> {
        const NOTE: &str = "
            UPDATE fleet.leader SET dispatched_at = greatest(dispatched_at, now() - make_interval(secs => $2))
            WHERE holder = $1";
        let noted = sqlx::query(NOTE).bind(&name.0).bind(ago.as_secs_f64());
        noted
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed("note the dispatch"))
    }

    /// Gives the leadership away, if `name` has it, so that nobody has to wait for the end of its lease.
    pub async fn resign(&self, name: &WorkerName) -> Result<(), LedgerError> {
        within(BRIEF, || self.resign_once(name)).await
    }

    async fn resign_once(&self, name: &WorkerName) -> Result<(), LedgerError> {
        let resigned = sqlx::query!(
            "UPDATE fleet.leader SET until = now() - interval '1 second' WHERE holder = $1",
            &name.0,
        );
        resigned
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed("resign"))
    }
}
