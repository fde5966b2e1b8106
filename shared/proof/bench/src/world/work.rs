//! Work: what a world's fleet is asked for, and how long it takes.

use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime};
use ledgerfleet_ledger::{NewRun, NewSegment};
use ledgerfleet_model::{Axis, ConnectionId, Lane, RunId, SegmentId, Segmenting, Window};
use ledgerfleet_planning::{Request, plan, submit};
use tokio::time::{Instant, sleep};

use super::World;

/// Before all books, so that every day is empty.
const EMPTY: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a real date");

/// The last day of the emulator's books.
pub(crate) const LAST: NaiveDate = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a real date");

/// Longer than any figure takes.
const PATIENCE: Duration = Duration::from_hours(3);

/// Between two looks at a run.
const LOOK: Duration = Duration::from_millis(20);

/// Segments of invoices of days before the books, which no request may ask for and no page is served of: what they cost is
/// the machinery alone.
///
/// They go one after the other round the connections.
pub(crate) fn empty_days(connections: &[ConnectionId], many: usize) -> impl Iterator<Item = NewSegment> {
    (0..many).map(|number| NewSegment {
        id: SegmentId::new(),
        connection: connections[number % connections.len()],
        entity: "invoice".to_owned(),
        work: day(EMPTY + Days::new((number / connections.len()) as u64)).into(),
    })
}

fn day(from: NaiveDate) -> Window {
    Window::Dates {
        days: ledgerfleet_model::Days {
            from,
            to: from + Days::new(1),
        },
    }
}

impl World {
    /// The ids of all connections.
    pub(crate) fn ids(&self) -> Vec<ConnectionId> {
        self.connections.iter().map(|connection| connection.id).collect()
    }

    /// Submits segments as a run and rings. No plan has made them.
    pub(crate) async fn submit(&self, segments: impl Iterator<Item = NewSegment> + Send) -> RunId {
        let run = self.save(segments).await;
        self.parts.bell.ring().await.unwrap();
        run
    }

    /// Submits the last days of invoices of the company of that place, a segment a day.
    pub(crate) async fn submit_last_days(&self, place: usize, days: u32) -> RunId {
        let request = Request {
            connections: vec![self.connections[place].clone()],
            entities: vec!["invoice".to_owned()],
            from: LAST - Days::new(u64::from(days) - 1),
            to: LAST,
            axis: Axis::TxnDate,
            segmenting: Segmenting::Day,
            page_size: 1_000,
            now: LAST.and_time(NaiveTime::MIN).and_utc(),
            upper_margin: self.parts.timings.upper_margin,
        };
        self.submit_request(&request).await
    }

    /// Submits the last days of these entities of the first company, cut so.
    pub(crate) async fn submit_cut(&self, entities: &[&str], days: u32, segmenting: Segmenting) -> RunId {
        let request = Request {
            connections: vec![self.connections[0].clone()],
            entities: entities.iter().map(ToString::to_string).collect(),
            from: LAST - Days::new(u64::from(days) - 1),
            to: LAST,
            axis: Axis::TxnDate,
            segmenting,
            page_size: 1_000,
            // Of closed books: their last day does not grow any more.
            now: self.parts.clock.now(),
            upper_margin: self.parts.timings.upper_margin,
        };
        self.submit_request(&request).await
    }

    async fn submit_request(&self, request: &Request) -> RunId {
        let plan = plan(request).unwrap();
        let (ledger, bell) = (&*self.parts.ledger, &*self.parts.bell);
        let submitted = submit(ledger, bell, plan.run(), &mut plan.segments()).await;
        submitted.unwrap().run
    }

    /// Submits segments as a run and tells nobody.
    pub(crate) async fn save(&self, mut segments: impl Iterator<Item = NewSegment> + Send) -> RunId {
        let id = RunId::new();
        let run = NewRun {
            id,
            lane: Lane::Backfill,
            connections: self
                .connections
                .iter()
                .map(|connection| connection.name.clone())
                .collect(),
            entities: vec!["invoice".to_owned()],
            from: Some(EMPTY),
            to: Some(LAST),
            axis: Axis::TxnDate,
            segmenting: "day".to_owned(),
            page_size: 1_000,
            request_key: id.to_string(),
            trace_context: None,
        };
        self.parts.ledger.submit(&run, &mut segments).await.unwrap().run
    }

    /// Waits until a run is over, and tells how many seconds lay between its submission and the commit of its last segment,
    /// by the ledger's clock. All of it must be done.
    pub(crate) async fn until_done(&self, run: RunId) -> f64 {
        let began = Instant::now();
        loop {
            let state: String = sqlx::query_scalar("SELECT state FROM fleet.runs WHERE id = $1")
                .bind(run.0)
                .fetch_one(&self.database)
                .await
                .unwrap();
            match state.as_str() {
                "active" => assert!(began.elapsed() < PATIENCE, "the run does not end"),
                state => {
                    assert_eq!(state, "done");
                    return self.seconds_of(run).await;
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until so many segments of a run are done; answers how many are by then, and in how many seconds from the first
    /// claim on.
    pub(crate) async fn until_so_many(&self, run: RunId, many: usize) -> (f64, f64) {
        let done = "SELECT count(*)::float8, coalesce(extract(epoch FROM max(ended_at) - min(claimed_at)), 0)::float8
                    FROM fleet.segments WHERE run_id = $1 AND state = 'done'";
        loop {
            let (done, seconds): (f64, f64) = sqlx::query_as(done)
                .bind(run.0)
                .fetch_one(&self.database)
                .await
                .unwrap();
            if done >= many as f64 {
                return (done, seconds);
            }
            // To count is work for the server too.
            sleep(LOOK * (1 + u32::try_from(many / 2_000).unwrap_or(u32::MAX))).await;
        }
    }

    /// From a run's submission to the claim of its only segment, in seconds.
    pub(crate) async fn waited(&self, run: RunId) -> f64 {
        let waited = "SELECT extract(epoch FROM s.first_claimed_at - r.created_at)::float8
                      FROM fleet.runs r JOIN fleet.segments s ON s.run_id = r.id WHERE r.id = $1";
        sqlx::query_scalar(waited)
            .bind(run.0)
            .fetch_one(&self.database)
            .await
            .unwrap()
    }

    /// From a run's submission to the commit that ended the last of its segments, in seconds.
    pub(crate) async fn seconds_of(&self, run: RunId) -> f64 {
        let seconds = "SELECT extract(epoch FROM max(pg_xact_commit_timestamp(s.xmin)) - r.created_at)::float8
                       FROM fleet.runs r JOIN fleet.segments s ON s.run_id = r.id WHERE r.id = $1 GROUP BY r.created_at";
        sqlx::query_scalar(seconds)
            .bind(run.0)
            .fetch_one(&self.database)
            .await
            .unwrap()
    }
}
