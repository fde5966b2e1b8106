//! Hints on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, RunId};
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, plain};
use super::error::{failed, persistently};
use super::runs::submit_in;
use super::segments::take_time;
use crate::hints::{GATHERED, KEPT, LOOKS};
use crate::{
    HintState, HintSums, Hinted, Hints, HintsStored, LedgerError, NewHint, NewRun, NewSegment, Submitted,
};

struct HintedRow {
    key: String,
    connection_id: Uuid,
    entity: String,
    record: String,
    gone: bool,
}

impl From<HintedRow> for Hinted {
    fn from(row: HintedRow) -> Self {
        Self {
            key: row.key,
            connection: ConnectionId(row.connection_id),
            entity: row.entity,
            record: row.record,
            gone: row.gone,
        }
    }
}

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    keys: Vec<String>,
    connectors: Vec<&'static str>,
    accounts: Vec<Option<String>>,
    entities: Vec<Option<&'static str>>,
    records: Vec<Option<String>>,
    gone: Vec<bool>,
    kinds: Vec<String>,
    happened: Vec<Option<DateTime<Utc>>>,
    states: Vec<&'static str>,
    samples: Vec<Option<String>>,
    former: Vec<bool>,
}

impl Columns {
    fn of(hints: &[NewHint]) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(|text| plain(text).into_owned());
        let mut columns = Self::default();
        for hint in hints {
            columns.keys.push(hint.key.clone());
            columns.connectors.push(hint.connector);
            columns.accounts.push(text(&hint.account));
            columns.entities.push(hint.entity);
            columns.records.push(text(&hint.record));
            columns.gone.push(hint.gone);
            columns.kinds.push(plain(&hint.kind).into_owned());
            columns.happened.push(hint.happened_at);
            columns.states.push(hint.state().as_str());
            columns.samples.push(text(&hint.sample));
            columns.former.push(hint.former_token);
        }
        columns
    }
}

