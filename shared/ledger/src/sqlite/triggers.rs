//! Triggers on SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::{RunId, TriggerId};
use serde_json::json;
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, number};
use super::error::failed;
use super::runs::submit_in;
use super::segments::audit;
use crate::triggers::{KEPT, NewFiring, Submission};
use crate::{Firing, FiringResult, LedgerError, NewTrigger, Trigger, TriggerState, Triggers};

#[derive(sqlx::FromRow)]
struct TriggerRow {
    id: Text<TriggerId>,
    state: Text<TriggerState>,
    cron: Option<String>,
    zone: Text<Tz>,
    wanted: String,
    due_at: Option<Stamp>,
    created_at: Stamp,
    created_by: String,
    planned_at: Option<Stamp>,
    fired_at: Option<Stamp>,
    result: Option<Text<FiringResult>>,
    missed: Option<u64>,
    runs: Option<String>,
    message: Option<String>,
}

impl From<TriggerRow> for Trigger {
    fn from(row: TriggerRow) -> Self {
        let fired = row.planned_at.zip(row.fired_at).zip(row.result);
        let last = fired.map(|((planned_at, fired_at), result)| Firing {
            planned_at: planned_at.0,
            fired_at: fired_at.0,
            result: result.0,
            missed: row.missed.unwrap_or_default(),
            runs: row
                .runs
                .and_then(|runs| serde_json::from_str(&runs).ok())
                .unwrap_or_default(),
            message: row.message,
        });
        Self {
            id: row.id.0,
            state: row.state.0,
            cron: row.cron,
            zone: row.zone.0,
            wanted: row.wanted,
            due_at: row.due_at.map(|at| at.0),
            created_at: row.created_at.0,
            created_by: row.created_by,
            last,
        }
    }
}

#[async_trait]
impl Triggers for SqliteLedger {
    async fn add_trigger(&self, trigger: &NewTrigger, who: &str) -> Result<(), LedgerError> {
        const ADD: &str = "
            INSERT INTO fleet_triggers (id, state, cron, zone, wanted, due_at, created_at, created_by)
            VALUES (?1, 'active', ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut tx = self.write("add trigger").await?;
        let now = self.now();
        let add = sqlx::query(ADD)
            .bind(Text(trigger.id))
            .bind(&trigger.cron)
            .bind(Text(trigger.zone))
            .bind(&trigger.wanted)
            .bind(Stamp::from(trigger.due_at))
            .bind(now)
            .bind(who);
        add.execute(&mut *tx).await.map_err(failed("add trigger"))?;
        let detail =
            json!({ "due_at": trigger.due_at, "cron": trigger.cron, "wanted": trigger.wanted, "by": who });
        audit(&mut tx, now, "trigger.add", Some(trigger.id.to_string()), detail).await?;
        tx.commit().await.map_err(failed("add trigger"))
    }

    async fn triggers(&self) -> Result<Vec<Trigger>, LedgerError> {
        const ALL: &str = "
            SELECT t.*, f.planned_at, f.fired_at, f.result, f.missed, f.runs, f.message
            FROM fleet_triggers t LEFT JOIN fleet_trigger_firings f ON f.trigger_id = t.id AND f.planned_at = (
                SELECT max(o.planned_at) FROM fleet_trigger_firings o WHERE o.trigger_id = t.id)
            ORDER BY t.due_at IS NULL, t.due_at, t.created_at DESC, t.id";
        let rows: Vec<TriggerRow> = sqlx::query_as(ALL)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("triggers"))?;
        Ok(rows.into_iter().map(Trigger::from).collect())
    }

    async fn cancel_trigger(&self, id: TriggerId, who: &str) -> Result<bool, LedgerError> {
        const CANCEL: &str = "
            UPDATE fleet_triggers SET state = 'cancelled', due_at = NULL, ended_at = ?2
            WHERE id = ?1 AND state = 'active'";
        let mut tx = self.write("cancel trigger").await?;
        let now = self.now();
        let cancel = sqlx::query(CANCEL).bind(Text(id)).bind(now);
        let cancelled = cancel.execute(&mut *tx).await.map_err(failed("cancel trigger"))?;
        if cancelled.rows_affected() == 0 {
            return Ok(false);
        }
        audit(
            &mut tx,
            now,
            "trigger.cancel",
            Some(id.to_string()),
            json!({ "by": who }),
        )
        .await?;
        tx.commit().await.map_err(failed("cancel trigger"))?;
        Ok(true)
    }

