use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, Environment, Rotation, Size, Switches};
use serde_json::json;

use crate::client::{Client, answer, options};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_refresh_token_is_the_same_for_a_day_and_then_another() {
    let client = Client::start().await;
    let first = client.company.refresh_token.clone();
    let same = client.refresh(&first).await;
    assert_eq!(same["refresh_token"], json!(first));
    assert_eq!(
        (&same["expires_in"], &same["token_type"]),
        (&json!(3600), &json!("bearer"))
    );
    assert_eq!(same.get("x_refresh_token_hard_expires_in"), None);
    assert_eq!(same.get("realmId"), None);

    client.emulator.clock().step(DAY / 2);
    let later = client.refresh(&first).await["x_refresh_token_expires_in"]
        .as_i64()
        .unwrap();
    assert_eq!(
        later,
        same["x_refresh_token_expires_in"].as_i64().unwrap() - 43_200
    );

    client.emulator.clock().step(DAY / 2);
    let rotated = client.refresh(&first).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(rotated, first);
    let reused = client
        .grant(&format!("grant_type=refresh_token&refresh_token={first}"))
        .await;
    assert_eq!(
        (reused.status.as_u16(), &reused.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    assert!(reused.headers.contains_key("intuit_tid"));
    assert_eq!(client.refresh(&rotated).await["refresh_token"], json!(rotated));
    let tokens = client
        .emulator
        .summary()
        .company("demo-us")
        .unwrap()
        .tokens
        .clone();
    assert_eq!(
        (tokens.rotations, tokens.superseded_uses, tokens.refused),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn rotation_grace_and_family_revocation_are_switches() {
    let client = Client::start().await;
    let first = client.company.refresh_token.clone();
    client.emulator.set_switches(Switches {
        rotation: Rotation::EveryRefresh,
        old_token_grace_hours: 24,
        ..Switches::default()
    });
    let second = client.refresh(&first).await["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(second, first);
    assert_eq!(client.refresh(&first).await["refresh_token"], json!(second));

    let set = client
        .control(
            "faults",
            r#"{"switches":{"old_token_grace_hours":0,"reused_token":"revokes_family"}}"#,
        )
        .await;
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(client.refresh(&first).await["error"], json!("invalid_grant"));
    assert_eq!(client.refresh(&second).await["error"], json!("invalid_grant"));
}

#[tokio::test]
async fn wrong_keys_and_wrong_grants_are_told_apart() {
    let client = Client::start().await;
    let url = format!("{}/oauth2/v1/tokens/bearer", client.emulator.url());
    let token = &client.company.refresh_token;
    let post = |form: String| {
        let request = client
            .http
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(form)
    };
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let wrong = answer(post(form.clone()).basic_auth("someone", Some("else"))).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.body.as_str()),
        (401, r#"{"error":"invalid_client"}"#)
    );
    assert_eq!(answer(post(form)).await.status, 401);
    assert_eq!(
        client.grant("grant_type=password").await.json()["error"],
        json!("unsupported_grant_type")
    );
    assert_eq!(
        client.grant("grant_type=refresh_token").await.json()["error"],
        json!("invalid_request")
    );
    assert_eq!(
        client.refresh("AB11nonsense").await["error"],
        json!("invalid_grant")
    );
}

#[tokio::test]
async fn the_hard_expiry_is_told_to_those_who_ask() {
    let client = Client::start().await;
    let info = client.emulator.info();
    let request = client
        .http
        .post(format!("{}/oauth2/v1/tokens/bearer", client.emulator.url()))
        .basic_auth(info.client_id, Some(info.client_secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-include-refresh-token-hard-expires-in", "true")
        .body(format!(
            "grant_type=refresh_token&refresh_token={}",
            client.company.refresh_token
        ));
    assert_eq!(
        answer(request).await.json()["x_refresh_token_hard_expires_in"],
        json!(157_680_000)
    );
}

#[tokio::test]
async fn a_consent_gives_a_code_that_works_once() {
    let client = Client::start().await;
    let info = client.emulator.info();
    let consent = format!(
        "{}/connect/oauth2?client_id={}&scope=com.intuit.quickbooks.accounting%20openid&response_type=code\
         &redirect_uri=http://localhost:1/back&state=a%26b&company=demo-ca",
        client.emulator.url(),
        info.client_id
    );
    let redirect = answer(client.http.get(&consent)).await;
    assert_eq!(redirect.status, 302);
    let target = reqwest::Url::parse(redirect.headers["location"].to_str().unwrap()).unwrap();
    let parameter = |name: &str| {
        target
            .query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(
        (parameter("state"), parameter("realmId")),
        ("a&b".to_owned(), info.companies[1].realm.clone())
    );

    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri=http://localhost:1/",
        parameter("code")
    );
    assert_eq!(client.grant(&form).await.json()["error"], json!("invalid_grant"));
    let form = form + "back";
    let granted = client.grant(&form).await.json();
    assert_eq!(client.grant(&form).await.json()["error"], json!("invalid_grant"));
    let request = client
        .http
        .get(format!(
            "{}/v3/company/{}/companyinfo/{}",
            client.emulator.url(),
            info.companies[1].realm,
            info.companies[1].realm
        ))
        .bearer_auth(granted["access_token"].as_str().unwrap())
        .header("accept", "application/json");
    assert_eq!(
        answer(request).await.json()["CompanyInfo"]["CompanyName"],
        json!("demo-ca")
    );

    let refused = answer(client.http.get(consent + "&refuse=1")).await;
    assert!(
        refused.headers["location"]
            .to_str()
            .unwrap()
            .contains("error=access_denied")
    );
}

#[tokio::test]
async fn a_token_opens_its_own_realm_in_its_own_world_only() {
    let production = CompanySpec {
        environment: Environment::Production,
        ..CompanySpec::new("live", Size::Small)
    };
    let companies = vec![CompanySpec::new("test", Size::Small), production];
    let mut client = Client::with(ledgerfleet_emulator::EmulatorOptions {
        companies,
        ..options()
    })
    .await;
    let (test, live) = (
        client.company.clone(),
        client.emulator.info().companies[1].clone(),
    );
    let path = |world: &str, realm: &str| {
        format!(
            "{}{world}/v3/company/{realm}/companyinfo/{realm}",
            client.emulator.url()
        )
    };
    let get = |url: String, token: &str| {
        client
            .http
            .get(url)
            .bearer_auth(token)
            .header("accept", "application/json")
    };
    let token = client.access_token.clone();

    let other = answer(get(path("", &live.realm), &token)).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (403, "3100"));
    assert_eq!(other.json()["fault"]["type"], json!("SERVICE"));
    assert_eq!(answer(get(path("", "12345"), &token)).await.status, 403);
    assert_eq!(
        answer(get(path("/sandbox", &test.realm), &token)).await.status,
        200
    );
    assert_eq!(
        answer(get(path("/production", &test.realm), &token)).await.status,
        403
    );
    let host = get(path("", &test.realm), &token).header("host", "quickbooks.api.intuit.com");
    assert_eq!(answer(host).await.status, 403);

    let garbage = answer(get(path("", &test.realm), "garbage")).await;
    assert_eq!((garbage.status.as_u16(), garbage.code().as_str()), (401, "3200"));
    assert!(garbage.json()["time"].is_u64(), "the gateway counts milliseconds");
    client.turn_to(1).await;
    assert_eq!(
        answer(client.get(&format!("companyinfo/{}", live.realm)))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_access_token_expires_after_an_hour_and_dies_with_the_consent() {
    let client = Client::start().await;
    client.emulator.clock().step(Duration::from_secs(3_599));
    assert_eq!(client.query("SELECT * FROM Item").await.status, 200);
    client.emulator.clock().step(Duration::from_secs(1));
    let expired = client.query("SELECT * FROM Item").await;
    assert_eq!((expired.status.as_u16(), expired.code().as_str()), (401, "3200"));
    assert_eq!(
        expired.json()["fault"]["error"][0]["detail"],
        json!("Token expired")
    );

    let info = client.emulator.info();
    let revoke = |token: &str| {
        let request = client
            .http
            .post(format!("{}/v2/oauth2/tokens/revoke", client.emulator.url()));
        let request = request.basic_auth(&info.client_id, Some(&info.client_secret));
        request.body(json!({ "token": token }).to_string())
    };
    assert_eq!(answer(revoke("nonsense")).await.status, 400);
    let revoked = answer(revoke(&client.company.refresh_token)).await;
    assert_eq!((revoked.status.as_u16(), revoked.body.as_str()), (200, ""));
    assert_eq!(
        client.refresh(&client.company.refresh_token).await["error"],
        json!("invalid_grant")
    );
}

#[tokio::test]
async fn a_token_is_revoked_by_a_form_as_by_json() {
    let client = Client::start().await;
    let info = client.emulator.info();
    let revoke = |form: String| {
        let request = client
            .http
            .post(format!("{}/v2/oauth2/tokens/revoke", client.emulator.url()))
            .basic_auth(&info.client_id, Some(&info.client_secret))
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(form)
    };
    for wrong in ["", "token=nonsense", "other=1"] {
        assert_eq!(answer(revoke(wrong.to_owned())).await.status, 400, "{wrong}");
    }
    let revoked = answer(revoke(format!("token={}", client.access_token))).await;
    assert_eq!((revoked.status.as_u16(), revoked.body.as_str()), (200, ""));
    assert_eq!(client.query("SELECT * FROM Item").await.status, 401);
}

#[tokio::test]
async fn discovery_points_at_the_emulator_itself() {
    let client = Client::start().await;
    for path in ["openid_configuration", "openid_sandbox_configuration/"] {
        let document = answer(
            client
                .http
                .get(format!("{}/.well-known/{path}", client.emulator.url())),
        )
        .await
        .json();
        let expected = format!("{}/oauth2/v1/tokens/bearer", client.emulator.url());
        assert_eq!(document["token_endpoint"], json!(expected));
    }
}
