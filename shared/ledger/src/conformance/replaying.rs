//! Dead letters.

use ledgerfleet_model::{Epoch, FailureKind, Lane, RunState, SegmentState, Standing};

use super::World;
use super::scene::{
    claim, company, daily, due, kill, new_run, page, record, retry, run_for, scene, seconds, settle,
    state_of_run, store, submit,
};
use crate::{Claim, DeadLetterFilter, NextStep, Purge, Replayed};

async fn listed(world: &dyn World, filter: DeadLetterFilter) -> Vec<ledgerfleet_model::SegmentId> {
    let letters = world.ledger().dead_letters(&filter, 100).await.unwrap();
    let count = world.ledger().count_dead_letters(&filter).await.unwrap();
    assert_eq!(letters.len(), usize::try_from(count).unwrap());
    letters.into_iter().map(|letter| letter.id).collect()
}

pub async fn dead_letters_are_listed_newest_first_and_filtered(world: &dyn World) {
    let scene = scene(world, 3).await;
    let other = company(world, "Birch").await;
    let other_run = run_for(world, other, Lane::Backfill, 1).await;
    let [a, b] = [scene.segments[2], scene.segments[0]];
    let c = other_run.segments[0];
    for (segment, kind) in [
        (a, FailureKind::BadRequest),
        (b, FailureKind::Forbidden),
        (c, FailureKind::BadRequest),
    ] {
        kill(world, segment, kind).await;
        world.pass_time(seconds(1)).await;
    }
    let any = DeadLetterFilter::default;
    assert_eq!(listed(world, any()).await, [c, b, a]);
    let letters = world.ledger().dead_letters(&any(), 1).await.unwrap();
    assert_eq!((letters.len(), letters[0].connection.as_str()), (1, "Birch"));
    assert_eq!(
        (letters[0].run_id, letters[0].window),
        (other_run.run, super::scene::window(0))
    );

    let bad = Some(FailureKind::BadRequest);
    assert_eq!(
        listed(world, DeadLetterFilter { reason: bad, ..any() }).await,
        [c, a]
    );
    assert_eq!(
        listed(
            world,
            DeadLetterFilter {
                run: Some(scene.run),
                ..any()
            }
        )
        .await,
        [b, a]
    );
    assert_eq!(
        listed(
            world,
            DeadLetterFilter {
                connections: vec![other],
                ..any()
            }
        )
        .await,
        [c]
    );
    assert_eq!(
        listed(
            world,
            DeadLetterFilter {
                ids: vec![a, scene.segments[1]],
                ..any()
            }
        )
        .await,
        [a]
    );
    assert!(
        listed(
            world,
            DeadLetterFilter {
                entities: vec!["item".to_owned()],
                ..any()
            }
        )
        .await
        .is_empty()
    );
    let fingerprint = Some(letters[0].fingerprint.clone());
    let both = DeadLetterFilter {
        fingerprint,
        connections: vec![scene.connection],
        ..any()
    };
    assert_eq!(listed(world, both).await, [a]);
}

pub async fn dead_letters_of_one_cause_are_one_group(world: &dyn World) {
    let scene = scene(world, 4).await;
    for (segment, kind) in scene.segments.iter().zip([
        FailureKind::BadRequest,
        FailureKind::Forbidden,
        FailureKind::BadRequest,
        FailureKind::BadRequest,
    ]) {
        kill(world, *segment, kind).await;
        world.pass_time(seconds(10)).await;
    }
    let groups = world
        .ledger()
        .dead_letter_groups(&DeadLetterFilter::default())
        .await
        .unwrap();
    let told: Vec<_> = groups.iter().map(|group| (group.reason, group.count)).collect();
    assert_eq!(told, [(FailureKind::BadRequest, 3), (FailureKind::Forbidden, 1)]);
    assert_eq!(
        (groups[0].entity.as_str(), groups[0].fingerprint.len()),
        ("invoice", 16)
    );
    assert!((groups[0].last_at - groups[0].first_at).num_seconds() >= 30);
    assert_eq!(groups[1].first_at, groups[1].last_at);

    let filter = DeadLetterFilter {
        fingerprint: Some(groups[1].fingerprint.clone()),
        ..Default::default()
    };
    assert_eq!(world.ledger().dead_letter_groups(&filter).await.unwrap().len(), 1);
}

