//! Hinting: what an upstream has sent is stored once, gathered by company, and looked for again where it was not there yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, ConnectionState, Lane, RunId, SegmentId, Work};

use super::World;
use super::scene::{company, new_run, seconds};
use crate::hints::{GATHERED, KEPT, LOOKS};
use crate::{HintSums, Hinted, HintsStored, NewHint, NewSegment};

const WAITS: [Duration; LOOKS] = [Duration::from_secs(10), Duration::from_mins(1)];

/// An event of the company of that name.
pub(super) fn hint(key: &str, company: &str, record: &str) -> NewHint {
    NewHint {
        key: key.to_owned(),
        connector: "quickbooks",
        account: Some(format!("account of {company}")),
        entity: Some("invoice"),
        record: Some(record.to_owned()),
        gone: false,
        kind: "qbo.invoice.updated.v1".to_owned(),
        happened_at: DateTime::<Utc>::from_timestamp(1_770_000_000, 179_851_517),
        sample: None,
        former_token: false,
    }
}

/// A company that is kept in sync.
pub(super) async fn in_sync(world: &dyn World, name: &str) -> ConnectionId {
    let (id, ledger) = (company(world, name).await, world.ledger());
    let now = ledger.clock().await.unwrap().now;
    ledger.schedule_sync(id, None, now).await.unwrap();
    id
}

async fn stored(world: &dyn World, hints: &[NewHint]) -> HintsStored {
    world.ledger().store_hints(hints).await.unwrap()
}

async fn gathered(world: &dyn World) -> Vec<Hinted> {
    world.ledger().gathered_hints(100).await.unwrap()
}

async fn gathered_keys(world: &dyn World) -> Vec<String> {
    let mut keys: Vec<String> = gathered(world).await.into_iter().map(|hint| hint.key).collect();
    keys.sort_unstable();
    keys
}

