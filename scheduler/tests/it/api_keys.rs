//! Keys of the HTTP API: who may ask what, and what each sees.

use ledgerfleet_emulator::{FaultKind, FaultSpec};
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
                .replace("{key}", "nobody's")
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
    let later = |company: &str| json!({"at": "2099-01-01T00:00:00Z", "sync": {"connections": [company]}});
    let trigger = served
        .post("/api/v1/triggers", &later("demo-ca"))
        .await
        .expect(201);
    let trigger = trigger.header("location").unwrap().to_owned();
    let verified = served
        .post("/api/v1/verify", &invoices("demo-ca"))
        .await
        .expect(202);
    let verified = verified.header("location").unwrap().to_owned();
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
        trigger.clone(),
        verified,
        "/api/v1/quota?connection=demo-ca".to_owned(),
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
        "/api/v1/triggers",
        "/api/v1/quota",
    ] {
        let told = served.get_with(list, &key).await.expect(200);
        assert!(!told.body.contains("demo-ca"), "{list}: {told:?}");
    }
    let headers = [JSON, ("Authorization", key.as_str())];
    let all = send(
        &served.address,
        "POST",
        "/api/v1/triggers",
        &headers,
        &later("all").to_string(),
    )
    .await;
    assert_eq!(
        all.expect(201).json()["command"],
        "sync --connection demo-us",
        "not those of others"
    );
    let cancel = format!("{trigger}/cancel");
    send(&served.address, "POST", &cancel, &headers[1..], "")
        .await
        .expect(404);
    for (path, body) in [
        ("/api/v1/triggers", later("demo-ca")),
        ("/api/v1/runs/plan", invoices("demo-ca")),
        ("/api/v1/verify", invoices("demo-ca")),
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

#[tokio::test]
async fn keys_are_made_within_what_their_maker_may_and_ended_by_name() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let all = served.key("whole", "--scope read,admin").await;
    let narrow = served
        .key("narrow", "--scope read,admin --connection demo-us")
        .await;
    let ask_for = async |key: &str, body: serde_json::Value| {
        let headers = [JSON, ("Authorization", key)];
        send(
            &served.address,
            "POST",
            "/api/v1/keys",
            &headers,
            &body.to_string(),
        )
        .await
    };
    for (key, body, status) in [
        (&all, json!({"name": "more", "scopes": ["run"]}), 403),
        (&all, json!({"name": "none", "scopes": []}), 400),
        (&all, json!({"name": "whole", "scopes": ["read"]}), 400),
        (
            &all,
            json!({"name": "late", "scopes": ["read"], "expires": "soon"}),
            400,
        ),
        (
            &narrow,
            json!({"name": "other", "scopes": ["read"], "connections": ["demo-ca"]}),
            404,
        ),
    ] {
        let told = ask_for(key, body.clone()).await;
        assert_eq!(told.status, status, "{body}: {told:?}");
    }
    let made = ask_for(
        &narrow,
        json!({"name": "child", "scopes": ["read"], "expires": "1h"}),
    )
    .await;
    let made = made.expect(201).json();
    let child = format!("Bearer {}", made["key"].as_str().unwrap());
    served
        .get_with("/api/v1/connections/demo-us", &child)
        .await
        .expect(200);
    served
        .get_with("/api/v1/connections/demo-ca", &child)
        .await
        .expect(404);
    let seen = served.get_with("/api/v1/keys", &narrow).await.expect(200).json();
    let names: Vec<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["child", "narrow"], "what sees more is not there");
    served.get_with("/api/v1/audit", &narrow).await.expect(403);
    let revoke = async |key: &str, which: &str| {
        let path = format!("/api/v1/keys/{which}/revoke");
        send(&served.address, "POST", &path, &[("Authorization", key)], "").await
    };
    revoke(&narrow, "whole").await.expect(404);
    revoke(&narrow, "child").await.expect(200);
    served.get_with("/api/v1/connections", &child).await.expect(401);
    let audited = served
        .get_with("/api/v1/audit?limit=1", &all)
        .await
        .expect(200)
        .json();
    let newest = &audited["items"][0];
    assert_eq!(
        (&newest["action"], &newest["detail"]["by"]),
        (&json!("api_key.revoke"), &json!("narrow"))
    );
    // On the command line by name, and by the beginning of an id.
    let id = seen[1]["id"].as_str().unwrap();
    served
        .world
        .run(&format!("api-key revoke {}", &id[..23]))
        .await
        .expect(0)
        .says("narrow");
    served
        .world
        .run("api-key revoke whole")
        .await
        .expect(0)
        .says("whole");
    served
        .world
        .run("api-key revoke whole")
        .await
        .expect(2)
        .says("api-key list");
    let told = served.world.run("audit --limit 1 -o json").await.expect(0).json();
    assert_eq!(told[0]["action"], "api_key.revoke", "{told}");
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn who_asks_too_often_or_tries_keys_is_told_when_to_come_again() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("busy", "--scope read").await;
    let (mut refused, mut asked) = (None, 0);
    while refused.is_none() && asked < 5_000 {
        let asking = (0..50).map(|_| served.get_with("/api/v1/connections", &key));
        let told = futures::future::join_all(asking).await;
        asked += told.len();
        refused = told.into_iter().find(|told| told.status == 429);
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.json()["cause"], "too_many_requests");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    let other = served.key("calm", "--scope read").await;
    served.get_with("/api/v1/connections", &other).await.expect(200);

    let mut met = Vec::new();
    for _ in 0..40 {
        met.push(
            served
                .get_with("/api/v1/connections", "Bearer lfa1_wrong")
                .await
                .status,
        );
    }
    assert_eq!((met[0], met[39]), (401, 429), "{met:?}");
    // A good key is heard: behind a proxy, another's.
    served.get_with("/api/v1/connections", &other).await.expect(200);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_key_makes_none_that_outlives_it() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("mother", "--scope read,admin --expires 2h").await;
    let own = served.get_with("/api/v1/keys", &key).await.expect(200).json();
    let end = own[0]["expires_at"].as_str().unwrap().to_owned();
    for (name, expires, status) in [
        ("same", None, 201),
        ("later", Some("3h"), 403),
        ("earlier", Some("1h"), 201),
    ] {
        let body = json!({"name": name, "scopes": ["read"], "expires": expires});
        let headers = [JSON, ("Authorization", key.as_str())];
        let told = send(
            &served.address,
            "POST",
            "/api/v1/keys",
            &headers,
            &body.to_string(),
        )
        .await;
        let told = told.expect(status);
        let ends = told.json()["expires_at"].as_str().map(ToOwned::to_owned);
        let fits = match expires {
            None => ends.as_ref() == Some(&end),
            Some(_) => status == 403 || ends.is_some_and(|ends| ends < end),
        };
        assert!(fits, "{name}: {told:?}");
    }
    served.server.end_with("TERM").await;
}

