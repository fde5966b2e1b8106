//! Pages of records: what a walk is told, and which cursors are taken.

use chrono::{SecondsFormat, TimeDelta};
use ledgerfleet_model::{Clock as _, SystemClock};
use serde_json::Value;

use crate::served::{Served, serve};
use crate::world::emulator;

const PATH: &str = "/api/v1/records?connection=demo-us&entity=invoice";

async fn page(served: &Served, more: &str) -> Value {
    served.get(&format!("{PATH}{more}")).await.expect(200).json()
}

#[tokio::test]
async fn every_page_of_a_walk_tells_the_horizon_of_the_first_whatever_its_length() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let first = page(&served, "&limit=1").await;
    let (mut next, mut limit, mut pages) = (first["next"].clone(), 1, 1);
    while let Some(cursor) = next.as_str() {
        limit = 3 - limit;
        let later = page(&served, &format!("&limit={limit}&cursor={cursor}")).await;
        assert_eq!(later["next_since"], first["next_since"], "page {pages}");
        next = later["next"].clone();
        pages += 1;
    }
    assert!(pages > 2, "{pages}");
    let anew = page(&served, "&limit=1").await;
    assert_ne!(
        anew["next_since"], first["next_since"],
        "another walk has its own"
    );
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_cursor_of_another_query_or_one_that_was_changed_is_refused() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let first = page(&served, "&limit=1").await;
    let cursor = first["next"].as_str().unwrap();
    let middle = cursor.len() / 2;
    let other = if cursor[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{other}{}", &cursor[..middle], &cursor[middle + 1..]);
    for refused in [
        format!("{PATH}&deleted=false&cursor={cursor}"),
        format!("{PATH}&updated_since=2026-01-01T00:00:00Z&cursor={cursor}"),
        format!("{PATH}&from=2026-06-01&cursor={cursor}"),
        format!("{PATH}&to=2026-06-05&cursor={cursor}"),
        format!("/api/v1/records?connection=demo-us&entity=customer&cursor={cursor}"),
        format!("/api/v1/records?connection=demo-ca&entity=invoice&cursor={cursor}"),
        format!("{PATH}&cursor={changed}"),
        format!("{PATH}&cursor={}", &cursor[1..]),
        format!("{PATH}&cursor={cursor}A"),
        format!("{PATH}&cursor=1"),
        format!("{PATH}&cursor="),
    ] {
        let told = served.get(&refused).await;
        assert_eq!(told.status, 400, "{refused}: {told:?}");
        assert_eq!(told.json()["cause"], "invalid_request", "{refused}");
    }
    page(&served, &format!("&cursor={cursor}")).await;
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn what_would_be_passed_over_beside_something_else_is_refused() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let first = page(&served, "&limit=1").await;
    let (id, cursor) = (
        first["items"][0]["id"].as_str().unwrap(),
        first["next"].as_str().unwrap(),
    );
    for (more, name) in [
        (format!("&id={id}&deleted=false"), "deleted"),
        (
            format!("&id={id}&updated_since=2026-01-01T00:00:00Z"),
            "updated_since",
        ),
        (format!("&id={id}&cursor={cursor}"), "cursor"),
        (format!("&id={id}&limit=1"), "limit"),
        (format!("&id={id}&format=csv"), "format"),
        (format!("&id={id}&marks=true"), "marks"),
        ("&marks=true".to_owned(), "marks"),
        ("&format=csv&limit=1".to_owned(), "limit"),
    ] {
        let told = served.get(&format!("{PATH}{more}")).await;
        assert_eq!(told.status, 400, "{more}: {told:?}");
        let detail = told.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("`{name}`")), "{more}: {detail}");
    }
    assert_eq!(page(&served, &format!("&id={id}")).await["items"][0]["id"], id);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_walk_since_an_instant_that_is_not_over_is_refused_for_it_would_miss_rows() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let now = SystemClock.now();
    for (minutes, status) in [(-5, 200), (-1, 200), (60, 409)] {
        let since = (now + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true);
        let told = served.get(&format!("{PATH}&updated_since={since}")).await;
        assert_eq!(told.status, status, "{since}: {told:?}");
        if status == 409 {
            let detail = told.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("was set back"), "{detail}");
        }
    }
    served.server.end_with("TERM").await;
}
