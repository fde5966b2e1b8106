use std::collections::BTreeSet;

use serde_json::json;

use crate::client::{Client, answer, raw_http};

const ORDER: &str = "SELECT * FROM Invoice ORDERBY Id";

async fn with_fault(spec: &str) -> Client {
    let client = Client::start().await;
    client.emulator.set_fault(spec.parse().expect("a fault"));
    client
}

async fn page(client: &Client, start: usize) -> Vec<String> {
    client
        .ids(&format!("{ORDER} STARTPOSITION {start} MAXRESULTS 100"))
        .await
}

#[tokio::test]
async fn a_page_can_be_short_or_empty_although_more_rows_are_there() {
    let client = with_fault("short_page=40,nth=2").await;
    let pages = [
        page(&client, 1).await,
        page(&client, 101).await,
        page(&client, 201).await,
    ];
    assert_eq!(pages.each_ref().map(Vec::len), [100, 40, 100]);
    let client = with_fault("empty_page,nth=2").await;
    let first = page(&client, 1).await;
    let middle = client
        .query(&format!("{ORDER} STARTPOSITION 101 MAXRESULTS 100"))
        .await
        .json();
    assert_eq!(middle["QueryResponse"], json!({}));
    assert_eq!((first.len(), page(&client, 201).await.len()), (100, 100));
}

#[tokio::test]
async fn rows_of_the_page_before_can_come_again() {
    let client = with_fault("repeat_rows=5").await;
    let (first, second) = (page(&client, 1).await, page(&client, 101).await);
    assert_eq!(first[95..], second[..5]);
    let total = client.count("Invoice").await;
    let mut all = BTreeSet::new();
    for start in (1..).step_by(100) {
        let page = page(&client, start).await;
        let last = page.len() < 100;
        all.extend(page);
        if last {
            break;
        }
    }
    assert_eq!(
        all.len() as u64,
        total,
        "while all pages are shifted, none is lost"
    );
}

#[tokio::test]
async fn faults_come_in_every_shape_in_which_upstream_spells_them() {
    for (spec, status, body) in [
        (
            "shaped_fault=service,status=400,code=610",
            400,
            r#"{"Fault":{"Error":[{"Message":"Object Not Found""#,
        ),
        ("shaped_fault=gateway", 403, "errorCode=003100; statusCode=403"),
        (
            "shaped_fault=gateway,status=401,code=3200,digits=6",
            401,
            r#""code":"003200""#,
        ),
        (
            "shaped_fault=gateway,status=429,code=3001,digits=6",
            429,
            "ThrottleExceeded",
        ),
        (
            "shaped_fault=xml,status=401,code=100",
            401,
            r#"<Error code="100">"#,
        ),
        (
            "shaped_fault=xml,status=200,code=10000",
            200,
            r#"<Fault type="SystemFault">"#,
        ),
        (
            "shaped_fault=double,status=400,code=2050",
            400,
            r#""code":"2080""#,
        ),
        (
            "shaped_fault=service,status=429,code=3001,digits=6",
            429,
            r#""code":"003001""#,
        ),
        ("byte_order_mark", 200, "\u{feff}{"),
    ] {
        let client = with_fault(spec).await;
        let url = client
            .statement("SELECT * FROM Item MAXRESULTS 1")
            .build()
            .unwrap();
        let response = client.http.execute(url).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{spec}");
        let bytes = response.bytes().await.unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.contains(body), "{spec}: {text}");
    }
}

#[tokio::test]
async fn an_answer_can_hold_bytes_that_are_no_text() {
    let client = with_fault("invalid_utf8").await;
    let response = client
        .statement("SELECT * FROM Item MAXRESULTS 1")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let bytes = response.bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err());
}

#[tokio::test]
async fn an_answer_can_be_far_too_long_or_never_end() {
    let client = with_fault("long_body=5").await;
    let long = client.query("SELECT * FROM Item MAXRESULTS 1").await;
    assert!(long.body.len() > 5 << 20);
    assert_eq!(long.rows().len(), 1, "blanks after the end change nothing");

    client.emulator.clear_faults();
    client.emulator.set_fault("long_body".parse().unwrap());
    let mut response = client
        .statement("SELECT * FROM Item MAXRESULTS 1")
        .send()
        .await
        .unwrap();
    let mut read = 0;
    while read < 20 << 20 {
        read += response.chunk().await.unwrap().expect("no end").len();
    }

    client.emulator.clear_faults();
    client.emulator.set_fault("gzip_bomb=64".parse().unwrap());
    let request = client
        .statement("SELECT * FROM Item MAXRESULTS 1")
        .header("accept-encoding", "gzip");
    let bomb = raw_http().execute(request.build().unwrap()).await.unwrap();
    assert_eq!(bomb.headers()["content-encoding"], "gzip");
    assert!(bomb.bytes().await.unwrap().len() < 512 << 10);
}

