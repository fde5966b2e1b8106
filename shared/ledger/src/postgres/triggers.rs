//! Triggers on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::{RunId, TriggerId};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, number, plain};
use super::error::{failed, persistently};
use super::runs::submit_in;
use super::segments::{audit, take_time};
use crate::triggers::{KEPT, NewFiring, Submission};
use crate::{Firing, FiringResult, LedgerError, NewTrigger, Trigger, TriggerState, Triggers};

struct TriggerRow {
    id: Uuid,
    state: Word<TriggerState>,
    cron: Option<String>,
    zone: Word<Tz>,
    wanted: String,
    due_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    created_by: String,
    planned_at: Option<DateTime<Utc>>,
    fired_at: Option<DateTime<Utc>>,
    result: Option<Word<FiringResult>>,
    missed: Option<Count<u64>>,
    runs: Option<String>,
    message: Option<String>,
}

impl From<TriggerRow> for Trigger {
    fn from(row: TriggerRow) -> Self {
        let fired = row.planned_at.zip(row.fired_at).zip(row.result);
        let last = fired.map(|((planned_at, fired_at), result)| Firing {
            planned_at,
            fired_at,
            result: result.0,
            missed: row.missed.map_or(0, |missed| missed.0),
            runs: row
                .runs
                .and_then(|runs| serde_json::from_str(&runs).ok())
                .unwrap_or_default(),
            message: row.message,
        });
        Self {
            id: TriggerId(row.id),
            state: row.state.0,
            cron: row.cron,
            zone: row.zone.0,
            wanted: row.wanted,
            due_at: row.due_at,
            created_at: row.created_at,
            created_by: row.created_by,
            last,
        }
    }
}

#[async_trait]
impl Triggers for PostgresLedger {
    async fn add_trigger(&self, trigger: &NewTrigger, who: &str) -> Result<(), LedgerError> {
        let wanted = plain(&trigger.wanted);
        let mut tx = self.begin("add trigger").await?;
        let add = sqlx::query!(
            "
            INSERT INTO fleet.triggers (id, state, cron, zone, wanted, due_at, created_by)
            VALUES ($1, 'active', $2, $3, $4, $5, $6)",
            trigger.id.0,
            trigger.cron,
            trigger.zone.name(),
            wanted.as_ref(),
            trigger.due_at,
            who,
        );
        add.execute(&mut *tx).await.map_err(failed("add trigger"))?;
        let detail =
            json!({ "due_at": trigger.due_at, "cron": trigger.cron, "wanted": trigger.wanted, "by": who });
        audit(&mut tx, "trigger.add", Some(trigger.id.0), detail).await?;
        tx.commit().await.map_err(failed("add trigger"))
    }

