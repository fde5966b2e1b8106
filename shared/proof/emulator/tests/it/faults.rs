use ledgerfleet_emulator::{EmulatorOptions, FaultKind, FaultSpec};
use serde_json::json;

use crate::client::{Client, answer, options};

const ALL: &str = "SELECT * FROM Invoice MAXRESULTS 100";

async fn with_fault(spec: &str) -> Client {
    let client = Client::start().await;
    client.emulator.set_fault(spec.parse().expect("a fault"));
    client
}

#[tokio::test]
async fn faulty_answers_come_instead_of_the_true_one() {
    for (spec, status, body) in [
        ("throttle", 429, "ThrottleExceeded"),
        ("throttle=403,body=json", 403, "003001"),
        ("fault", 500, r#""code":"10000""#),
        ("fault=200,code=6190", 200, r#""code":"6190""#),
        ("html=503", 503, "<html>"),
        ("html=200", 200, "<html>"),
        ("expired", 401, "Token expired"),
    ] {
        let client = with_fault(spec).await;
        let wrong = client.query(ALL).await;
        assert_eq!(wrong.status.as_u16(), status, "{spec}");
        assert!(wrong.body.contains(body), "{spec}: {}", wrong.body);
        assert!(wrong.headers.contains_key("intuit_tid"));
        client.emulator.clear_faults();
        assert_eq!(client.query(ALL).await.rows().len(), 100);
    }
    let client = with_fault("empty").await;
    let empty = client.query(ALL).await;
    assert_eq!((empty.status.as_u16(), empty.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_cut_answer_is_either_broken_json_or_a_broken_connection() {
    let client = with_fault("truncate=50").await;
    let cut = client.query(ALL).await;
    assert_eq!(cut.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&cut.body).is_err());
    client.emulator.clear_faults();
    client
        .emulator
        .set_fault("truncate=50,length=full".parse().unwrap());
    let response = client.statement(ALL).send().await.unwrap();
    assert!(response.bytes().await.is_err());
    client.emulator.clear_faults();
    client.emulator.set_fault("bad_gzip".parse().unwrap());
    let response = client.statement(ALL).send().await.unwrap();
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer_before_or_after_the_work() {
    let client = with_fault("drop=before,on=token").await;
    client.emulator.clock().step(std::time::Duration::from_hours(25));
    let first = client.company.refresh_token.clone();
    let info = client.emulator.info();
    let refresh = || {
        client
            .http
            .post(format!("{}/oauth2/v1/tokens/bearer", client.emulator.url()))
            .basic_auth(&info.client_id, Some(&info.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=refresh_token&refresh_token={first}"))
    };
    assert!(refresh().send().await.is_err());
    let rotations = || {
        client
            .emulator
            .summary()
            .company("demo-us")
            .unwrap()
            .tokens
            .rotations
    };
    assert_eq!(rotations(), 0);
    client.emulator.clear_faults();
    client
        .emulator
        .set_fault("drop=after,on=token,times=1".parse().unwrap());
    assert!(refresh().send().await.is_err());
    assert_eq!(rotations(), 1, "the token rotated and nobody heard");
    assert_eq!(answer(refresh()).await.json()["error"], json!("invalid_grant"));
}

#[tokio::test]
async fn slow_and_delayed_answers_arrive_whole() {
    let client = with_fault("slow=1,chunk=4096").await;
    client.emulator.set_fault("delay=5".parse().unwrap());
    assert_eq!(client.query(ALL).await.rows().len(), 100);
    assert_eq!(
        client
            .emulator
            .summary()
            .company("demo-us")
            .unwrap()
            .api
            .peak_in_flight,
        1
    );
}

#[tokio::test]
async fn access_can_be_revoked_and_a_grant_refused_in_the_middle() {
    let client = with_fault("revoke_access,nth=2").await;
    assert_eq!(client.query(ALL).await.status, 200);
    let revoked = client.query(ALL).await;
    assert_eq!((revoked.status.as_u16(), revoked.code().as_str()), (401, "3200"));
    assert_eq!(client.query(ALL).await.status, 401);
    client
        .emulator
        .set_fault("invalid_grant,times=1".parse().unwrap());
    assert_eq!(
        client.refresh(&client.company.refresh_token).await["error"],
        json!("invalid_grant")
    );
    assert!(client.refresh(&client.company.refresh_token).await["access_token"].is_string());
}

#[tokio::test]
async fn a_fault_strikes_only_what_it_names() {
    let mut client = with_fault("html=502,company=demo-us,entity=invoice,every=2").await;
    let mut statuses = Vec::new();
    for statement in [ALL, "SELECT * FROM Item", ALL, ALL, ALL] {
        statuses.push(client.query(statement).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 502, 200, 502]);
    client.turn_to(1).await;
    for _ in 0..2 {
        assert_eq!(client.query(ALL).await.status, 200);
    }
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared_over_http() {
    let client = Client::start().await;
    let body = json!({ "set": [{ "fault": { "kind": "html", "status": 503 }, "entity": "item" }, "expired,entity=invoice"] });
    let set = client.control("faults", &body.to_string()).await.json();
    assert_eq!(set["ids"], json!([1, 2]));
    assert_eq!(client.query("SELECT * FROM Item").await.status, 503);
    assert_eq!(client.query(ALL).await.status, 401);
    client.control("faults", r#"{"clear":[1]}"#).await;
    assert_eq!(client.query("SELECT * FROM Item").await.status, 200);
    let listed = client.look("faults").await.json();
    assert_eq!(
        (&listed["rules"][0]["id"], &listed["rules"][0]["struck"]),
        (&json!(2), &json!(1))
    );
    client.control("faults", r#"{"clear":true}"#).await;
    assert_eq!(client.query(ALL).await.status, 200);

    for (wrong, why) in [
        (r#"{"sett":[]}"#, "sett"),
        (r#"{"set":[{"fault":{"kind":"html"},"colour":"red"}]}"#, "colour"),
        (r#"{"set":[{"fault":{"kind":"bad_gzip","level":9}}]}"#, "level"),
        (r#"{"set":[{"fault":{"kind":"explode"}}]}"#, "explode"),
        (r#"{"set":["html,company=nobody"]}"#, "nobody"),
        (r#"{"set":["html,entity=unicorn"]}"#, "unicorn"),
        (r#"{"switches":{"gzipp":"off"}}"#, "gzipp"),
        ("{", "EOF"),
    ] {
        let refused = client.control("faults", wrong).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(
            refused.json()["error"].as_str().unwrap().contains(why),
            "{wrong}: {}",
            refused.body
        );
    }
}

#[tokio::test]
async fn faults_can_be_in_force_from_the_start() {
    let spec = FaultSpec {
        times: Some(1),
        ..FaultSpec::always(FaultKind::Empty { status: 504 })
    };
    let client = Client::with(EmulatorOptions {
        faults: vec![spec],
        ..options()
    })
    .await;
    assert_eq!(client.query(ALL).await.status, 504);
    assert_eq!(client.query(ALL).await.status, 200);
}