/// What of an answer tells of another company.
fn told_of(text: &str, secrets: &[String]) -> Vec<String> {
    let secrets = secrets.iter().filter(|secret| text.contains(secret.as_str()));
    secrets.cloned().collect()
}

#[tokio::test]
async fn no_answer_and_no_refusal_tells_a_narrow_key_of_another_company() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let own = served.backfill("demo-us").await["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let foreign = served.backfill("demo-ca").await["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    emulator.clear_faults();
    // One replay of both, and then one of its own alone.
    served
        .post(
            "/api/v1/dead-letters/replay",
            &json!({"entities": ["invoice"], "canary": 1}),
        )
        .await
        .expect(202);
    served
        .post(
            "/api/v1/dead-letters/replay",
            &json!({"connections": ["demo-us"], "canary": 1}),
        )
        .await
        .expect(202);
    let other = served.get("/api/v1/connections/demo-ca").await.expect(200).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let secrets = ["id", "account"].map(|field| text(&other[field]));
    let document = served.get("/api/v1/openapi.json").await.expect(200).json();
    let key = served
        .key("us", "--scope read,run,replay,connect,admin --connection demo-us")
        .await;
    let headers = [JSON, ("Authorization", key.as_str())];

    let run = served
        .get_with(&format!("/api/v1/runs/{own}"), &key)
        .await
        .expect(200)
        .json();
    assert_eq!(run["replays"].as_array().unwrap().len(), 1, "{run}");

    let ask = async |method: &str, path: &str, body: &str| {
        send(&served.address, method, path, &headers, body).await
    };
    let taken = ask(
        "POST",
        "/api/v1/connections/demo-us/set",
        r#"{"name": "demo-ca"}"#,
    )
    .await;
    assert_eq!(told_of(&taken.expect(409).body, &secrets), Vec::<String>::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_of_own = !matches!(path.rsplit('/').next(), Some("remove" | "events"));
            for (name, id) in [("demo-us", own.as_str()), ("demo-ca", foreign.as_str())] {
                let is_own = name == "demo-us";
                if is_own && !is_of_own {
                    continue;
                }
                let path = path
                    .replace("{name}", name)
                    .replace("{key}", "no")
                    .replace("{id}", id);
                let example = operation["requestBody"]["content"]["application/json"].get("example");
                let body = example.map(|body| body.to_string().replace("acme", name));
                let told = ask(&method.to_uppercase(), &path, &body.unwrap_or_default()).await;
                assert_eq!(
                    told_of(&told.body, &secrets),
                    Vec::<String>::new(),
                    "{method} {path}: {told:?}"
                );
                // It is named in its refusal as it was asked for, and nowhere else.
                assert!(
                    !is_own || !told.body.contains("demo-ca"),
                    "{method} {path}: {told:?}"
                );
                if is_own {
                    assert!(!told.body.contains(&foreign), "{method} {path}: {told:?}");
                }
            }
        }
    }
    served.server.end_with("TERM").await;
}
