//! When companies are synced by the leader.

use std::time::Duration;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_syncs_what_is_due_and_gives_who_was_late_a_place_of_its_own_within_minutes() {
    let world = World::with(
        EmulatorOptions {
            companies: ["acme", "birch"]
                .map(|name| CompanySpec::new(name, Size::Small))
                .into(),
            ..options()
        },
        Some(1_000.0),
    )
    .await;
    let (ledger, now) = (&world.parts.ledger, world.parts.clock.now());
    let [due, late] = [&world.connections[0], &world.connections[1]].map(|connection| connection.id);
    let ago = |seconds| now - TimeDelta::seconds(seconds);
    ledger.schedule_sync(due, None, ago(1)).await.unwrap();
    // As on a machine that is on for an hour a week: the place of a day is never in it.
    let daily = Some(Duration::from_hours(24));
    ledger.schedule_sync(late, daily, ago(6 * 86_400)).await.unwrap();
    let parts = world.parts.clone().keeping_in_sync(SyncPace::default());
    let runner = Runner::start(&parts, 8);
    let is_synced = async || {
        let states = ledger.sync_states(&[due]).await.unwrap();
        let synced = states.iter().filter(|state| state.succeeded_at.is_some());
        states.len() > 20 && synced.count() == states.len()
    };
    while !is_synced().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runner.stop().await;
    assert!(
        ledger.sync_states(&[late]).await.unwrap().is_empty(),
        "not at once"
    );
    for schedule in ledger.sync_schedules(&[]).await.unwrap() {
        let ahead = (schedule.due_at - now).num_seconds();
        assert!((0..330).contains(&ahead), "{schedule:?}");
    }
    let lanes: Vec<Lane> = ledger
        .runs(10)
        .await
        .unwrap()
        .iter()
        .map(|run| run.lane)
        .collect();
    assert_eq!(lanes, [Lane::Live], "one run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_followed_is_counted_once_a_day() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    // Changes, the list of tax codes, the window of time activities.
    for (a_day_has_passed, calls) in [(false, 3), (false, 3), (true, 4), (false, 3)] {
        if a_day_has_passed {
            world
                .sql("UPDATE fleet_learned SET learned_at = strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', '-25 hours')")
                .await;
        }
        let report = synced(&world, Scope::Changed).await;
        assert_eq!((report.segments, report.calls), (3, calls), "{a_day_has_passed}");
    }
    mutate(&world, "tax_code", MutationKind::Create, 1);
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, &world.connections[0]).await;
}