async fn planned(world: &dyn World, keys: &[&str]) -> RunId {
    let run = new_run(Lane::Live, &RunId::new().to_string());
    let planned = world.ledger().plan_hints(&owned(keys), &run, Vec::new()).await;
    assert_eq!(planned.unwrap(), None, "nothing is asked");
    run.id
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

pub async fn an_event_is_stored_once_however_often_it_is_sent(world: &dyn World) {
    in_sync(world, "alder").await;
    let accepted = |accepted, duplicates| HintsStored {
        accepted,
        duplicates,
        ..HintsStored::default()
    };
    let (one, two) = (hint("a", "alder", "1"), hint("b", "alder", "2"));
    let twice_in_one = [one.clone(), two.clone(), one.clone()];
    assert_eq!(stored(world, &twice_in_one).await, accepted(2, 1));
    assert_eq!(
        stored(world, &[two, hint("c", "alder", "3")]).await,
        accepted(1, 1)
    );
    world.pass_time(GATHERED).await;
    planned(world, &["a", "b", "c"]).await;
    assert_eq!(stored(world, &[one]).await, accepted(0, 1));
    assert_eq!(
        gathered(world).await,
        [],
        "what a run has looked for is not looked for because it is sent again"
    );
    assert_eq!(stored(world, &[]).await, accepted(0, 0));
}

pub async fn events_of_strangers_and_nonsense_are_counted_and_looked_for_by_nobody(world: &dyn World) {
    in_sync(world, "alder").await;
    let nonsense = |key: &str, company: Option<&str>| NewHint {
        account: company.map(|company| format!("account of {company}")),
        entity: None,
        record: None,
        kind: String::new(),
        sample: Some("{\u{0}]".to_owned()),
        ..hint(key, "", "")
    };
    let of_what = |key: &str, company: &str| NewHint {
        entity: None,
        record: None,
        kind: "qbo.yacht.created.v1".to_owned(),
        ..hint(key, company, "")
    };
    let all = [
        hint("good", "alder", "1"),
        hint("stranger", "birch", "1"),
        of_what("yacht", "alder"),
        of_what("a stranger's yacht", "birch"),
        nonsense("nonsense", None),
        nonsense("an own company's nonsense", Some("alder")),
    ];
    let expected = HintsStored {
        accepted: 1,
        duplicates: 0,
        unknown_companies: 2,
        unknown_kinds: 1,
        unreadable: 2,
    };
    assert_eq!(stored(world, &all).await, expected);
    world.pass_time(GATHERED).await;
    assert_eq!(gathered_keys(world).await, ["good"]);
    let sums = world.ledger().hint_sums().await.unwrap();
    assert_eq!((sums.unreadable, sums.waiting), (2, 0));
    assert!(sums.last_received_at.is_some() && sums.last_unknown_company_at.is_some());
    assert_eq!(sums.last_former_at, None);
    world.pass_time(seconds(62)).await;
    assert_eq!(world.ledger().hint_sums().await.unwrap().waiting, 1);
}

pub async fn events_of_a_company_are_gathered_and_then_come_together(world: &dyn World) {
    let (alder, birch) = (in_sync(world, "alder").await, in_sync(world, "birch").await);
    stored(world, &[hint("a", "alder", "1")]).await;
    assert_eq!(gathered(world).await, [], "others may follow");
    world.pass_time(GATHERED).await;
    let gone = NewHint {
        gone: true,
        ..hint("b", "alder", "2")
    };
    stored(world, &[gone, hint("c", "birch", "1")]).await;
    let hinted = |key: &str, connection: ConnectionId, record: &str, gone| Hinted {
        key: key.to_owned(),
        connection,
        entity: "invoice".to_owned(),
        record: record.to_owned(),
        gone,
    };
    let expected = [hinted("a", alder, "1", false), hinted("b", alder, "2", true)];
    assert_eq!(gathered(world).await, expected, "birch has just begun");
    assert_eq!(world.ledger().gathered_hints(1).await.unwrap().len(), 1);
    planned(world, &["a", "b"]).await;
    assert_eq!(gathered(world).await, []);
    world.pass_time(GATHERED).await;
    assert_eq!(gathered(world).await, [hinted("c", birch, "1", false)]);
}

pub async fn a_company_that_is_not_asked_keeps_its_events_until_it_is(world: &dyn World) {
    let alder = company(world, "alder").await;
    let ledger = world.ledger();
    stored(world, &[hint("a", "alder", "1")]).await;
    world.pass_time(GATHERED).await;
    assert_eq!(gathered(world).await, [], "nobody has asked to have it in sync");
    let now = ledger.clock().await.unwrap().now;
    ledger.schedule_sync(alder, None, now).await.unwrap();
    assert_eq!(gathered_keys(world).await, ["a"]);
    let become_so = async |state| ledger.set_connection_state(alder, state, None).await.unwrap();
    become_so(ConnectionState::Paused).await;
    assert_eq!(gathered(world).await, []);
    become_so(ConnectionState::Active).await;
    assert_eq!(gathered_keys(world).await, ["a"]);
    ledger
        .schedule_sync(alder, Some(Duration::ZERO), now)
        .await
        .unwrap();
    assert_eq!(gathered(world).await, [], "nobody wants it in sync");
    ledger.schedule_sync(alder, None, now).await.unwrap();
    assert_eq!(gathered_keys(world).await, ["a"]);
}

pub async fn a_record_that_is_not_there_yet_is_looked_for_twice_more(world: &dyn World) {
    in_sync(world, "alder").await;
    let ledger = world.ledger();
    let gone = NewHint {
        gone: true,
        ..hint("gone", "alder", "9")
    };
    stored(world, &[hint("a", "alder", "1"), hint("b", "alder", "2"), gone]).await;
    let absent = ["1".to_owned(), "9".to_owned()];
    let all = planned(world, &["a", "b", "gone"]).await;
    assert_eq!(
        ledger
            .look_again(RunId::new(), "invoice", &absent, WAITS)
            .await
            .unwrap(),
        0
    );
    assert_eq!(ledger.look_again(all, "bill", &absent, WAITS).await.unwrap(), 0);
    let again = ledger.look_again(all, "invoice", &absent, WAITS).await.unwrap();
    assert_eq!(again, 1, "what is said to be gone was not expected");
    let again = ledger.look_again(all, "invoice", &absent, WAITS).await.unwrap();
    assert_eq!(
        again, 0,
        "an attempt that is made again puts nothing off once more"
    );
    world.pass_time(GATHERED).await;
    assert_eq!(gathered(world).await, []);
    world.pass_time(seconds(8)).await;
    assert_eq!(gathered_keys(world).await, ["a"]);
    let second = planned(world, &["a"]).await;
    assert_eq!(
        ledger
            .look_again(second, "invoice", &absent, WAITS)
            .await
            .unwrap(),
        1
    );
    world.pass_time(seconds(11)).await;
    assert_eq!(gathered(world).await, []);
    world.pass_time(seconds(50)).await;
    let third = planned(world, &["a"]).await;
    assert_eq!(
        ledger.look_again(third, "invoice", &absent, WAITS).await.unwrap(),
        0
    );
}

/// Whoever looks for them may have its answer at once, and ask for a second look.
pub async fn a_run_is_stored_with_the_note_of_what_it_looks_for_or_not_at_all(world: &dyn World) {
    let alder = in_sync(world, "alder").await;
    let ledger = world.ledger();
    stored(world, &[hint("a", "alder", "1"), hint("b", "alder", "2")]).await;
    world.pass_time(GATHERED).await;
    let look = |connection| NewSegment {
        id: SegmentId::new(),
        connection,
        entity: "invoice".to_owned(),
        work: Work::Records {
            ids: owned(&["1", "2"]),
            gone: Vec::new(),
        },
    };
    let run = |number| new_run(Lane::Live, &format!("hints/{alder}/{number}"));
    let (keys, first) = (owned(&["a", "b"]), run(1));
    let of_nobody = vec![look(ConnectionId::new())];
    assert!(ledger.plan_hints(&keys, &first, of_nobody).await.is_err());
    assert!(ledger.run(first.id).await.unwrap().is_none());
    assert_eq!(gathered_keys(world).await, keys, "they are worth a look still");

    let both = [run(2), run(3)];
    let plan = both
        .iter()
        .map(|run| ledger.plan_hints(&keys, run, vec![look(alder)]));
    let planned = futures::future::try_join_all(plan).await.unwrap();
    let [by] = planned
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(
        ledger.runs(10).await.unwrap().len(),
        1,
        "of two that lead, one does"
    );
    let absent = owned(&["1"]);
    let again = ledger
        .look_again(by.run, "invoice", &absent, WAITS)
        .await
        .unwrap();
    assert_eq!(again, 1);
}

pub async fn events_are_forgotten_after_a_week(world: &dyn World) {
    in_sync(world, "alder").await;
    let ledger = world.ledger();
    let former = NewHint {
        former_token: true,
        ..hint("a", "alder", "1")
    };
    stored(world, &[former, hint("b", "alder", "2")]).await;
    assert!(ledger.hint_sums().await.unwrap().last_former_at.is_some());
    world.pass_time(KEPT.saturating_sub(seconds(60))).await;
    assert_eq!(ledger.prune_hints(10).await.unwrap(), 0);
    world.pass_time(seconds(61)).await;
    stored(world, &[hint("c", "alder", "3")]).await;
    assert_eq!(ledger.prune_hints(1).await.unwrap(), 1);
    assert_eq!(ledger.prune_hints(10).await.unwrap(), 1);
    assert_eq!(ledger.prune_hints(10).await.unwrap(), 0);
    let HintSums { last_former_at, .. } = ledger.hint_sums().await.unwrap();
    assert_eq!(last_former_at, None);
}
