//! Hints on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, RunId};

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_list};
use super::error::failed;
use super::runs::submit_in;
use crate::hints::{GATHERED, KEPT, LOOKS};
use crate::{
    HintState, HintSums, Hinted, Hints, HintsStored, LedgerError, NewHint, NewRun, NewSegment, Submitted,
};

#[derive(sqlx::FromRow)]
struct HintedRow {
    key: String,
    connection_id: Text<ConnectionId>,
    entity: String,
    record: String,
    gone: bool,
}

impl From<HintedRow> for Hinted {
    fn from(row: HintedRow) -> Self {
        Self {
            key: row.key,
            connection: row.connection_id.0,
            entity: row.entity,
            record: row.record,
            gone: row.gone,
        }
    }
}

#[async_trait]
impl Hints for SqliteLedger {
    async fn store_hints(&self, hints: &[NewHint]) -> Result<HintsStored, LedgerError> {
        const STORE: &str = "
            INSERT OR IGNORE INTO fleet_webhook_events
                (key, connector, account, connection_id, entity, record, gone, kind, happened_at, received_at, due_at, state,
                 sample, former_token)
            SELECT key, connector, account, connection_id, entity, record, gone, kind, happened_at, ?2, ?3,
                CASE WHEN state <> 'unreadable' AND connection_id IS NULL THEN 'unknown_company' ELSE state END,
                sample, former_token
            FROM (
                SELECT value ->> 'key' AS key, value ->> 'connector' AS connector, value ->> 'account' AS account,
                    (SELECT c.id FROM fleet_connections c
                     WHERE c.connector = value ->> 'connector' AND c.account = value ->> 'account' AND c.state <> 'removed'
                     ORDER BY c.state = 'active' DESC LIMIT 1) AS connection_id,
                    value ->> 'entity' AS entity, value ->> 'record' AS record, value ->> 'gone' AS gone,
                    value ->> 'kind' AS kind, value ->> 'happened_at' AS happened_at, value ->> 'state' AS state,
                    value ->> 'sample' AS sample, value ->> 'former_token' AS former_token
                FROM json_each(?1))
            RETURNING state";
        let now = self.now();
        let list: serde_json::Value = hints.iter().map(stored_form).collect();
        let mut tx = self.write("store hints").await?;
        let states: Vec<Text<HintState>> = sqlx::query_scalar(STORE)
            .bind(list.to_string())
            .bind(now)
            .bind(now.after(GATHERED))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("store hints"))?;
        tx.commit().await.map_err(failed("store hints"))?;
        Ok(HintsStored::of(
            hints.len(),
            states.into_iter().map(|state| state.0),
        ))
    }

    async fn gathered_hints(&self, limit: u32) -> Result<Vec<Hinted>, LedgerError> {
        const GATHERED: &str = "
            SELECT e.key, e.connection_id, e.entity, e.record, e.gone
            FROM fleet_webhook_events e
            JOIN fleet_connections c ON c.id = e.connection_id AND c.state = 'active'
            JOIN fleet_sync_schedules s ON s.connection_id = c.id
            WHERE e.state = 'pending' AND coalesce(s.every_s, 1) > 0
              AND (e.due_at <= ?1 OR e.looks = 0 AND e.connection_id IN (
                SELECT o.connection_id FROM fleet_webhook_events o
                WHERE o.state = 'pending' AND o.looks = 0 AND o.due_at <= ?1))
            ORDER BY e.due_at, e.key LIMIT ?2";
        let rows: Vec<HintedRow> = sqlx::query_as(GATHERED)
            .bind(self.now())
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("gathered hints"))?;
        Ok(rows.into_iter().map(Hinted::from).collect())
    }

    async fn plan_hints(
        &self,
        keys: &[String],
        run: &NewRun,
        segments: Vec<NewSegment>,
    ) -> Result<Option<Submitted>, LedgerError> {
        const PLANNED: &str = "
            UPDATE fleet_webhook_events SET state = 'planned', run_id = ?2
            WHERE key IN (SELECT value FROM json_each(?1)) AND state = 'pending'";
        let mut tx = self.write("plan hints").await?;
        let planned = sqlx::query(PLANNED).bind(json_list(keys)).bind(Text(run.id));
        let planned = planned.execute(&mut *tx).await.map_err(failed("plan hints"))?;
        let mut submitted = None;
        if planned.rows_affected() > 0 && !segments.is_empty() {
            let now = self.now();
            submitted = Some(submit_in(&mut tx, now, run, &mut segments.into_iter()).await?);
        }
        tx.commit().await.map_err(failed("plan hints"))?;
        Ok(submitted)
    }

    async fn look_again(
        &self,
        run: RunId,
        entity: &str,
        records: &[String],
        waits: [Duration; LOOKS],
    ) -> Result<u64, LedgerError> {
        const AGAIN: &str = "
            UPDATE fleet_webhook_events
            SET state = 'pending', looks = looks + 1, due_at = CASE looks WHEN 0 THEN ?4 ELSE ?5 END
            WHERE run_id = ?1 AND entity = ?2 AND record IN (SELECT value FROM json_each(?3))
              AND state = 'planned' AND NOT gone AND looks < 2";
        let now = self.now();
        let mut tx = self.write("look again").await?;
        let again = sqlx::query(AGAIN)
            .bind(Text(run))
            .bind(entity)
            .bind(json_list(records))
            .bind(now.after(waits[0]))
            .bind(now.after(waits[1]));
        let again = again.execute(&mut *tx).await.map_err(failed("look again"))?;
        tx.commit().await.map_err(failed("look again"))?;
        Ok(again.rows_affected())
    }

    async fn hint_sums(&self) -> Result<HintSums, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct SumsRow {
            last_received_at: Option<Stamp>,
            last_former_at: Option<Stamp>,
            last_unknown_company_at: Option<Stamp>,
            unreadable: u64,
            waiting: u64,
        }
        const SUMS: &str = "
            SELECT
                (SELECT max(received_at) FROM fleet_webhook_events) AS last_received_at,
                (SELECT max(received_at) FROM fleet_webhook_events WHERE former_token) AS last_former_at,
                (SELECT max(received_at) FROM fleet_webhook_events WHERE state = 'unknown_company')
                    AS last_unknown_company_at,
                (SELECT count(*) FROM fleet_webhook_events WHERE received_at > ?1 AND state = 'unreadable') AS unreadable,
                (SELECT count(*) FROM fleet_webhook_events e
                 JOIN fleet_connections c ON c.id = e.connection_id AND c.state = 'active'
                 JOIN fleet_sync_schedules s ON s.connection_id = c.id
                 WHERE e.state = 'pending' AND coalesce(s.every_s, 1) > 0 AND e.due_at < ?2) AS waiting";
        let now = self.now();
        let row: SumsRow = sqlx::query_as(SUMS)
            .bind(now.before(Duration::from_hours(24)))
            .bind(now.before(Duration::from_mins(1)))
            .fetch_one(&self.readers)
            .await
            .map_err(failed("hint sums"))?;
        Ok(HintSums {
            last_received_at: row.last_received_at.map(|at| at.0),
            last_former_at: row.last_former_at.map(|at| at.0),
            last_unknown_company_at: row.last_unknown_company_at.map(|at| at.0),
            unreadable: row.unreadable,
            waiting: row.waiting,
        })
    }

    async fn prune_hints(&self, batch: u32) -> Result<u64, LedgerError> {
        const PRUNE: &str = "
            DELETE FROM fleet_webhook_events WHERE key IN (
                SELECT key FROM fleet_webhook_events WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)";
        let before = self.now().before(KEPT);
        let mut tx = self.write("prune hints").await?;
        let prune = sqlx::query(PRUNE).bind(before).bind(batch);
        let pruned = prune.execute(&mut *tx).await.map_err(failed("prune hints"))?;
        tx.commit().await.map_err(failed("prune hints"))?;
        Ok(pruned.rows_affected())
    }
}

/// An event as the statement reads it.
fn stored_form(hint: &NewHint) -> serde_json::Value {
    let mut form = serde_json::json!(hint);
    form["state"] = hint.state().as_str().into();
    form["happened_at"] = hint.happened_at.map(|at| Stamp::from(at).to_string()).into();
    form
}