    async fn triggers(&self) -> Result<Vec<Trigger>, LedgerError> {
        let all = || async {
            sqlx::query_as!(
                TriggerRow,
                r#"
                SELECT t.id, t.state AS "state: _", t.cron, t.zone AS "zone: _", t.wanted, t.due_at, t.created_at,
                    t.created_by, f.planned_at AS "planned_at?", f.fired_at AS "fired_at?", f.result AS "result?: _",
                    f.missed AS "missed?: _", f.runs AS "runs?", f.message
                FROM fleet.triggers t LEFT JOIN LATERAL (
                    SELECT * FROM fleet.trigger_firings o WHERE o.trigger_id = t.id
                    ORDER BY o.planned_at DESC LIMIT 1) AS f ON true
                ORDER BY t.due_at NULLS LAST, t.created_at DESC, t.id"#,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("triggers"))
        };
        let rows = persistently(all).await?;
        Ok(rows.into_iter().map(Trigger::from).collect())
    }

    async fn cancel_trigger(&self, id: TriggerId, who: &str) -> Result<bool, LedgerError> {
        let mut tx = self.begin("cancel trigger").await?;
        let cancel = sqlx::query!(
            "
            UPDATE fleet.triggers SET state = 'cancelled', due_at = NULL, ended_at = now()
            WHERE id = $1 AND state = 'active'",
            id.0
        );
        let cancelled = cancel.execute(&mut *tx).await.map_err(failed("cancel trigger"))?;
        if cancelled.rows_affected() == 0 {
            return Ok(false);
        }
        audit(&mut tx, "trigger.cancel", Some(id.0), json!({ "by": who })).await?;
        tx.commit().await.map_err(failed("cancel trigger"))?;
        Ok(true)
    }

    async fn due_triggers(&self, limit: u32) -> Result<Vec<Trigger>, LedgerError> {
        let due = || async {
            sqlx::query_as!(
                TriggerRow,
                r#"
                SELECT id, state AS "state: _", cron, zone AS "zone: _", wanted, due_at, created_at, created_by,
                    NULL::timestamptz AS planned_at, NULL::timestamptz AS fired_at, NULL::text AS "result: _",
                    NULL::bigint AS "missed: _", NULL::text AS runs, NULL::text AS message
                FROM fleet.triggers WHERE state = 'active' AND due_at <= now() ORDER BY due_at, id LIMIT $1"#,
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("due triggers"))
        };
        let rows = persistently(due).await?;
        Ok(rows.into_iter().map(Trigger::from).collect())
    }

    async fn fire_trigger(&self, firing: NewFiring<'_>) -> Result<Option<Firing>, LedgerError> {
        let mut tx = self.begin("fire trigger").await?;
        take_time(&mut tx).await?;
        let NewFiring {
            trigger,
            planned_at,
            next,
            missed,
            submissions,
        } = firing;
        let Some(fired_at) = take(&mut tx, trigger, planned_at, next).await? else {
            return Ok(None);
        };
        let (runs, message) = match submissions {
            Ok(submissions) => (submit_all(&mut tx, submissions).await?, None),
            Err(message) => (Vec::new(), Some(message)),
        };
        let fired = Firing {
            planned_at,
            fired_at,
            result: FiringResult::of(planned_at, fired_at, message.is_some()),
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
        let moved = || async {
            sqlx::query!(
                "UPDATE fleet.triggers SET due_at = $3 WHERE id = $1 AND state = 'active' AND due_at = $2",
                id.0,
                from,
                to,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("move trigger"))
        };
        Ok(persistently(moved).await?.rows_affected() > 0)
    }

    async fn prune_triggers(&self, batch: u32) -> Result<u64, LedgerError> {
        let prune = || async {
            let firings = sqlx::query!(
                "
                DELETE FROM fleet.trigger_firings WHERE (trigger_id, planned_at) IN (
                    SELECT f.trigger_id, f.planned_at
                    FROM fleet.trigger_firings f JOIN fleet.triggers t ON t.id = f.trigger_id
                    WHERE f.fired_at < now() - $1::interval AND (t.state <> 'active' OR EXISTS (
                        SELECT 1 FROM fleet.trigger_firings n
                        WHERE n.trigger_id = f.trigger_id AND n.planned_at > f.planned_at))
                    LIMIT $2)",
                interval(KEPT),
                i64::from(batch),
            );
            let firings = firings
                .execute(&self.pool)
                .await
                .map_err(failed("prune triggers"))?;
            let triggers = sqlx::query!(
                "
                DELETE FROM fleet.triggers WHERE id IN (
                    SELECT t.id FROM fleet.triggers t
                    WHERE t.state <> 'active' AND t.ended_at < now() - $1::interval
                      AND NOT EXISTS (SELECT 1 FROM fleet.trigger_firings f WHERE f.trigger_id = t.id)
                    LIMIT $2)",
                interval(KEPT),
                i64::from(batch),
            );
            let triggers = triggers
                .execute(&self.pool)
                .await
                .map_err(failed("prune triggers"))?;
            Ok(firings.rows_affected() + triggers.rows_affected())
        };
        persistently(prune).await
    }
}

/// Moves the trigger on, where it is still due at that instant; answers when that is. Of two that would fire it the second
/// waits for the first, and finds it moved.
async fn take(
    tx: &mut PgConnection,
    trigger: TriggerId,
    planned_at: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let take = sqlx::query_scalar!(
        r#"
        UPDATE fleet.triggers
        SET due_at = $3, state = CASE WHEN $3::timestamptz IS NULL THEN 'completed' ELSE state END,
            ended_at = CASE WHEN $3::timestamptz IS NULL THEN now() END
        WHERE id = $1 AND state = 'active' AND due_at = $2 AND due_at <= now()
        RETURNING now() AS "now!""#,
        trigger.0,
        planned_at,
        next,
    );
    take.fetch_optional(tx).await.map_err(failed("fire trigger"))
}

async fn submit_all(
    tx: &mut PgConnection,
    submissions: Vec<Submission<'_>>,
) -> Result<Vec<RunId>, LedgerError> {
    let mut runs = Vec::with_capacity(submissions.len());
    for (run, mut segments) in submissions {
        runs.push(submit_in(tx, &run, &mut segments).await?.run);
    }
    Ok(runs)
}

async fn note(tx: &mut PgConnection, trigger: TriggerId, fired: &Firing) -> Result<(), LedgerError> {
    let message = fired.message.as_deref().map(plain);
    let note = sqlx::query!(
        "
        INSERT INTO fleet.trigger_firings (trigger_id, planned_at, fired_at, result, missed, runs, message)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        -- A clock that was ahead has noted that instant before: what it did is in its runs.
        ON CONFLICT (trigger_id, planned_at) DO UPDATE
        SET fired_at = excluded.fired_at, result = excluded.result, missed = excluded.missed, runs = excluded.runs,
            message = excluded.message",
        trigger.0,
        fired.planned_at,
        fired.fired_at,
        fired.result.as_str(),
        number(fired.missed),
        json!(fired.runs).to_string(),
        message.as_deref(),
    );
    note.execute(tx).await.map_err(failed("fire trigger"))?;
    Ok(())
}
