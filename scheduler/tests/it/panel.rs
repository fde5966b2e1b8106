//! The panel over HTTP, as a browser without script meets it.

use ledgerfleet_emulator::{FaultKind, FaultSpec};
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::browser::{Browser, FORM, form, hidden};
use crate::fleet::Fleet;
use crate::http::{Answered, send};
use crate::served::{Served, serve};
use crate::world::emulator;

/// What nobody may see as it is: a name that would be a script.
const MARKUP: &str = "<img src=x onerror=alert(1)>\"'";

/// Each page that is there for everybody.
const PAGES: [&str; 10] = [
    "/",
    "/runs",
    "/runs/new",
    "/dead-letters",
    "/verified",
    "/quarantine",
    "/quota",
    "/connections",
    "/state",
    "/audit",
];

async fn ledger_of(served: &Served) -> SqliteConnection {
    let url = format!("sqlite://{}", served.world.path("ledgerfleet.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

#[tokio::test]
async fn every_page_is_there_in_both_languages_and_shows_markup_as_text() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let june =
        json!({"connections": ["demo-us"], "entities": ["bill"], "from": "2026-06-01", "to": "2026-06-03"});
    let run = served.run_to_its_end("/api/v1/runs", &june).await;
    let mut ledger = ledger_of(&served).await;
    for change in [
        "UPDATE fleet_connections SET name = ?1, state_reason = ?1 WHERE name = 'demo-us'",
        "UPDATE fleet_runs SET connections = json_array(?1), entities = json_array(?1)",
        "UPDATE fleet_segments SET message = ?1 WHERE message IS NOT NULL",
        "UPDATE fleet_attempts SET message = ?1, worker = ?1, request = ?1, transaction_id = ?1",
        "INSERT INTO fleet_audit (at, action, subject, detail) VALUES ('2026-06-01T00:00:00.000000Z', ?1, ?1, json_object('by', ?1))",
    ] {
        sqlx::query(change)
            .bind(MARKUP)
            .execute(&mut ledger)
            .await
            .unwrap();
    }
    let browser = Browser::of(&served);
    let letters = served.get("/api/v1/dead-letters").await.expect(200).json();
    let letter = letters["items"][0]["id"].as_str().unwrap();
    let one = format!("/runs/{}", run["run_id"].as_str().unwrap());
    let name: String = url_encoded(MARKUP);
    let more = [
        one.clone(),
        format!("{one}/cancel"),
        format!("/connections/{name}"),
        "/?month=2026-06&years=5".to_owned(),
        "/verified?month=2026-06".to_owned(),
        format!("/quarantine?connection={name}"),
        format!("/dead-letters/{letter}"),
    ];
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain(more) {
        for language in ["en", "es"] {
            let headers = [("Accept-Language", language)];
            let told = send(&served.address, "GET", &path, &headers, "")
                .await
                .expect(200);
            assert!(
                told.body.contains(&format!("<html lang=\"{language}\"")),
                "{path}"
            );
            assert!(!told.body.contains("<img src"), "{path}: {}", told.body);
            assert!(
                !told.body.contains("onerror=alert(1)>\"'"),
                "{path}: {}",
                told.body
            );
            for banned in ["<script>", "style=\"", " onclick=", " onsubmit="] {
                assert!(!told.body.contains(banned), "{path}: {banned}");
            }
            check_headers(&told, &path);
        }
    }
    let letters = browser.get("/dead-letters").await.expect(200);
    assert!(
        letters.body.contains("&#60;img src=x"),
        "the message is there, as text: {}",
        letters.body
    );
    served.server.end_with("TERM").await;
}

fn url_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn check_headers(told: &Answered, path: &str) {
    let policy = told.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(told.header(name), Some(value), "{path}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_good_under_the_name_of_their_hash() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let page = served.get("/").await.expect(200);
    let (_, rest) = page.body.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let place = rest.split('"').next().unwrap();
    let style = served.get(place).await.expect(200);
    assert_eq!(
        style.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    served.get("/panel/0000000000000000.panel.css").await.expect(404);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_run_is_priced_and_begun_once_however_often_the_button_is_pressed() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let browser = Browser::of(&served);
    let ask = browser.get("/runs/new?month=2026-06").await.expect(200);
    assert!(
        ask.body.contains("value=\"2026-06-01\"") && ask.body.contains("value=\"2026-06-30\""),
        "{}",
        ask.body
    );
    let wanted = "connection=demo-us&entity=invoice&from=2026-06-01&to=2026-06-05&segment=day";
    let proof = hidden(&ask, "proof");
    let price = browser
        .post("/runs/new", &format!("proof={proof}&{wanted}"))
        .await
        .expect(200);
    assert!(price.body.contains("Fetch 5 segments"), "{}", price.body);
    assert!(
        price
            .body
            .contains("scheduler backfill --connection demo-us --entity invoice"),
        "{}",
        price.body
    );
    let pressed = form(&price, wanted);
    let (one, other) =
        futures::future::join(browser.post("/runs", &pressed), browser.post("/runs", &pressed)).await;
    let places: Vec<&str> = [&one, &other]
        .iter()
        .filter_map(|told| told.header("location"))
        .collect();
    assert!(
        !places.is_empty() && places.iter().all(|place| *place == places[0]),
        "{one:?} {other:?}"
    );
    // The button *back*, and once more: after that run is over.
    let run = places[0].split('?').next().unwrap();
    let events = served.get(&format!("/api/v1{run}/events")).await.expect(200);
    assert!(events.body.contains("event: end"), "{events:?}");
    let again = browser.post("/runs", &pressed).await.expect(303);
    assert_eq!(again.header("location").unwrap().split('?').next(), Some(run));
    let runs = served.get("/api/v1/runs").await.expect(200).json();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
    browser.get(&format!("{run}?told=begun")).await.expect(200);
    browser
        .post("/runs/new", &format!("proof={proof}&connection=demo-us"))
        .await
        .expect(400);
    browser.get("/runs/none").await.expect(404);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn dead_letters_are_sent_again_and_dropped_and_the_page_says_how_many_went() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let june =
        json!({"connections": ["demo-us"], "entities": ["bill"], "from": "2026-06-01", "to": "2026-06-03"});
    served.run_to_its_end("/api/v1/runs", &june).await;
    let browser = Browser::of(&served);
    let home = browser.get("/?month=2026-06").await.expect(200);
    assert!(home.body.contains("3 days dead"), "{}", home.body);
    let page = browser.get("/dead-letters").await.expect(200);
    assert!(page.body.contains("3 segments are meant"), "{}", page.body);
    let print = hidden(&page, "fingerprint");
    let sent = browser
        .post(
            "/dead-letters/replay",
            &form(&page, &format!("fingerprint={print}&canary=1")),
        )
        .await;
    let place = sent.expect(303).header("location").unwrap().to_owned();
    assert_eq!(place, "/dead-letters?told=replayed&n=1&of=3");
    let told = browser.get(&place).await.expect(200);
    assert!(told.body.contains("1 of 3 was sent again."), "{}", told.body);
    let runs = served.get("/api/v1/runs").await.expect(200).json();
    let events = format!("/api/v1/runs/{}/events", runs[0]["run_id"].as_str().unwrap());
    served.get(&events).await.expect(200);
    let ask = browser
        .get(&format!("/dead-letters/drop?fingerprint={print}"))
        .await
        .expect(200);
    assert!(ask.body.contains("Drop 3 dead letters?"), "{}", ask.body);
    let first = browser
        .post("/dead-letters/drop", &form(&ask, &format!("fingerprint={print}")))
        .await
        .expect(303);
    assert_eq!(
        first.header("location"),
        Some("/dead-letters?told=dropped&n=3&of=3")
    );
    // Somebody else, whose page was made before.
    let other = form(&ask, &format!("fingerprint={print}")).replace("once=", "once=z");
    let second = browser.post("/dead-letters/drop", &other).await.expect(303);
    assert_eq!(
        second.header("location"),
        Some("/dead-letters?told=none&n=0&of=0")
    );
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_form_that_comes_from_elsewhere_does_nothing() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("panel", "--scope read,run").await;
    let mut browser = Browser::of(&served);
    browser.get("/runs").await.expect(303);
    browser.sign_in(&key).await;
    let page = browser.get("/").await.expect(200);
    let good = form(&page, "connection=demo-us");
    let proof = hidden(&page, "proof");
    let cookie = browser.cookie.clone();
    for (site, cookie, sent, status) in [
        ("cross-site", cookie.as_str(), good.clone(), 403),
        ("same-site", &cookie, good.clone(), 403),
        ("same-origin", &cookie, good.replace(&proof, "0"), 403),
        ("same-origin", &cookie, "once=1".to_owned(), 403),
        ("same-origin", "", good.clone(), 303),
    ] {
        let told = Browser {
            served: &served,
            cookie: cookie.to_owned(),
            site,
        }
        .post("/sync", &sent)
        .await
        .expect(status);
        assert!(
            status != 303 || told.header("location").unwrap().starts_with("/sign-in"),
            "{told:?}"
        );
    }
    let headers = [
        FORM,
        ("Cookie", cookie.as_str()),
        ("Origin", "https://evil.example"),
    ];
    send(&served.address, "POST", "/sync", &headers, &good)
        .await
        .expect(403);
    let runs = served.get_with("/api/v1/runs", &key).await.expect(200).json();
    assert_eq!(runs, json!([]), "nothing was begun");
    // The API itself takes no session for what is not only read.
    let headers = [
        crate::served::JSON,
        ("Cookie", cookie.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    send(&served.address, "POST", "/api/v1/sync", &headers, "{}")
        .await
        .expect(401);
    browser.get("/api/v1/runs").await.expect(200);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn scopes_hide_and_refuse_and_a_session_ends_with_its_key_or_by_leaving() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("reader", "--scope read").await;
    let mut browser = Browser::of(&served);
    let refused = browser.post("/sign-in", "key=lfa1_no").await.expect(403);
    assert!(
        refused.body.contains("This key does not open the panel"),
        "{}",
        refused.body
    );
    browser.sign_in(&key).await;
    let home = browser.get("/").await.expect(200);
    assert!(
        !home.body.contains("action=\"/sync\"") && !home.body.contains("href=\"/audit\""),
        "{}",
        home.body
    );
    let proof = hidden(&home, "proof");
    let asked =
        format!("proof={proof}&once=1&connection=demo-us&entity=invoice&from=2026-06-01&to=2026-06-02");
    let refused = browser.post("/runs", &asked).await.expect(403);
    assert!(
        refused.body.contains("Your key does not allow this"),
        "{}",
        refused.body
    );
    browser.get("/audit").await.expect(403);
    // Leaving ends the session, for whoever has copied its cookie, too.
    browser
        .post("/sign-out", &format!("proof={proof}"))
        .await
        .expect(303);
    let told = browser.get("/runs?limit=5").await.expect(303);
    assert_eq!(told.header("location"), Some("/sign-in?back=%2Fruns%3Flimit%3D5"));
    browser.sign_in(&key).await;
    served.world.run("api-key revoke reader").await.expect(0);
    browser.get("/").await.expect(303);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_ledger_that_is_away_is_told_in_words_and_comes_back() {
    let mut fleet = Fleet::migrated().await;
    let world = fleet.world.elsewhere("NO_COLOR", "1");
    let running = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = running.address_of("serving http://");
    let panel = Served {
        world,
        server: running,
        address,
    };
    panel.get("/").await.expect(200);
    fleet.postgres.kill();
    for path in ["/", "/runs", "/dead-letters"] {
        let told = panel.get(path).await.expect(503);
        assert!(
            told.body
                .contains("The ledger does not answer. Nothing was changed"),
            "{path}: {}",
            told.body
        );
        assert!(told.body.contains("Try again"), "{path}");
        assert_eq!(told.header("retry-after"), Some("5"), "{path}");
    }
    fleet.postgres.start_again();
    panel.get("/").await.expect(200);
    panel.server.end_with("TERM").await;
}