#[async_trait]
impl Hints for PostgresLedger {
    async fn store_hints(&self, hints: &[NewHint]) -> Result<HintsStored, LedgerError> {
        let columns = Columns::of(hints);
        // Done twice, because the answer of the first was lost, its events count as stored before.
        let store = || async {
            sqlx::query_scalar!(
                r#"
                INSERT INTO fleet.webhook_events
                    (key, connector, account, connection_id, entity, record, gone, kind, happened_at, due_at, state,
                     sample, former_token)
                SELECT h.key, h.connector, h.account, c.id, h.entity, h.record, h.gone, h.kind, h.happened_at,
                    now() + $12::interval,
                    CASE WHEN h.state <> 'unreadable' AND c.id IS NULL THEN 'unknown_company' ELSE h.state END,
                    h.sample, h.former_token
                FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::text[],
                    $8::timestamptz[], $9::text[], $10::text[], $11::bool[])
                    AS h (key, connector, account, entity, record, gone, kind, happened_at, state, sample, former_token)
                LEFT JOIN LATERAL (
                    SELECT o.id FROM fleet.connections o
                    WHERE o.connector = h.connector AND o.account = h.account AND o.state <> 'removed'
                    ORDER BY o.state = 'active' DESC LIMIT 1) AS c ON true
                -- In one order, so that two batches that hold the same events do not wait for each other in a circle.
                ORDER BY h.key
                ON CONFLICT (key) DO NOTHING
                RETURNING state AS "state: Word<HintState>""#,
                &columns.keys,
                &columns.connectors as &[&str],
                &columns.accounts as &[Option<String>],
                &columns.entities as &[Option<&str>],
                &columns.records as &[Option<String>],
                &columns.gone,
                &columns.kinds,
                &columns.happened as &[Option<DateTime<Utc>>],
                &columns.states as &[&str],
                &columns.samples as &[Option<String>],
                &columns.former,
                interval(GATHERED),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("store hints"))
        };
        let states = persistently(store).await?;
        Ok(HintsStored::of(
            hints.len(),
            states.into_iter().map(|state| state.0),
        ))
    }

    async fn gathered_hints(&self, limit: u32) -> Result<Vec<Hinted>, LedgerError> {
        let gathered = || async {
            sqlx::query_as!(
                HintedRow,
                r#"
                SELECT e.key, e.connection_id AS "connection_id!", e.entity AS "entity!", e.record AS "record!", e.gone
                FROM fleet.webhook_events e
                JOIN fleet.connections c ON c.id = e.connection_id AND c.state = 'active'
                JOIN fleet.sync_schedules s ON s.connection_id = c.id
                WHERE e.state = 'pending' AND coalesce(s.every_s, 1) > 0
                  AND (e.due_at <= now() OR e.looks = 0 AND e.connection_id IN (
                    SELECT o.connection_id FROM fleet.webhook_events o
                    WHERE o.state = 'pending' AND o.looks = 0 AND o.due_at <= now()))
                ORDER BY e.due_at, e.key LIMIT $1"#,
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("gathered hints"))
        };
        let rows = persistently(gathered).await?;
        Ok(rows.into_iter().map(Hinted::from).collect())
    }

    async fn plan_hints(
        &self,
        keys: &[String],
        run: &NewRun,
        segments: Vec<NewSegment>,
    ) -> Result<Option<Submitted>, LedgerError> {
        let mut tx = self.begin("plan hints").await?;
        take_time(&mut tx).await?;
        // Of two that would look for them the second waits for the first here, and finds them noted.
        let planned = sqlx::query!(
            "
            UPDATE fleet.webhook_events SET state = 'planned', run_id = $2
            WHERE key = ANY($1) AND state = 'pending'",
            keys,
            run.id.0,
        );
        let planned = planned.execute(&mut *tx).await.map_err(failed("plan hints"))?;
        let mut submitted = None;
        if planned.rows_affected() > 0 && !segments.is_empty() {
            submitted = Some(submit_in(&mut tx, run, &mut segments.into_iter()).await?);
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
        let again = || async {
            sqlx::query!(
                "
                UPDATE fleet.webhook_events
                SET state = 'pending', looks = looks + 1,
                    due_at = now() + CASE looks WHEN 0 THEN $4::interval ELSE $5::interval END
                WHERE run_id = $1 AND entity = $2 AND record = ANY($3)
                  AND state = 'planned' AND NOT gone AND looks < 2",
                run.0,
                entity,
                records,
                interval(waits[0]),
                interval(waits[1]),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("look again"))
        };
        Ok(persistently(again).await?.rows_affected())
    }

    async fn hint_sums(&self) -> Result<HintSums, LedgerError> {
        struct SumsRow {
            last_received_at: Option<DateTime<Utc>>,
            last_former_at: Option<DateTime<Utc>>,
            last_unknown_company_at: Option<DateTime<Utc>>,
            unreadable: Count<u64>,
            waiting: Count<u64>,
        }
        let sums = || async {
            sqlx::query_as!(
                SumsRow,
                r#"
                SELECT
                    (SELECT max(received_at) FROM fleet.webhook_events) AS last_received_at,
                    (SELECT max(received_at) FROM fleet.webhook_events WHERE former_token) AS last_former_at,
                    (SELECT max(received_at) FROM fleet.webhook_events WHERE state = 'unknown_company')
                        AS last_unknown_company_at,
                    (SELECT count(*) FROM fleet.webhook_events
                     WHERE received_at > now() - interval '1 day' AND state = 'unreadable') AS "unreadable!: _",
                    (SELECT count(*) FROM fleet.webhook_events e
                     JOIN fleet.connections c ON c.id = e.connection_id AND c.state = 'active'
                     JOIN fleet.sync_schedules s ON s.connection_id = c.id
                     WHERE e.state = 'pending' AND coalesce(s.every_s, 1) > 0
                       AND e.due_at < now() - interval '1 minute') AS "waiting!: _""#,
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("hint sums"))
        };
        let row = persistently(sums).await?;
        Ok(HintSums {
            last_received_at: row.last_received_at,
            last_former_at: row.last_former_at,
            last_unknown_company_at: row.last_unknown_company_at,
            unreadable: row.unreadable.0,
            waiting: row.waiting.0,
        })
    }

    async fn prune_hints(&self, batch: u32) -> Result<u64, LedgerError> {
        let prune = || async {
            sqlx::query!(
                "
                DELETE FROM fleet.webhook_events WHERE key IN (
                    SELECT key FROM fleet.webhook_events WHERE received_at < now() - $1::interval
                    ORDER BY received_at LIMIT $2)",
                interval(KEPT),
                i64::from(batch),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("prune hints"))
        };
        Ok(persistently(prune).await?.rows_affected())
    }
}
