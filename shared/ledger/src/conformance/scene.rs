//! What the promises need to be played: a company, a run of daily segments, claims, pages, records.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::segment::Settlement;
use ledgerfleet_model::{
    Axis, ConnectionId, Days, Environment, Failure, FailureKind, Lane, Outcome, Position, Record, RunId,
    RunState, SegmentId, Timings, Window, Work, WorkerName,
};

use super::World;
use crate::{
    Batch, Claim, Committed, DispatchLimits, Effects, Effort, FinishedWindow, Held, NewConnection, NewRun,
    NewSegment, NextStep, PageCommit, SealedCredential, Settled, Submitted,
};

/// The lease of every claim here.
pub const LEASE: Duration = Duration::from_secs(20);

/// The table of every record here.
pub const TABLE: &str = "qbo_invoice";

/// A company with a run.
#[derive(Debug)]
pub struct Scene {
    pub connection: ConnectionId,
    pub run: RunId,
    /// In the order of submission: a segment for each day from 1 March 2026.
    pub segments: Vec<SegmentId>,
}

/// Adds a company and submits a run of daily segments.
pub async fn scene(world: &dyn World, days: usize) -> Scene {
    let connection = company(world, "Alder & Sons").await;
    run_for(world, connection, Lane::Backfill, days).await
}

/// Adds a company.
pub async fn company(world: &dyn World, name: &str) -> ConnectionId {
    let new = new_connection(name);
    world
        .ledger()
        .add_connection(&new, &credential(1))
        .await
        .unwrap()
        .id
}

pub fn new_connection(name: &str) -> NewConnection {
    NewConnection {
        id: ConnectionId::new(),
        name: name.to_owned(),
        connector: "quickbooks".to_owned(),
        account: format!("account of {name}"),
        environment: Environment::Sandbox,
        time_zone: chrono_tz::America::Guayaquil,
        requests_per_second: None,
        slots: None,
    }
}

pub fn credential(version: i64) -> SealedCredential {
    SealedCredential {
        version,
        sealed: format!("sealed {version}"),
        stored_at: None,
    }
}

/// Submits a run of daily segments for a company.
pub async fn run_for(world: &dyn World, connection: ConnectionId, lane: Lane, days: usize) -> Scene {
    let run = new_run(lane, &RunId::new().to_string());
    let segments = daily(connection, days);
    let ids = segments.iter().map(|segment| segment.id).collect();
    let submitted = submit(world, &run, segments).await;
    assert!(!submitted.attached);
    Scene {
        connection,
        run: run.id,
        segments: ids,
    }
}

pub async fn submit(world: &dyn World, run: &NewRun, segments: Vec<NewSegment>) -> Submitted {
    world
        .ledger()
        .submit(run, &mut segments.into_iter())
        .await
        .unwrap()
}

pub fn new_run(lane: Lane, request_key: &str) -> NewRun {
    NewRun {
        id: RunId::new(),
        lane,
        connections: vec!["Alder & Sons".to_owned()],
        entities: vec!["invoice".to_owned()],
        from: Some(day(0)),
        to: Some(day(30)),
        axis: Axis::TxnDate,
        segmenting: "day".to_owned(),
        page_size: 1000,
        request_key: request_key.to_owned(),
        trace_context: Some(format!("trace of {request_key}")),
    }
}

/// A segment for each of `days` days.
pub fn daily(connection: ConnectionId, days: usize) -> Vec<NewSegment> {
    let segment = |number| NewSegment {
        id: SegmentId::new(),
        connection,
        entity: "invoice".to_owned(),
        work: window(number).into(),
    };
    (0..days).map(segment).collect()
}

/// The `number`-th day after 1 March 2026.
pub fn day(number: usize) -> NaiveDate {
    let march = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    march + chrono::Days::new(number.try_into().unwrap())
}

/// The window of that day.
pub fn window(number: usize) -> Window {
    Window::Dates {
        days: Days {
            from: day(number),
            to: day(number + 1),
        },
    }
}

pub fn worker(name: &str) -> WorkerName {
    WorkerName(name.to_owned())
}

/// Claims a segment that can be claimed.
pub async fn claim(world: &dyn World, segment: SegmentId) -> Claim {
    claim_all(world, &[segment]).await.pop().unwrap()
}

/// Claims those of these segments that can be claimed.
pub async fn claim_all(world: &dyn World, segments: &[SegmentId]) -> Vec<Claim> {
    world
        .ledger()
        .claim(segments, &worker("north-1"), LEASE)
        .await
        .unwrap()
}

pub fn held(claim: &Claim) -> Held {
    Held {
        segment: claim.segment,
        epoch: claim.standing.epoch,
    }
}

/// Where every page but the last goes on.
pub static ELSEWHERE: LazyLock<Position> = LazyLock::new(|| Position::new("elsewhere"));

