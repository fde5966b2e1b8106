//! The statements of the leader's duties on SQLite.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::segment::{Event, FORMAT, no_progress};
use ledgerfleet_model::{
    ConnectionId, Failure, FailureKind, Lane, RunId, RunState, SegmentId, SegmentState, Standing, Timings,
};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::codec::{Stamp, Text};
use super::error::failed;
use super::segments::{Departure, LostRow, depart, outcome_word, postpone, remember_attempt};
use super::{READERS, SqliteLedger};
use crate::{
    ClosedRun, DispatchLimits, Dispatching, Held, Leader, LedgerError, Ready, RescueScope, Rescued,
    SegmentCounts, Sessions,
};

/// Segments that a connection may have waiting at its workers beside those that its gate lets through: enough
/// that the gate never idles while a worker claims the next.
const AHEAD: u64 = 3;

#[async_trait]
impl Dispatching for SqliteLedger {
    async fn due(&self, limits: &DispatchLimits) -> Result<Vec<Ready>, LedgerError> {
        let mut snapshot = self.read("due").await?;
        let room = room(&mut snapshot, limits).await?;
        let most = room.values().copied().max().unwrap_or(0);
        let due = due_segments(&mut snapshot, self.now(), most).await?;
        Ok(fairly(&due, room, limits.total))
    }

    async fn rescue(&self, scope: RescueScope, timings: &Timings) -> Result<Vec<Rescued>, LedgerError> {
        let mut tx = self.write("rescue").await?;
        let now = self.now();
        let mut rescued = Vec::new();
        for lost in lost_segments(&mut tx, now, scope).await? {
            rescued.push(rescue_or_postpone(&mut tx, now, lost, timings).await?);
        }
        tx.commit().await.map_err(failed("rescue"))?;
        Ok(rescued)
    }

    async fn close_runs(&self) -> Result<Vec<ClosedRun>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct ClosedRow {
            id: Text<RunId>,
            state: Text<RunState>,
        }
        const CLOSE: &str = "
            UPDATE fleet_runs AS r
            SET closed_at = ?,
                state = CASE
                    WHEN EXISTS (SELECT 1 FROM fleet_segments WHERE run_id = r.id AND state = 'dead') THEN 'dead'
                    WHEN EXISTS (SELECT 1 FROM fleet_segments WHERE run_id = r.id AND state = 'cancelled') THEN 'cancelled'
                    ELSE 'done'
                END
            WHERE r.state = 'active'
              AND NOT EXISTS (
                  SELECT 1 FROM fleet_segments WHERE run_id = r.id AND state IN ('pending', 'running'))
            RETURNING id, state";
        let mut tx = self.write("close runs").await?;
        let close = sqlx::query_as(CLOSE).bind(self.now()).fetch_all(&mut *tx);
        let closed: Vec<ClosedRow> = close.await.map_err(failed("close runs"))?;
        tx.commit().await.map_err(failed("close runs"))?;
        Ok(closed
            .into_iter()
            .map(|row| ClosedRun {
                run: row.id.0,
                state: row.state.0,
            })
            .collect())
    }

    async fn next_due(&self) -> Result<Option<Duration>, LedgerError> {
        let mut snapshot = self.read("next due").await?;
        let next = first_due(&mut snapshot).await?;
        let now = self.now();
        Ok(next.map(|due| (due.0 - now.0).to_std().unwrap_or(Duration::ZERO)))
    }

    async fn segment_counts(&self) -> Result<SegmentCounts, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct CountRow {
            state: Text<SegmentState>,
            count: u64,
        }
        // By run first, because that is the order of an index; the few rows that remain are sorted.
        const COUNTS: &str = "
            SELECT state, sum(count) AS count
            FROM (SELECT state, count(*) AS count FROM fleet_segments GROUP BY run_id, state)
            GROUP BY state";
        let mut snapshot = self.read("segment counts").await?;
        let counts: Vec<CountRow> = sqlx::query_as(COUNTS)
            .fetch_all(&mut *snapshot)
            .await
            .map_err(failed("segment counts"))?;
        let overdue = first_due(&mut snapshot)
            .await?
            .map_or(0, |due| (self.now().0 - due.0).num_seconds());
        Ok(SegmentCounts {
            by_state: counts.into_iter().map(|row| (row.state.0, row.count)).collect(),
            oldest_due_seconds: u64::try_from(overdue).unwrap_or(0),
        })
    }

    fn sessions(&self) -> Sessions {
        let pools = [&self.writer, &self.readers];
        let idle = pools.map(|pool| {
            u32::try_from(pool.num_idle())
                .unwrap_or(u32::MAX)
                .min(pool.size())
        });
        let (idle, all): (u32, u32) = (idle.iter().sum(), pools.map(SqlitePool::size).iter().sum());
        Sessions {
            idle,
            in_use: all.saturating_sub(idle),
            most: READERS + 1,
        }
    }

    async fn close(&self) {
        Self::close(self).await;
    }

    async fn check_writable(&self) -> Result<(), LedgerError> {
        let mut tx = self.write("check that it can be written").await?;
        sqlx::query("UPDATE fleet_segments SET state = state WHERE false")
            .execute(&mut *tx)
            .await
            .map_err(failed("check that it can be written"))?;
        tx.rollback()
            .await
            .map_err(failed("check that it can be written"))
    }

    /// The holder of the runner lock leads.
    async fn last_dispatch(&self) -> Result<Option<Duration>, LedgerError> {
        Ok(None)
    }

    async fn leader(&self) -> Result<Option<Leader>, LedgerError> {
        Ok(None)
    }
}