#[tokio::test]
async fn an_owner_can_disconnect_the_app() {
    let client = with_fault("disconnect,nth=2").await;
    assert_eq!(client.query("SELECT * FROM Item").await.status, 200);
    assert_eq!(client.query("SELECT * FROM Item").await.status, 401);
    let refused = client.refresh(&client.company.refresh_token).await;
    assert_eq!(refused["error"], json!("invalid_grant"));

    let mut client = Client::start().await;
    let body = r#"{"company":"demo-us"}"#;
    assert_eq!(client.control("disconnect", body).await.status, 200);
    assert_eq!(client.query("SELECT * FROM Item").await.code(), "3200");
    client.turn_to(1).await;
    assert_eq!(client.query("SELECT * FROM Item").await.status, 200);
    assert_eq!(
        client
            .control("disconnect", r#"{"company":"nobody"}"#)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn doubtful_details_of_answers_are_switches() {
    let client = Client::start().await;
    let none = "SELECT * FROM Invoice WHERE TxnDate = '1999-01-01'";
    let switches = json!({"switches": {
        "empty_result": "zeros",
        "id_order": "text",
        "token_numbers": "strings",
        "reimburse_charge": "refused"
    }});
    client.control("faults", &switches.to_string()).await;
    let empty = client.query(none).await.json();
    assert_eq!(
        empty["QueryResponse"],
        json!({"startPosition": 0, "maxResults": 0})
    );
    let ids = client.ids("SELECT * FROM Invoice ORDERBY Id MAXRESULTS 3").await;
    assert_eq!(ids, ["1", "10", "100"]);
    let tokens = client.refresh(&client.company.refresh_token).await;
    assert_eq!(tokens["expires_in"], json!("3600"));
    assert_eq!(client.query("SELECT * FROM ReimburseCharge").await.code(), "4001");
}

#[tokio::test]
async fn optional_entities_are_refused_until_a_switch_serves_them() {
    let client = Client::start().await;
    for (api, code) in [
        ("ExchangeRate", "4001"),
        ("JournalCode", "5030"),
        ("InventoryAdjustment", "5020"),
    ] {
        let refused = client.query(&format!("SELECT * FROM {api}")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, code));
    }
    client
        .control("faults", r#"{"switches":{"optional_entities":"served"}}"#)
        .await;
    for api in ["ExchangeRate", "JournalCode", "InventoryAdjustment"] {
        assert!(
            !client.rows(&format!("SELECT * FROM {api}")).await.is_empty(),
            "{api}"
        );
    }
    let rate = answer(client.get("exchangerate?sourcecurrencycode=EUR&asofdate=2026-06-01"))
        .await
        .json();
    assert_eq!(rate["ExchangeRate"]["AsOfDate"], json!("2026-06-01"));
}

#[tokio::test]
async fn the_company_is_read_by_its_realm_or_as_the_first() {
    let mut client = Client::start().await;
    let path = format!("companyinfo/{}", client.company.realm);
    let by_realm = answer(client.get(&path)).await.json();
    let by_id = answer(client.get("companyinfo/1")).await.json();
    assert_eq!(by_realm["CompanyInfo"]["Id"], json!("1"));
    assert_eq!(by_realm["CompanyInfo"], by_id["CompanyInfo"]);
    assert_eq!(answer(client.get("companyinfo/2")).await.code(), "610");
    client.turn_to(1).await;
    assert_eq!(answer(client.get(&path)).await.code(), "610");
}

#[tokio::test]
async fn every_record_is_read_by_its_id() {
    let client = Client::start().await;
    for (_, api) in crate::ledger::ENTITIES {
        let select = crate::ledger::select(api);
        let listed = client.query(&select).await;
        if listed.status == 400 {
            continue;
        }
        let row = listed.rows().remove(0);
        let path = match *api {
            "CompanyInfo" => format!("companyinfo/{}", client.company.realm),
            "Preferences" => "preferences".to_owned(),
            _ => format!("{}/{}", api.to_lowercase(), crate::ledger::id(&row)),
        };
        let read = answer(client.get(&path)).await;
        assert_eq!(read.status, 200, "{path}: {}", read.body);
        let key = if *api == "CreditCardPayment" {
            "CreditCardPaymentTxn"
        } else {
            api
        };
        assert_eq!(
            without_address(&read.json()[key]),
            without_address(&row),
            "{path}"
        );
    }
    assert_eq!(answer(client.get("bill/999999")).await.code(), "610");
    assert_eq!(answer(client.get("companycurrency/1")).await.code(), "5030");
}

fn without_address(row: &serde_json::Value) -> serde_json::Value {
    let mut row = row.clone();
    if let Some(members) = row.as_object_mut() {
        members.remove("TempDownloadUri");
        members.remove("ThumbnailTempDownloadUri");
    }
    row
}
