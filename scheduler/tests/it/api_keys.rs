//! Keys of the HTTP API: who may ask what, and what each sees.

use serde_json::json;

use crate::http::send;
use crate::served::{JSON, invoices, serve};
use crate::world::emulator;

#[tokio::test]
async fn every_route_refuses_who_has_no_key_a_wrong_one_a_revoked_one_or_one_for_something_else() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let document = served.get("/api/v1/openapi.json").await.expect(200).json();
    let whole = served.key("whole", "--scope read,run,replay,connect,admin").await;
    let revoked = served.key("gone", "--scope read,run,replay,connect,admin").await;
    let keys = served.world.run("api-key list -o json").await.expect(0).json();
    let gone = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "gone")
        .unwrap();
    let line = format!("api-key revoke {}", gone["id"].as_str().unwrap());
    served.world.run(&line).await.expect(0);
    let all = ["read", "run", "replay", "connect", "admin"];
    let mut narrow = Vec::new();
    for scope in all {
        let others: Vec<&str> = all.into_iter().filter(|other| *other != scope).collect();
        let key = served
            .key(&format!("not-{scope}"), &format!("--scope {}", others.join(",")))
            .await;
        narrow.push((scope, key));
    }
    let wrong = whole.replace('0', "1");
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let path = path
                .replace("{name}", "demo-us")
                .replace("{id}", "0197a2b4-0000-7000-8000-000000000000");
            let scope = operation["x-scope"].as_str().unwrap();
            let with = async |key: Option<&str>| {
                let headers: Vec<(&str, &str)> = key.map(|key| ("Authorization", key)).into_iter().collect();
                send(&served.address, &method, &path, &headers, "").await.status
            };
            let other = narrow.iter().find(|(known, _)| *known == scope).unwrap();
            let met = [
                with(None).await,
                with(Some(&wrong)).await,
                with(Some("Bearer x")).await,
                with(Some("Basic eDp5")).await,
                with(Some(&revoked)).await,
                with(Some(&other.1)).await,
            ];
            assert_eq!(met, [401, 401, 401, 401, 401, 403], "{method} {path}");
            let allowed = with(Some(&whole)).await;
            assert!(
                ![401, 403, 500, 503].contains(&allowed),
                "{method} {path}: {allowed}"
            );
            routes += 1;
        }
    }
    assert!(routes > 20, "{routes}");
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_key_for_one_company_sees_nothing_of_another() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let own = served.backfill("demo-us").await;
    let run = served.backfill("demo-ca").await;
    let key = served
        .key("us", "--scope read,run,replay,connect --connection demo-us")
        .await;
    let newest = served.get_with("/api/v1/runs?limit=1", &key).await.expect(200);
    assert_eq!(
        newest.json()[0]["run_id"],
        own["run_id"],
        "what is hidden does not count"
    );
    let listed = served
        .get_with("/api/v1/connections", &key)
        .await
        .expect(200)
        .json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let run = run["run_id"].as_str().unwrap();
    for hidden in [
        "/api/v1/connections/demo-ca".to_owned(),
        "/api/v1/records?connection=demo-ca&entity=invoice".to_owned(),
        "/api/v1/quarantine?connection=demo-ca&entity=invoice".to_owned(),
        "/api/v1/coverage?connection=demo-ca".to_owned(),
        "/api/v1/gaps?connection=demo-ca".to_owned(),
        "/api/v1/dead-letters?connection=demo-ca".to_owned(),
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/events"),
    ] {
        let told = served.get_with(&hidden, &key).await.expect(404);
        assert_eq!(told.json()["cause"], "not_found", "{hidden}");
    }
    for list in [
        "/api/v1/coverage",
        "/api/v1/status",
        "/api/v1/calls",
        "/api/v1/runs",
        "/api/v1/dead-letters",
    ] {
        let told = served.get_with(list, &key).await.expect(200);
        assert!(!told.body.contains("demo-ca"), "{list}: {told:?}");
    }
    let headers = [JSON, ("Authorization", key.as_str())];
    for (path, body) in [
        ("/api/v1/runs", invoices("demo-ca")),
        ("/api/v1/dead-letters/replay", json!({"connections": ["demo-ca"]})),
        ("/api/v1/connections/authorize", json!({"name": "demo-ca"})),
        ("/api/v1/connections/authorize", json!({"name": "new"})),
    ] {
        let told = send(&served.address, "POST", path, &headers, &body.to_string()).await;
        told.expect(404);
    }
    served.server.end_with("TERM").await;
}
