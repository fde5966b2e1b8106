//! Companies through the HTTP API.

use crate::http::send;
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
