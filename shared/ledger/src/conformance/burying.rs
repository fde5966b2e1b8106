//! Dead letters: listed, grouped and counted.

use ledgerfleet_model::{FailureKind, Lane, SegmentId, SegmentState};

use super::World;
use super::letters::{all, drop_all, listed, replay};
use super::scene::{claim, company, day, failure, kill, new_run, run_for, scene, seconds, store, submit};
use crate::{DeadLetterFilter, Effort, LedgerError, Listing, NewSegment, Order, Purge};

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
    let letters = world
        .ledger()
        .dead_letters(&any(), &Listing::newest(1))
        .await
        .unwrap();
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
        .dead_letter_groups(&DeadLetterFilter::default(), 10)
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
    assert_eq!(
        world
            .ledger()
            .dead_letter_groups(&filter, 10)
            .await
            .unwrap()
            .len(),
        1
    );
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
    let replayed = replay(world, &all()).await;
    assert_eq!((replayed.segments, replayed.runs), (0, 0));
    assert_eq!(world.standing(scene.segments[0]).await.state, SegmentState::Dead);
}

pub async fn dead_letters_are_found_by_the_days_of_their_window(world: &dyn World) {
    let scene = scene(world, 5).await;
    let whole = NewSegment {
        id: SegmentId::new(),
        connection: scene.connection,
        entity: "customer".to_owned(),
        work: ledgerfleet_model::Window::Whole.into(),
    };
    let list = whole.id;
    submit(world, &new_run(Lane::Manual, "customers"), vec![whole]).await;
    for segment in scene.segments.iter().chain([&list]) {
        kill(world, *segment, FailureKind::BadRequest).await;
        world.pass_time(seconds(1)).await;
    }
    let of = |from: Option<usize>, to: Option<usize>| DeadLetterFilter {
        from: from.map(day),
        to: to.map(day),
        ..DeadLetterFilter::default()
    };
    let days = |numbers: &[usize]| -> Vec<SegmentId> {
        numbers.iter().map(|number| scene.segments[*number]).collect()
    };
    let everything = [vec![list], days(&[4, 3, 2, 1, 0])].concat();
    assert_eq!(listed(world, of(None, None)).await, everything);
    assert_eq!(listed(world, of(Some(1), Some(2))).await, days(&[2, 1]));
    assert_eq!(listed(world, of(Some(3), None)).await, days(&[4, 3]));
    // Both ends are included, and a list that is read whole has no days.
    assert_eq!(listed(world, of(None, Some(0))).await, days(&[0]));
    assert!(listed(world, of(Some(9), None)).await.is_empty());
}

pub async fn a_list_goes_on_where_its_page_ended(world: &dyn World) {
    let scene = scene(world, 5).await;
    // Some die at one instant: then their ids tell them apart.
    for (number, segment) in scene.segments.iter().enumerate() {
        kill(world, *segment, FailureKind::BadRequest).await;
        if number % 2 == 0 {
            world.pass_time(seconds(1)).await;
        }
    }
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut listing = Listing {
            order,
            ..Listing::newest(2)
        };
        let mut pages = Vec::new();
        loop {
            let page = world
                .ledger()
                .dead_letters(&DeadLetterFilter::default(), &listing)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            listing.after = Some(last.id);
            pages.extend(page.iter().map(|letter| letter.id));
        }
        let mut expected = scene.segments.clone();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        assert_eq!(pages, expected);
    }
    let nowhere = Listing {
        after: Some(SegmentId::new()),
        ..Listing::newest(2)
    };
    let refused = world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &nowhere)
        .await;
    assert!(matches!(refused, Err(LedgerError::NoSuchSegment(id)) if Some(id) == nowhere.after));
}

pub async fn dead_letters_are_counted_by_connector_and_reason(world: &dyn World) {
    let scene = scene(world, 4).await;
    let kinds = [
        FailureKind::BadRequest,
        FailureKind::Forbidden,
        FailureKind::BadRequest,
        FailureKind::BadRequest,
    ];
    for (segment, kind) in scene.segments.iter().zip(kinds) {
        kill(world, *segment, kind).await;
    }
    drop_all(world, &[scene.segments[3]]).await;
    let mut counts = world.ledger().dead_letter_counts().await.unwrap();
    counts.sort_by_key(|count| count.count);
    let told: Vec<_> = counts
        .iter()
        .map(|count| (count.connector.as_str(), count.reason, count.count))
        .collect();
    assert_eq!(
        told,
        [
            ("quickbooks", FailureKind::Forbidden, 1),
            ("quickbooks", FailureKind::BadRequest, 2)
        ]
    );
}

/// Hides these.
pub async fn a_history_tells_work_from_waiting(world: &dyn World) {
    let scene = scene(world, 1).await;
    let segment = scene.segments[0];
    let first = claim(world, segment).await;
    store(
        world,
        &super::scene::page(&first, 1, &[super::scene::record("1", 1)], crate::NextStep::Page),
    )
    .await;
    let mut standing = first.standing;
    standing.progressed = true;
    let effort = Effort {
        calls: 1,
        pages: 1,
        worked: seconds(3),
        at_gate: seconds(7),
    };
    for outcome in [
        super::scene::later(seconds(30)),
        super::scene::later(seconds(40)),
        super::scene::retry(seconds(5)),
    ] {
        let settlement = ledgerfleet_model::segment::Settlement::of(
            segment,
            standing,
            &outcome,
            failure(FailureKind::Throttled),
            &ledgerfleet_model::Timings::default(),
        );
        world
            .ledger()
            .settle(&settlement.unwrap(), &effort)
            .await
            .unwrap();
        world.pass_time(seconds(60)).await;
        standing = claim(world, segment).await.standing;
    }
    world.pass_time(seconds(60)).await;
    let timings = ledgerfleet_model::Timings::default();
    world
        .ledger()
        .rescue(crate::RescueScope::All, &timings)
        .await
        .unwrap();
    let history = world.ledger().attempts(segment).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|row| {
            (
                row.outcome.as_str(),
                row.times,
                row.pages,
                row.worked_seconds,
                row.gate_seconds,
                row.waited_seconds,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("later", 2, Some(2), Some(6.0), Some(14.0), 70.0),
            ("retry", 1, Some(1), Some(3.0), Some(7.0), 5.0),
            ("crash", 1, None, None, None, 0.0),
        ]
    );
}