/// How many more segments each active connection may be offered.
async fn room(
    snapshot: &mut SqliteConnection,
    limits: &DispatchLimits,
) -> Result<HashMap<ConnectionId, u64>, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct ConnectionRow {
        id: Text<ConnectionId>,
        connector: String,
        slots: Option<u32>,
        running: u64,
    }
    const CONNECTIONS: &str = "
        SELECT id, connector, slots,
               (SELECT count(*) FROM fleet_segments s WHERE s.connection_id = c.id AND s.state = 'running') AS running
        FROM fleet_connections c WHERE state = 'active'";
    let rows: Vec<ConnectionRow> = sqlx::query_as(CONNECTIONS)
        .fetch_all(snapshot)
        .await
        .map_err(failed("room of connections"))?;
    let room_of = |row: ConnectionRow| {
        let slots = row
            .slots
            .or_else(|| limits.slots.get(&row.connector).copied())
            .unwrap_or(1);
        (row.id.0, (u64::from(slots) + AHEAD).saturating_sub(row.running))
    };
    Ok(rows.into_iter().map(room_of).collect())
}

#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct DueRow {
    id: Text<SegmentId>,
    connection_id: Text<ConnectionId>,
    lane: i16,
}

/// The first due segments of every pair of active run and active connection, longest due first. It probes an
/// index once a pair and never walks over what it will not offer, however long a paused run before it is.
async fn due_segments(
    snapshot: &mut SqliteConnection,
    now: Stamp,
    most: u64,
) -> Result<Vec<DueRow>, LedgerError> {
    const DUE: &str = "
        SELECT s.id, s.connection_id, s.lane
        FROM fleet_runs r
        CROSS JOIN fleet_run_connections rc ON rc.run_id = r.id
        CROSS JOIN fleet_connections c ON c.id = rc.connection_id AND c.state = 'active'
        CROSS JOIN fleet_segments s ON s.rowid IN (
            SELECT first.rowid FROM fleet_segments first
            WHERE first.run_id = rc.run_id AND first.connection_id = rc.connection_id
              AND first.state = 'pending' AND first.due_at <= ?1
              -- What only a newer program can claim would take the places of what can be claimed here.
              AND first.format <= ?3
            ORDER BY first.due_at, first.rowid LIMIT ?2)
        WHERE r.state = 'active'
        ORDER BY s.lane, s.due_at, s.rowid";
    let due = sqlx::query_as(DUE)
        .bind(now)
        .bind(super::codec::number(most))
        .bind(FORMAT);
    due.fetch_all(snapshot).await.map_err(failed("due"))
}

/// Lane by lane: the first of every connection, then the second of every connection, while it has room.
fn fairly(due: &[DueRow], mut room: HashMap<ConnectionId, u64>, total: usize) -> Vec<Ready> {
    let mut offered = Vec::new();
    for lane in Lane::ALL {
        // (how many of this connection came before, place in the order of due times) is the order of offers.
        let mut rounds: BTreeMap<(u64, usize), Ready> = BTreeMap::new();
        let mut before: HashMap<ConnectionId, u64> = HashMap::new();
        for (place, row) in due.iter().enumerate().filter(|(_, row)| row.lane == lane.rank()) {
            let connection = row.connection_id.0;
            let Some(left) = room.get_mut(&connection).filter(|left| **left > 0) else {
                continue;
            };
            *left -= 1;
            let round = before.entry(connection).or_default();
            rounds.insert(
                (*round, place),
                Ready {
                    segment: row.id.0,
                    connection,
                    lane: *lane,
                },
            );
            *round += 1;
        }
        offered.extend(rounds.into_values());
    }
    offered.truncate(total);
    offered
}

