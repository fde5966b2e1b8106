//! Companies through the HTTP API.

use serde_json::{Value, json};

use crate::http::{Answered, send};
use crate::served::serve;
use crate::world::{World, emulator};

#[tokio::test]
async fn a_company_is_connected_paused_and_resumed_through_the_api() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = probe.local_addr().unwrap().to_string();
    drop(probe);
    let callback = format!("http://{address}/connect/quickbooks/callback");
    let world = world.with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", &callback);
    let server = world
        .start(&format!("serve --listen {address}"), "serving http://")
        .await;
    let us = &emulator.info().companies[0];

    let sent = send(&address, "GET", "/connect/quickbooks?name=acme", &[], "")
        .await
        .expect(303);
    let page = sent.header("location").unwrap().to_owned();
    let chosen = crate::http::get(&format!("{page}&company={}", us.realm))
        .await
        .expect(302);
    let told = crate::http::get(chosen.header("location").unwrap())
        .await
        .expect(200);
    assert!(told.body.contains("acme is connected"), "{told:?}");
    let shown = send(&address, "GET", "/api/v1/connections/acme", &[], "")
        .await
        .expect(200);
    assert_eq!(shown.json()["account"], us.realm.as_str());
    for (path, state) in [("pause", "paused"), ("pause", "paused"), ("resume", "active")] {
        let path = format!("/api/v1/connections/acme/{path}");
        let told = send(&address, "POST", &path, &[], "").await.expect(200);
        assert_eq!(told.json()["state"], state);
    }
    server.end_with("TERM").await;
}

/// A status without what grows old by itself.
fn unaged(told: &Answered) -> Value {
    let mut status = told.json();
    for (rows, lag) in [("companies", "sync_lag_seconds"), ("sync", "lag_seconds")] {
        for row in status[rows].as_array_mut().unwrap() {
            row[lag] = Value::Null;
        }
    }
    status
}

#[tokio::test]
async fn a_paused_company_is_not_asked_and_a_status_that_only_grew_older_is_known() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let customers = json!({"connections": ["demo-us"], "entities": ["customer"]});
    served.run_to_its_end("/api/v1/sync", &customers).await;
    for name in ["demo-us", "demo-ca"] {
        let pause = format!("/api/v1/connections/{name}/pause");
        send(&served.address, "POST", &pause, &[], "").await.expect(200);
    }
    let live = "/api/v1/records/live?connection=demo-us&entity=customer&id=1";
    let asked = emulator.summary().requests;
    let told = served.get(live).await.expect(409);
    assert!(told.body.contains("is paused"), "{told:?}");
    assert_eq!(emulator.summary().requests, asked);

    let status = async || served.get("/api/v1/status").await.expect(200);
    let mut before = status().await;
    let older = loop {
        let now = status().await;
        match (unaged(&now) == unaged(&before), now.body == before.body) {
            (true, false) => break now,
            (true, true) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            (false, _) => before = now,
        }
    };
    assert_eq!(older.header("etag"), before.header("etag"));
    served.server.end_with("TERM").await;
}
