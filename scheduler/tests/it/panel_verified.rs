//! What the panel knows of records and calls: comparisons with money, what was tried, quarantine, quota.

use std::time::Duration;

use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind, Oddity};
use serde_json::json;

use crate::browser::{Browser, form, hidden};
use crate::served::serve;
use crate::verify_quarantined::make_odd;
use crate::world::emulator;

const JUNE: &str = "connection=demo-us&entity=invoice&from=2026-06-01&to=2026-06-05";

/// Follows a comparison as a page without script does, by looking again.
async fn compared(browser: &Browser<'_>, place: &str) -> String {
    let mut paced = tokio::time::interval(Duration::from_millis(50));
    loop {
        paced.tick().await;
        let page = browser.get(place).await.expect(200);
        if !page.body.contains("data-again") {
            return page.body;
        }
    }
}

#[tokio::test]
async fn a_month_is_compared_after_its_price_and_money_that_does_not_tie_is_told_to_the_last_digit() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let browser = Browser::of(&served);
    let page = browser.get("/verified?month=2026-06").await.expect(200);
    let coverage = served
        .get("/api/v1/coverage?from=2026-06-01&to=2026-06-30&limit=1000")
        .await
        .expect(200)
        .json();
    let windows = coverage["items"].as_array().unwrap();
    let counted: u64 = windows
        .iter()
        .filter_map(|window| window["source_count"].as_u64())
        .sum();
    assert!(
        counted > 0 && page.body.contains(&format!("Counted by the source\">{counted}<")),
        "{counted}: {}",
        page.body
    );
    let proof = hidden(&page, "proof");
    let price = browser
        .post("/verified", &format!("proof={proof}&{JUNE}"))
        .await
        .expect(200);
    assert!(
        price
            .body
            .contains("scheduler verify --connection demo-us --entity invoice --from 2026-06-01"),
        "{}",
        price.body
    );
    let pressed = form(&price, JUNE);
    let begun = browser.post("/verified/begin", &pressed).await.expect(303);
    let place = begun.header("location").unwrap().to_owned();
    let again = browser.post("/verified/begin", &pressed).await.expect(303);
    assert_eq!(again.header("location"), Some(place.as_str()), "pressed twice");
    let told = compared(&browser, &place).await;
    assert!(told.contains("Ties") && !told.contains("Does not tie"), "{told}");

    emulator
        .mutate(Mutation {
            day: "2026-06-03".parse().ok(),
            count: 1,
            ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
        })
        .unwrap();
    let price = browser
        .post("/verified", &format!("proof={proof}&{JUNE}"))
        .await
        .expect(200);
    let begun = browser
        .post("/verified/begin", &form(&price, JUNE))
        .await
        .expect(303);
    let place = begun.header("location").unwrap().to_owned();
    let told = compared(&browser, &place).await;
    assert!(
        told.contains("Does not tie") && told.contains("1 gone at the source"),
        "{told}"
    );
    // The amount as the API has it, its digits grouped as in the reader's language.
    let id = place.rsplit('/').next().unwrap();
    let found = served
        .get(&format!("/api/v1/verify/{id}"))
        .await
        .expect(200)
        .json();
    let total = found["findings"][0]["stored_total"].as_f64().unwrap();
    let (whole, part) = (total.trunc(), ((total - total.trunc()) * 100.0).round());
    assert!(
        told.replace(',', "")
            .contains(&format!(">{whole:.0}.{part:02.0}<")),
        "{total}: {told}"
    );
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn what_was_tried_what_is_in_quarantine_and_what_it_cost_each_have_a_page() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let odd = make_odd(&emulator, "2026-06-03", Oddity::MonstrousNumber);
    served.backfill("demo-us").await;
    let browser = Browser::of(&served);

    let listed = browser.get("/quarantine?connection=demo-us").await.expect(200);
    assert!(
        listed.body.contains("A number is beyond what a database holds"),
        "{}",
        listed.body
    );
    let one = format!("/quarantine?connection=demo-us&entity=invoice&id={odd}");
    assert!(
        listed.body.contains(&one.replace('&', "&#38;")),
        "{}",
        listed.body
    );
    let page = browser.get(&one).await.expect(200);
    assert!(page.body.contains("1e200000"), "its text is there");
    let asked = format!(
        "proof={}&connection=demo-us&entity=invoice&id={odd}",
        hidden(&page, "proof")
    );
    let live = browser.post("/quarantine/ask", &asked).await.expect(200);
    assert!(live.body.contains("it still cannot be stored"), "{}", live.body);
    let missing = "/quarantine?connection=demo-us&entity=invoice&id=none";
    browser.get(missing).await.expect(404);

    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let bills =
        json!({"connections": ["demo-us"], "entities": ["bill"], "from": "2026-06-01", "to": "2026-06-01"});
    served.run_to_its_end("/api/v1/runs", &bills).await;
    let letters = served.get("/api/v1/dead-letters").await.expect(200).json();
    let letter = &letters["items"][0];
    let place = format!("/dead-letters/{}", letter["id"].as_str().unwrap());
    let page = browser.get("/dead-letters").await.expect(200);
    assert!(page.body.contains(&place), "{}", page.body);
    let story = browser.get(&place).await.expect(200);
    for told in [
        "What was tried",
        "For the quota",
        "The source refused the question",
        "scheduler dlq replay",
        "fill=\"url(#hatch)\"",
        "/runs/new?connection=demo-us",
    ] {
        assert!(story.body.contains(told), "{told}: {}", story.body);
    }
    browser.get("/dead-letters/none").await.expect(404);

    let calls = served.get("/api/v1/calls").await.expect(200).json();
    let month = calls["items"][0]["month"].as_str().unwrap();
    let quota = served.get("/api/v1/quota").await.expect(200).json();
    let used = quota[0]["used"].as_u64().unwrap();
    let page = browser.get(&format!("/quota?month={month}")).await.expect(200);
    let listed = calls["items"].as_array().unwrap();
    assert!(!listed.is_empty(), "{calls}");
    for told in listed
        .iter()
        .map(|row| format!("data-h=\"Calls\">{}<", row["calls"]))
        .chain([format!("{used} / 500,000")])
    {
        assert!(page.body.contains(&told), "{told}: {}", page.body);
    }
    served.server.end_with("TERM").await;
}
