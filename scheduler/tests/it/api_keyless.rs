//! The HTTP API without a key: for this machine alone, and only as long as there was none.

use serde_json::json;

use crate::http::send;
use crate::served::{JSON, serve};
use crate::world::{World, emulator};

const PATH: &str = "/api/v1/connections";

#[tokio::test]
async fn what_a_proxy_passes_on_needs_a_key_also_where_its_host_is_this_machine() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.get(PATH).await.expect(200);
    for header in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Real-IP", "192.0.2.1"),
        ("Via", "1.1 proxy"),
        ("Origin", "https://fleet.example.com"),
        ("Origin", "null"),
    ] {
        let told = send(&served.address, "GET", PATH, &[header], "").await;
        assert_eq!(told.status, 401, "{header:?}: {told:?}");
    }
    let here = ("Origin", "http://localhost:8400");
    send(&served.address, "GET", PATH, &[here], "").await.expect(200);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn revoking_the_last_key_opens_nothing() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.key("only", "--scope read").await;
    let keys = served.world.run("api-key list -o json").await.expect(0).json();
    let revoke = format!("api-key revoke {}", keys[0]["id"].as_str().unwrap());
    served.world.run(&revoke).await.expect(0);
    served.get(PATH).await.expect(401);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn where_browsers_come_back_to_another_address_a_key_is_needed() {
    let emulator = emulator().await;
    let back = "https://fleet.example.com/connect/quickbooks/callback";
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", back);
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = server.address_of("serving http://");
    send(&address, "GET", PATH, &[], "").await.expect(401);
    server.end_with("TERM").await;
}

#[tokio::test]
async fn the_page_of_a_consent_is_not_kept_for_a_repetition() {
    let emulator = emulator().await;
    let back = "http://127.0.0.1:8400/connect/quickbooks/callback";
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", back);
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = server.address_of("serving http://");
    let ask = async || {
        let headers = [JSON, ("Idempotency-Key", "k1")];
        let body = json!({"name": "acme"}).to_string();
        let path = "/api/v1/connections/authorize";
        let told = send(&address, "POST", path, &headers, &body).await.expect(200);
        assert_eq!(told.header("idempotency-replayed"), None);
        told.json()["address"].as_str().unwrap().to_owned()
    };
    assert_ne!(ask().await, ask().await, "each has a state of its own");
    server.end_with("TERM").await;
}

#[tokio::test]
async fn beyond_loopback_it_starts_with_a_key_or_says_that_it_is_closed() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let line = "serve --listen 0.0.0.0:0";
    world.run(line).await.expect(2).says("--closed-without-keys");
    let closed = world
        .start(&format!("{line} --closed-without-keys"), "serving http://")
        .await;
    let address = closed
        .address_of("serving http://")
        .replace("0.0.0.0", "127.0.0.1");
    send(&address, "GET", PATH, &[], "").await.expect(401);
    send(&address, "GET", "/livez", &[], "").await.expect(200);
    closed.end_with("TERM").await;
    world
        .run("api-key create --name one --scope read")
        .await
        .expect(0);
    let open = world.start(line, "serving http://").await;
    open.end_with("TERM").await;
}

#[tokio::test]
async fn it_speaks_tls_with_a_certificate_from_a_file() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let certificate = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
                       -addext subjectAltName=DNS:localhost -keyout key.pem -out chain.pem";
    let words: Vec<&str> = certificate.split_whitespace().collect();
    world.run_program("/usr/bin/openssl", &words).await.expect(0);
    let line = "serve --listen 127.0.0.1:0 --tls-cert";
    let lacks = world.run(&format!("{line} nothing.pem --tls-key key.pem")).await;
    let lacks = lacks.expect(2).says("nothing.pem");
    assert!(!lacks.stderr.contains("key.pem"), "{lacks:?}");
    world
        .run_program("/usr/bin/chmod", &["644", "key.pem"])
        .await
        .expect(0);
    let open = world.run(&format!("{line} nothing.pem --tls-key key.pem")).await;
    open.expect(2).says("key.pem");
    let server = world
        .start(&format!("{line} chain.pem --tls-key key.pem"), "serving https://")
        .await;
    let address = server.address_of("serving https://");
    let port = address.split(':').nth(1).unwrap();
    let url = format!("https://localhost:{port}/livez");
    let asked = world
        .run_program(
            "/usr/bin/curl",
            &["--silent", "--show-error", "--cacert", "chain.pem", &url],
        )
        .await;
    assert_eq!(asked.expect(0).stdout, "ok\n");
    let plain = crate::http::raw(&address, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_ne!(plain.status, 200, "{plain:?}");
    server.end_with("TERM").await;
}
