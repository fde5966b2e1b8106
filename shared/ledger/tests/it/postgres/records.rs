//! The columns and tables that people query, and what no trait tells.

use std::collections::BTreeMap;

use ledgerfleet_ledger::conformance::World as _;
use ledgerfleet_ledger::conformance::scene::{
    batch, claim, company, due, failure, finish, kill, page, record, retry, run_for, scene, seconds, store,
    tombstone, worker,
};
use ledgerfleet_ledger::{
    Claims, Effects, Effort, FinishedWindow, NextStep, PageCommit, ReplayRequest, Replays, Runs, Steer,
};
use ledgerfleet_model::segment::Settlement;
use ledgerfleet_model::{FailureKind, Lane, Record, Timings};

use super::world::{PostgresWorld, world};

#[tokio::test]
async fn metered_calls_are_counted_by_connection_entity_and_hour() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    finish(&world, scene.segments[0], &[]).await;
    let an_hour_ago = "UPDATE fleet.api_calls SET hour = hour - interval '1 hour'";
    world.database.command(an_hour_ago);
    let claim = claim(&world, scene.segments[1]).await;
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
    finish(
        &world,
        run_for(&world, scene.connection, Lane::Manual, 1).await.segments[0],
        &[],
    )
    .await;
    let told =
        "SELECT entity, hour = date_trunc('hour', hour, 'UTC'), calls FROM fleet.api_calls ORDER BY hour";
    assert_eq!(world.database.command(told), "invoice|t|1\ninvoice|t|6");
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
    let told = "
        SELECT action, CASE action WHEN 'dead_letters.replay' THEN detail ->> 'by' ELSE subject END,
            detail -> 'segments' FROM fleet.audit ORDER BY id";
    let run = scene.run;
    let expected =
        format!("dead_letters.replay|ada|1\nrun.pause|{run}|0\nrun.resume|{run}|0\nrun.cancel|{run}|1");
    assert_eq!(world.database.command(told), expected);
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
    let told = world.database.command(
        "SELECT connection_id, segment_id, request_payload, document_date, observed_at_utc <= ingested_at_utc,
             extract_window_start_utc AT TIME ZONE 'UTC', extract_window_end_utc AT TIME ZONE 'UTC', page_number,
             page_size, sanitised, original, length(payload_hash), deleted_at_utc IS NULL, payload ->> 'SyncToken'
         FROM raw.qbo_invoice WHERE id = '1'",
    );
    let expected = format!(
        r"{}|{}|SELECT * FROM Invoice|2026-03-01|t|2026-03-01 00:00:00|2026-03-02 00:00:00|1|1000|t|\xff7b7d|32|t|7",
        scene.connection, claim.segment
    );
    assert_eq!(told, expected);
    let gone = "SELECT deleted_at_utc = observed_at_utc FROM raw.qbo_invoice WHERE id = '2'";
    assert_eq!(world.database.command(gone), "t");
}