/// A page of a claim, with the commit's other fields as they mostly are.
pub fn page<'a>(claim: &'a Claim, number: u32, records: &'a [Record], next: NextStep) -> PageCommit<'a> {
    PageCommit {
        batches: vec![batch(&claim.entity, records)],
        answered_at: None,
        checkpoints: Vec::new(),
        follow_ups: Vec::new(),
        segment: claim.segment,
        epoch: claim.standing.epoch,
        connection: claim.connection,
        entity: &claim.entity,
        window: window_of(claim),
        pass: claim.pass,
        page: number,
        page_size: claim.page_size,
        request: "SELECT * FROM Invoice",
        observed_at: claim.claimed_at,
        lease: LEASE,
        calls: 1,
        go_on: &ELSEWHERE,
        next,
    }
}

/// The window of a claim that reads one.
pub fn window_of(claim: &Claim) -> &Window {
    match &claim.work {
        Work::Window(window) | Work::Sync(window) => window,
        other => panic!("{other} is no window"),
    }
}

/// The records of an entity, all of them good.
pub fn batch<'a>(entity: &'a str, records: &'a [Record]) -> Batch<'a> {
    Batch {
        entity,
        table: TABLE,
        records,
        quarantined: &[],
    }
}

/// The only page of a claim.
pub fn only_page<'a>(claim: &'a Claim, records: &'a [Record]) -> PageCommit<'a> {
    let rows = records.len().try_into().unwrap();
    page(
        claim,
        claim.page + 1,
        records,
        NextStep::Done(FinishedWindow {
            rows,
            ..FinishedWindow::default()
        }),
    )
}

/// Stores a page whose fence holds.
pub async fn store(world: &dyn World, page: &PageCommit<'_>) -> Effects {
    match world.ledger().commit_page(page).await.unwrap() {
        Committed::Stored(effects) => effects,
        Committed::Fenced => panic!("the page was fenced off"),
    }
}

/// Claims a segment and finishes it with these records.
pub async fn finish(world: &dyn World, segment: SegmentId, records: &[Record]) -> Effects {
    let claim = claim(world, segment).await;
    store(world, &only_page(&claim, records)).await
}

/// A record of a version, whose payload says both.
pub fn record(id: &str, version: i64) -> Record {
    let payload = format!(r#"{{"Id":"{id}","SyncToken":"{version}"}}"#);
    Record {
        id: id.to_owned(),
        payload_hash: hash_of(&payload),
        payload: payload.into(),
        source_version: Some(version),
        source_created_at: None,
        source_updated_at: None,
        document_date: Some(day(0)),
        deleted: false,
        original: None,
    }
}

/// The observation that a record is gone.
pub fn tombstone(id: &str) -> Record {
    let payload = format!(r#"{{"Id":"{id}","status":"Deleted"}}"#);
    Record {
        payload_hash: hash_of(&payload),
        payload: payload.into(),
        source_version: None,
        document_date: None,
        deleted: true,
        ..record(id, 0)
    }
}

/// Not the connectors' hash, but as good here: 32 bytes that differ where texts differ.
fn hash_of(text: &str) -> [u8; 32] {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = [0; 32];
    for (seed, part) in hash.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (seed, text).hash(&mut hasher);
        part.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    hash
}

pub fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, format!("what {kind} looks like on day 17"))
}

pub fn later(wait: Duration) -> Outcome {
    Outcome::Later { wait }
}

pub fn retry(wait: Duration) -> Outcome {
    Outcome::Retry { wait }
}

/// Settles a claim.
pub async fn settle(world: &dyn World, claim: &Claim, outcome: &Outcome, kind: FailureKind) -> Settled {
    let settlement = Settlement::of(
        claim.segment,
        claim.standing,
        outcome,
        failure(kind),
        &Timings::default(),
    );
    world
        .ledger()
        .settle(&settlement.unwrap(), &Effort::default())
        .await
        .unwrap()
}

/// Claims a segment and lets it die.
pub async fn kill(world: &dyn World, segment: SegmentId, kind: FailureKind) {
    let claim = claim(world, segment).await;
    assert_eq!(
        settle(world, &claim, &Outcome::Dead, kind).await,
        Settled::Settled
    );
}

pub fn limits(slots: u32) -> DispatchLimits {
    DispatchLimits {
        slots: HashMap::from([("quickbooks".to_owned(), slots)]),
        total: 2000,
    }
}

/// The segments that are due, in the order of their offer.
pub async fn due(world: &dyn World, slots: u32) -> Vec<SegmentId> {
    let ready = world.ledger().due(&limits(slots)).await.unwrap();
    ready.into_iter().map(|ready| ready.segment).collect()
}

pub async fn state_of_run(world: &dyn World, run: RunId) -> RunState {
    world.ledger().run(run).await.unwrap().unwrap().state
}

/// The records of a company, by id.
pub async fn records(world: &dyn World, connection: ConnectionId) -> Vec<crate::StoredRecord> {
    let filter = crate::RecordFilter {
        connection,
        table: TABLE.to_owned(),
        id: None,
        from: None,
        to: None,
        limit: 10_000,
    };
    let mut records = world.ledger().records(&filter).await.unwrap();
    records.sort_by(|one, other| one.id.cmp(&other.id));
    records
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Whether two instants are the same but for what a ledger whose time flows may need for a step.
pub fn about(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < chrono::TimeDelta::seconds(5)
}
