//! What no trait tells yet: metered calls by the hour, the audit, the columns and views that people query.

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{
    claim, due, failure, finish, kill, page, record, retry, scene, seconds, store, tombstone, worker,
};
use ledgerfleet_ledger::{Claims, Effort, NextStep, Pages, ReplayRequest, Replays, Runs, Steer};
use ledgerfleet_model::segment::Settlement;
use ledgerfleet_model::{FailureKind, Record, Timings};
use sqlx::Row;

use crate::world::world;

#[tokio::test]
async fn metered_calls_are_counted_by_connection_entity_and_hour() {
    let world = world().await;
    let scene = scene(&world, 3).await;
    finish(&world, scene.segments[0], &[]).await;
    finish(&world, scene.segments[1], &[]).await;
    world.pass_time(seconds(3600)).await;
    let claim = claim(&world, scene.segments[2]).await;
    let failure = failure(FailureKind::Timeout);
    let settlement = Settlement::of(
        claim.segment,
        claim.standing,
        &retry(seconds(1)),
        failure,
        &Timings::default(),
    );
    world
        .ledger
        .settle(
            &settlement.unwrap(),
            &Effort {
                calls: 5,
                ..Effort::default()
            },
        )
        .await
        .unwrap();

    let rows = sqlx::query("SELECT entity, hour, calls FROM fleet_api_calls ORDER BY hour");
    let rows = rows.fetch_all(&mut world.sql().await).await.unwrap();
    let told: Vec<(String, String, i64)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let hour = |hour: &str, calls| ("invoice".to_owned(), hour.to_owned(), calls);
    assert_eq!(
        told,
        [
            hour("2026-11-21T12:00:00.000000Z", 2),
            hour("2026-11-21T13:00:00.000000Z", 5)
        ]
    );
}

#[tokio::test]
async fn the_calls_of_a_month_are_told_until_it_is_over() {
    let world = world().await;
    let scene = scene(&world, 3).await;
    finish(&world, scene.segments[0], &[]).await;
    // To the next day, of the same month.
    world.pass_time(seconds(24 * 3600)).await;
    finish(&world, scene.segments[1], &[]).await;
    let told = world.ledger.calls_this_month().await.unwrap();
    assert_eq!(told, [("quickbooks".to_owned(), 2)].into());
    world.pass_time(seconds(9 * 24 * 3600)).await;
    finish(&world, scene.segments[2], &[]).await;
    let told = world.ledger.calls_this_month().await.unwrap();
    assert_eq!(told, [("quickbooks".to_owned(), 1)].into());
}

#[tokio::test]
async fn what_people_do_is_written_down() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    kill(&world, scene.segments[0], FailureKind::BadRequest).await;
    world
        .ledger
        .replay(&ReplayRequest {
            most: Some(5),
            asked_by: "ada".to_owned(),
            ..ReplayRequest::default()
        })
        .await
        .unwrap();
    for steer in [Steer::Pause, Steer::Resume, Steer::Cancel, Steer::Pause] {
        world.ledger.steer_run(scene.run, steer).await.unwrap();
    }
    let rows = sqlx::query("SELECT action, subject, detail FROM fleet_audit ORDER BY id");
    let rows = rows.fetch_all(&mut world.sql().await).await.unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        actions,
        ["dead_letters.replay", "run.pause", "run.resume", "run.cancel"]
    );
    assert_eq!(rows[1].get::<String, _>(1), scene.run.to_string());
    assert!(rows[0].get::<&str, _>(2).contains(r#""segments":1"#));
}

#[tokio::test]
async fn a_record_tells_where_it_came_from() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    let odd = Record {
        original: Some(Box::from(*b"\xff{}")),
        ..record("1", 7)
    };
    store(&world, &page(&claim, 1, &[odd, tombstone("2")], NextStep::Page)).await;
    let rows = sqlx::query("SELECT * FROM qbo_invoice_history ORDER BY id");
    let rows = rows.fetch_all(&mut world.sql().await).await.unwrap();
    let text = |name: &str| rows[0].get::<Option<String>, _>(name).unwrap_or_default();
    assert_eq!(text("connection_id"), scene.connection.to_string());
    assert_eq!(text("segment_id"), claim.segment.to_string());
    assert_eq!(text("request_payload"), "SELECT * FROM Invoice");
    assert_eq!(text("document_date"), "2026-03-01");
    assert_eq!(text("observed_at_utc"), "2026-11-21T12:00:00.123456Z");
    assert_eq!(text("extract_window_start_utc"), "2026-03-01T00:00:00.000000Z");
    assert_eq!(text("extract_window_end_utc"), "2026-03-02T00:00:00.000000Z");
    assert_eq!((rows[0].get("page_number"), rows[0].get("page_size")), (1, 1000));
    assert_eq!(
        (rows[0].get("sanitised"), rows[0].get::<&[u8], _>("original")),
        (true, &b"\xff{}"[..])
    );
    assert_eq!(rows[0].get::<&[u8], _>("payload_hash").len(), 32);
    assert_eq!(text("deleted_at_utc"), "");
    assert_eq!(
        rows[1].get::<&str, _>("deleted_at_utc"),
        "2026-11-21T12:00:00.123456Z"
    );
}

#[tokio::test]
async fn a_segment_of_a_newer_format_is_left_to_a_newer_worker() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    sqlx::query("UPDATE fleet_segments SET format = format + 9 WHERE id = ?")
        .bind(scene.segments[0].to_string())
        .execute(&mut world.sql().await)
        .await
        .unwrap();
    assert_eq!(
        due(&world, 9).await,
        scene.segments[1..],
        "it takes nobody's place"
    );
    let claimed = world
        .ledger
        .claim(&scene.segments, &worker("north-1"), seconds(20))
        .await;
    let claimed: Vec<_> = claimed.unwrap().into_iter().map(|claim| claim.segment).collect();
    assert_eq!(claimed, scene.segments[1..]);
}