pub async fn a_replay_starts_anew_and_keeps_the_history(world: &dyn World) {
    let scene = scene(world, 1).await;
    let segment = scene.segments[0];
    let first = claim(world, segment).await;
    store(world, &page(&first, 1, &[record("1", 1)], NextStep::Pass)).await;
    let second_pass = Claim {
        pass: 2,
        ..first.clone()
    };
    store(world, &page(&second_pass, 1, &[record("1", 1)], NextStep::Page)).await;
    settle(world, &first, &retry(seconds(0)), FailureKind::Network).await;
    kill(world, segment, FailureKind::Malformed).await;
    world.ledger().close_runs().await.unwrap();
    assert_eq!(state_of_run(world, scene.run).await, RunState::Dead);

    let replayed = world
        .ledger()
        .replay(&DeadLetterFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(replayed, Replayed { segments: 1, runs: 1 });
    assert_eq!(
        world.standing(segment).await,
        Standing {
            epoch: Epoch(2),
            ..Standing::NEW
        }
    );
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.state, report.closed_at, report.pending),
        (RunState::Active, None, 1)
    );
    assert_eq!((report.pages, report.calls, report.rows), (2, 2, 0));
    assert_eq!(due(world, 9).await, [segment]);
    assert!(listed(world, DeadLetterFilter::default()).await.is_empty());

    let again = claim(world, segment).await;
    assert_eq!(
        (again.pass, again.page, again.attempt, again.standing.epoch),
        (1, 0, 3, Epoch(3))
    );
    assert_eq!(world.ledger().attempts(segment).await.unwrap().len(), 2);
    let nothing = world
        .ledger()
        .replay(&DeadLetterFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(nothing, Replayed { segments: 0, runs: 0 });
}

pub async fn a_replay_takes_the_oldest_first_up_to_its_limit(world: &dyn World) {
    let scene = scene(world, 3).await;
    for segment in [scene.segments[1], scene.segments[2], scene.segments[0]] {
        kill(world, segment, FailureKind::BadRequest).await;
        world.pass_time(seconds(1)).await;
    }
    let filter = DeadLetterFilter {
        run: Some(scene.run),
        ..DeadLetterFilter::default()
    };
    let replayed = world.ledger().replay(&filter, Some(2)).await.unwrap();
    assert_eq!(
        replayed,
        Replayed { segments: 2, runs: 0 },
        "the run had not ended"
    );
    assert_eq!(listed(world, filter).await, [scene.segments[0]]);
    assert_eq!(
        world.standing(scene.segments[2]).await.state,
        SegmentState::Pending
    );
}

pub async fn a_replay_beside_an_equal_unfinished_run_reopens_both(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = new_run(Lane::Backfill, "invoices of March");
        let segments = daily(connection, 1);
        let segment = segments[0].id;
        assert!(!submit(world, &run, segments).await.attached);
        runs.push(run.id);
        if runs.len() < 3 {
            kill(world, segment, FailureKind::BadRequest).await;
            world.ledger().close_runs().await.unwrap();
        }
    }
    let replayed = world
        .ledger()
        .replay(&DeadLetterFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(replayed, Replayed { segments: 2, runs: 2 });
    for run in &runs {
        assert_eq!(state_of_run(world, *run).await, RunState::Active);
    }
    let joined = submit(world, &new_run(Lane::Backfill, "invoices of March"), Vec::new()).await;
    assert_eq!((joined.run, joined.attached), (runs[2], true));
}

pub async fn dead_letters_of_a_removed_connection_are_gone(world: &dyn World) {
    let scene = scene(world, 1).await;
    kill(world, scene.segments[0], FailureKind::BadRequest).await;
    world
        .ledger()
        .remove_connection(scene.connection, Purge::KeepRecords)
        .await
        .unwrap();
    assert!(listed(world, DeadLetterFilter::default()).await.is_empty());
    let replayed = world
        .ledger()
        .replay(&DeadLetterFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(replayed, Replayed { segments: 0, runs: 0 });
    assert_eq!(world.standing(scene.segments[0]).await.state, SegmentState::Dead);
}