#[tokio::test]
async fn a_record_that_jsonb_refuses_is_stored_without_what_it_refuses_and_its_text_is_kept() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    let with_text = |id: &str, text: &str| Record {
        payload: format!(r#"{{"Id":"{id}","text":"{text}"}}"#).into(),
        ..record(id, 1)
    };
    let seen = [
        with_text("1", r"a\u0000b"),
        with_text("2", r"\ud83d"),
        with_text("3", r"\ud83d\ude00"),
        with_text("4", "plain"),
    ];
    let effects = store(&world, &page(&claim, 1, &seen, NextStep::Page)).await;
    assert_eq!(
        effects,
        Effects {
            new: 4,
            ..Effects::default()
        }
    );
    let told = world.database.command(
        "SELECT id, payload ->> 'text', sanitised, convert_from(original, 'UTF8') FROM raw.qbo_invoice ORDER BY id",
    );
    let expected = [
        "1|a\u{fffd}b|t|{\"Id\":\"1\",\"text\":\"a\\u0000b\"}",
        "2|\u{fffd}|t|{\"Id\":\"2\",\"text\":\"\\ud83d\"}",
        "3|😀|f|",
        "4|plain|f|",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_number_that_jsonb_writes_otherwise_is_flagged_and_its_text_is_kept() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    let with_number = |id: &str, number: &str| Record {
        payload: format!(r#"{{"Id":"{id}","n":{number},"text":"1e2 -0.0"}}"#).into(),
        ..record(id, 1)
    };
    let seen = [
        with_number("1", "1e2"),
        with_number("2", "-0.0"),
        with_number("3", "1.10"),
        with_number("4", "0.00"),
    ];
    store(&world, &page(&claim, 1, &seen, NextStep::Page)).await;
    let told = world.database.command(
        "SELECT id, payload -> 'n', sanitised, convert_from(original, 'UTF8') FROM raw.qbo_invoice ORDER BY id",
    );
    let expected = [
        r#"1|100|t|{"Id":"1","n":1e2,"text":"1e2 -0.0"}"#,
        r#"2|0.0|t|{"Id":"2","n":-0.0,"text":"1e2 -0.0"}"#,
        "3|1.10|f|",
        "4|0.00|f|",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_record_that_only_the_server_can_refuse_is_put_away_and_the_rest_of_its_page_is_stored() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    let first = claim(&world, scene.segments[0]).await;
    // No connector lets these through: they stand for whatever a server may not like.
    let with_text = |id: &str, text: &str| Record {
        payload: format!(r#"{{"Id":"{id}","n":{text}}}"#).into(),
        ..record(id, 1)
    };
    let deep = "[".repeat(30_000) + &"]".repeat(30_000);
    let mut seen: Vec<Record> = (10..30).map(|id| record(&id.to_string(), 1)).collect();
    seen.insert(3, with_text("1", "1e200000"));
    seen.insert(17, with_text("2", &deep));
    let effects = store(&world, &page(&first, 1, &seen, NextStep::Page)).await;
    assert_eq!((effects.new, effects.same), (20, 0));
    let finished = FinishedWindow {
        rows: 22,
        ..FinishedWindow::default()
    };
    let second = claim(&world, scene.segments[1]).await;
    store(&world, &page(&second, 1, &seen[..4], NextStep::Done(finished))).await;
    let told =
        "SELECT id, reason, length = octet_length(original), segment_id FROM fleet.quarantine ORDER BY id";
    let (one, two) = (second.segment, first.segment);
    let expected = format!("1|refused|t|{one}\n2|refused|t|{two}");
    assert_eq!(world.database.command(told), expected);
    let report = world.ledger.run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.rows, report.quarantined), (22 + 22, 1));
    let note = "SELECT note FROM fleet.coverage";
    assert_eq!(world.database.command(note), "1 record quarantined");
}

#[tokio::test]
async fn a_table_of_an_entity_is_read_by_connection_and_id_without_a_walk() {
    let world = world().await;
    let connection = company(&world, "Ash").await;
    let run = run_for(&world, connection, Lane::Manual, 1).await;
    let records: Vec<Record> = (0..1000).map(|id| record(&format!("{id}"), 1)).collect();
    finish(&world, run.segments[0], &records).await;
    world.database.command("ANALYZE raw.qbo_invoice");
    let plan = world.database.command(&format!(
        "EXPLAIN SELECT * FROM raw.qbo_invoice WHERE connection_id = '{connection}' AND id = '17'"
    ));
    assert!(plan.contains("qbo_invoice_pkey"), "{plan}");
}

#[tokio::test]
async fn a_segment_of_a_newer_format_is_left_to_a_newer_worker() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    world.database.command(&format!(
        "UPDATE fleet.segments SET format = format + 9 WHERE id = '{}'",
        scene.segments[0]
    ));
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

#[tokio::test]
async fn heartbeats_and_pages_rewrite_their_row_in_place() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    let updates = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'segments'";
    world
        .ledger
        .heartbeat(
            &[ledgerfleet_ledger::conformance::scene::held(&claim)],
            seconds(20),
        )
        .await
        .unwrap();
    store(&world, &page(&claim, 1, &[record("1", 1)], NextStep::Page)).await;
    // Sessions tell what they did when they end, or after a while.
    world.ledger.close().await;
    let told = loop {
        let told = world.database.command(updates);
        if told.starts_with('3') {
            break told;
        }
    };
    assert_eq!(told, "3|2", "the claim is not, for it changes an index");
}

/// Each column of the only record, as text.
fn columns(world: &PostgresWorld) -> BTreeMap<String, String> {
    let columns = world.database.command(
        "SELECT key || '=' || coalesce(value, 'null') FROM raw.qbo_invoice r, jsonb_each_text(to_jsonb(r)) ORDER BY key",
    );
    let told = columns.lines().map(|line| line.split_once('=').unwrap());
    told.map(|(column, value)| (column.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn a_note_keeps_every_column_but_one_and_a_newer_version_replaces_every_one() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    finish(&world, scene.segments[0], &[record("1", 1)]).await;
    world.pass_time(seconds(25 * 3600)).await;
    let before = columns(&world);

    let claim = claim(&world, scene.segments[1]).await;
    let again = [record("1", 1)];
    let noting = PageCommit {
        request: "once more",
        page_size: 7,
        ..page(&claim, 2, &again, NextStep::Page)
    };
    store(&world, &noting).await;
    let noted = columns(&world);
    let differ = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        one.keys()
            .filter(|column| one[*column] != other[*column])
            .cloned()
            .collect()
    };
    assert_eq!(differ(&before, &noted), ["last_seen_utc"]);

    let at = claim.claimed_at;
    let newer = [Record {
        payload: r#"{"Id":"1","Text":"\u0000"}"#.into(),
        source_created_at: Some(at),
        source_updated_at: Some(at),
        document_date: None,
        ..record("1", 2)
    }];
    let replacing = PageCommit {
        batches: vec![batch("invoice", &newer)],
        ..noting
    };
    store(&world, &replacing).await;
    let kept: Vec<String> = before
        .keys()
        .filter(|column| before[*column] == columns(&world)[*column])
        .cloned()
        .collect();
    assert_eq!(kept, ["connection_id", "deleted_at_utc", "entity", "id"]);
}