    async fn due_triggers(&self, limit: u32) -> Result<Vec<Trigger>, LedgerError> {
        const DUE: &str = "
            SELECT *, NULL AS planned_at, NULL AS fired_at, NULL AS result, NULL AS missed, NULL AS runs, NULL AS message
            FROM fleet_triggers WHERE state = 'active' AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
        let rows: Vec<TriggerRow> = sqlx::query_as(DUE)
            .bind(self.now())
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("due triggers"))?;
        Ok(rows.into_iter().map(Trigger::from).collect())
    }

    async fn fire_trigger(&self, firing: NewFiring<'_>) -> Result<Option<Firing>, LedgerError> {
        let mut tx = self.write("fire trigger").await?;
        let now = self.now();
        let NewFiring {
            trigger,
            planned_at,
            next,
            missed,
            submissions,
        } = firing;
        if !take(&mut tx, now, trigger, planned_at, next).await? {
            return Ok(None);
        }
        let (runs, message) = match submissions {
            Ok(submissions) => (submit_all(&mut tx, now, submissions).await?, None),
            Err(message) => (Vec::new(), Some(message)),
        };
        let fired = Firing {
            planned_at,
            fired_at: now.0,
            result: FiringResult::of(planned_at, now.0, message.is_some()),
            missed,
            runs,
            message,
        };
        note(&mut tx, trigger, &fired).await?;
        tx.commit().await.map_err(failed("fire trigger"))?;
        Ok(Some(fired))
    }

    async fn move_trigger(
        &self,
        id: TriggerId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        const MOVE: &str =
            "UPDATE fleet_triggers SET due_at = ?3 WHERE id = ?1 AND state = 'active' AND due_at = ?2";
        let mut tx = self.write("move trigger").await?;
        let moved = sqlx::query(MOVE)
            .bind(Text(id))
            .bind(Stamp::from(from))
            .bind(Stamp::from(to));
        let moved = moved.execute(&mut *tx).await.map_err(failed("move trigger"))?;
        tx.commit().await.map_err(failed("move trigger"))?;
        Ok(moved.rows_affected() > 0)
    }

    async fn prune_triggers(&self, batch: u32) -> Result<u64, LedgerError> {
        const FIRINGS: &str = "
            DELETE FROM fleet_trigger_firings WHERE (trigger_id, planned_at) IN (
                SELECT f.trigger_id, f.planned_at FROM fleet_trigger_firings f JOIN fleet_triggers t ON t.id = f.trigger_id
                WHERE f.fired_at < ?1 AND (t.state <> 'active' OR EXISTS (
                    SELECT 1 FROM fleet_trigger_firings n
                    WHERE n.trigger_id = f.trigger_id AND n.planned_at > f.planned_at))
                LIMIT ?2)";
        const TRIGGERS: &str = "
            DELETE FROM fleet_triggers WHERE id IN (
                SELECT t.id FROM fleet_triggers t
                WHERE t.state <> 'active' AND t.ended_at < ?1
                  AND NOT EXISTS (SELECT 1 FROM fleet_trigger_firings f WHERE f.trigger_id = t.id)
                LIMIT ?2)";
        let before = self.now().before(KEPT);
        let mut tx = self.write("prune triggers").await?;
        let mut pruned = 0;
        for forget in [FIRINGS, TRIGGERS] {
            let forget = sqlx::query(forget).bind(before).bind(batch);
            let forgotten = forget.execute(&mut *tx).await.map_err(failed("prune triggers"))?;
            pruned += forgotten.rows_affected();
        }
        tx.commit().await.map_err(failed("prune triggers"))?;
        Ok(pruned)
    }
}

/// Moves the trigger on, where it is still due at that instant.
async fn take(
    tx: &mut SqliteConnection,
    now: Stamp,
    trigger: TriggerId,
    planned_at: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> Result<bool, LedgerError> {
    const TAKE: &str = "
        UPDATE fleet_triggers
        SET due_at = ?3, state = CASE WHEN ?3 IS NULL THEN 'completed' ELSE state END,
            ended_at = CASE WHEN ?3 IS NULL THEN ?4 END
        WHERE id = ?1 AND state = 'active' AND due_at = ?2 AND due_at <= ?4";
    let take = sqlx::query(TAKE)
        .bind(Text(trigger))
        .bind(Stamp::from(planned_at))
        .bind(next.map(Stamp::from))
        .bind(now);
    let taken = take.execute(tx).await.map_err(failed("fire trigger"))?;
    Ok(taken.rows_affected() == 1)
}

async fn submit_all(
    tx: &mut SqliteConnection,
    now: Stamp,
    submissions: Vec<Submission<'_>>,
) -> Result<Vec<RunId>, LedgerError> {
    let mut runs = Vec::with_capacity(submissions.len());
    for (run, mut segments) in submissions {
        runs.push(submit_in(tx, now, &run, &mut segments).await?.run);
    }
    Ok(runs)
}

async fn note(tx: &mut SqliteConnection, trigger: TriggerId, fired: &Firing) -> Result<(), LedgerError> {
    // A clock that was ahead has noted that instant before: what it did is in its runs.
    const NOTE: &str = "
        INSERT OR REPLACE INTO fleet_trigger_firings (trigger_id, planned_at, fired_at, result, missed, runs, message)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let note = sqlx::query(NOTE)
        .bind(Text(trigger))
        .bind(Stamp::from(fired.planned_at))
        .bind(Stamp::from(fired.fired_at))
        .bind(Text(fired.result))
        .bind(number(fired.missed))
        .bind(json!(fired.runs).to_string())
        .bind(&fired.message);
    note.execute(tx).await.map_err(failed("fire trigger"))?;
    Ok(())
}