/// When the first pending segment of an active run and connection is due.
async fn first_due(snapshot: &mut SqliteConnection) -> Result<Option<Stamp>, LedgerError> {
    const FIRST: &str = "
        SELECT min((SELECT min(s.due_at) FROM fleet_segments s
                    WHERE s.run_id = rc.run_id AND s.connection_id = rc.connection_id AND s.state = 'pending'))
        FROM fleet_runs r
        CROSS JOIN fleet_run_connections rc ON rc.run_id = r.id
        CROSS JOIN fleet_connections c ON c.id = rc.connection_id AND c.state = 'active'
        WHERE r.state = 'active'";
    sqlx::query_scalar(FIRST)
        .fetch_one(snapshot)
        .await
        .map_err(failed("first due"))
}

async fn lost_segments(
    tx: &mut SqliteConnection,
    now: Stamp,
    scope: RescueScope,
) -> Result<Vec<LostRow>, LedgerError> {
    const LOST: &str = "
        SELECT id, worker, state, epoch, failures, crashes, waited_ms, idle_claims, started, progressed
        FROM fleet_segments INDEXED BY fleet_segments_running
        WHERE state = 'running' AND (?1 OR lease_until <= ?2)
        ORDER BY rowid";
    let lost = sqlx::query_as(LOST)
        .bind(scope == RescueScope::All)
        .bind(now)
        .fetch_all(tx);
    lost.await.map_err(failed("lost segments"))
}

/// One whose end cannot be written is put off: it must not keep the others from being rescued, nor be fetched again and
/// again.
async fn rescue_or_postpone(
    tx: &mut SqliteConnection,
    now: Stamp,
    lost: LostRow,
    timings: &Timings,
) -> Result<Rescued, LedgerError> {
    let mut point = tx.begin().await.map_err(failed("rescue"))?;
    let error = match rescue_one(&mut point, now, &lost, timings).await {
        Ok(rescued) => {
            point.commit().await.map_err(failed("rescue"))?;
            return Ok(rescued);
        }
        Err(error) if error.is_passing() => return Err(error),
        Err(error) => error,
    };
    point.rollback().await.map_err(failed("rescue"))?;
    let segment = lost.id.0;
    tracing::warn!(%segment, error = &error as &dyn std::error::Error, "its end cannot be written; it is put off");
    let epoch = Standing::from(lost.standing).epoch;
    let due = now.after(timings.backoff_cap);
    postpone(tx, Held { segment, epoch }, epoch.next(), due).await?;
    Ok(Rescued {
        segment,
        state: SegmentState::Pending,
        worker: lost.worker,
    })
}

async fn rescue_one(
    tx: &mut SqliteConnection,
    now: Stamp,
    lost: &LostRow,
    timings: &Timings,
) -> Result<Rescued, LedgerError> {
    let standing = Standing::from(lost.standing);
    let after = standing
        .on(Event::Rescue, timings)
        .map_err(|error| LedgerError::Corrupt(error.to_string()))?;
    let failure = crash(&lost.worker, standing, after);
    let held = Held {
        segment: lost.id.0,
        epoch: standing.epoch,
    };
    let departure = Departure {
        held,
        after,
        wait: Duration::ZERO,
        failure: Some(&failure),
        effort: None,
    };
    let departed = depart(tx, now, &departure).await?;
    let departed = departed
        .ok_or_else(|| LedgerError::Corrupt(format!("segment {} changed under a lock", lost.id.0)))?;
    remember_attempt(tx, now, &departure, &departed, outcome_word(Event::Rescue, after)).await?;
    Ok(Rescued {
        segment: lost.id.0,
        state: after.state,
        worker: lost.worker.clone(),
    })
}

/// What a crash is called in the history. It is recorded also when it does not count.
fn crash(worker: &str, before: Standing, after: Standing) -> Failure {
    if after.state == SegmentState::Dead && after.crashes == before.crashes {
        return no_progress(before.idle_claims, worker);
    }
    let how = if after.crashes > before.crashes {
        "before it had stored a page"
    } else if before.progressed {
        "after it had stored pages; not counted as a crash"
    } else {
        "before it had begun; not counted as a crash"
    };
    Failure::new(FailureKind::CrashLoop, format!("worker {worker} was lost {how}"))
}
