use ledgerfleet_emulator::{Mutation, MutationKind, Oddity, TruthFilter};
use serde_json::{Value, json};

use crate::client::Client;

async fn make(client: &Client, oddity: Oddity, size: Option<u32>) -> String {
    let mutation = Mutation::new("demo-us", "invoice", MutationKind::Odd);
    let ids = client.emulator.mutate(Mutation {
        ids: vec!["7".to_owned()],
        oddity: Some(oddity),
        size,
        ..mutation
    });
    assert_eq!(ids.expect("a change"), ["7"]);
    let rows = client.raw_rows("SELECT * FROM Invoice WHERE Id = '7'").await;
    rows[0].clone()
}

fn hash_of_seven(client: &Client) -> String {
    let truth = client.truth("invoice", &TruthFilter::default());
    truth
        .into_iter()
        .find(|line| line.id == "7")
        .expect("a line")
        .hash
}

#[tokio::test]
async fn every_oddity_is_served_as_the_truth_hashes_it() {
    let client = Client::start().await;
    for (oddity, size, text) in [
        (Oddity::NullCharacter, None, r"before\u0000after"),
        (Oddity::LoneSurrogate, None, r"half \ud83d of"),
        (Oddity::StrangeTexts, None, "\u{1f600}"),
        (Oddity::Numbers, None, "1e131071,-0.0,100.00,"),
        (Oddity::MonstrousNumber, None, "1e200000"),
        (Oddity::Nested, None, &"[".repeat(500)),
        (Oddity::DoubledMembers, None, r#""TxnDate":"some day""#),
        (Oddity::UnknownMembers, None, r#""NewFlag":true"#),
        (Oddity::UnknownValues, None, "Hibernating"),
        (Oddity::ManyLines, None, r#"{"Id":"1000","Amount":1000.10}]"#),
        (Oddity::ChangedMembers, None, r#""domain":["QBO"]"#),
        (Oddity::Huge, Some(100_000), "é€ é€"),
    ] {
        let row = make(&client, oddity, size).await;
        assert!(row.contains(text), "{oddity:?}");
        assert_eq!(
            blake3::hash(row.as_bytes()).to_hex().to_string(),
            hash_of_seven(&client),
            "{oddity:?}"
        );
        assert_eq!(client.emulator.text("demo-us", "invoice", "7"), Some(row.clone()));
        if let Some(size) = size {
            assert!(
                (size..size + 20_000).contains(&u32::try_from(row.len()).unwrap()),
                "{}",
                row.len()
            );
        }
    }
    let usual = make(&client, Oddity::Huge, None).await;
    assert!(usual.len() > 8 << 20);
    assert_eq!(
        blake3::hash(usual.as_bytes()).to_hex().to_string(),
        hash_of_seven(&client)
    );
}

#[tokio::test]
async fn changed_members_keep_what_says_which_record_it_is() {
    let client = Client::start().await;
    let before = client
        .rows("SELECT * FROM Invoice WHERE Id = '7'")
        .await
        .remove(0);
    let after: Value = serde_json::from_str(&make(&client, Oddity::ChangedMembers, None).await).unwrap();
    assert_eq!(
        (&after["Id"], &after["TxnDate"]),
        (&before["Id"], &before["TxnDate"])
    );
    assert_eq!(after["MetaData"]["CreateTime"], before["MetaData"]["CreateTime"]);
    let members = |row: &Value| row.as_object().unwrap().len();
    assert!(members(&after) < members(&before) * 2 / 3);
    let same = after
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| before[key.as_str()] == **value);
    let same: Vec<&String> = same.map(|(key, _)| key).collect();
    assert_eq!(same, ["Id", "TxnDate"]);
}

#[tokio::test]
async fn an_oddity_is_made_over_http_and_needs_its_kind() {
    let client = Client::start().await;
    let body = json!({"company":"demo-us","entity":"item","kind":"odd","oddity":"null_character","count":2});
    let done = client.control("mutate", &body.to_string()).await.json();
    assert_eq!(done["ids"].as_array().unwrap().len(), 2);
    for wrong in [
        json!({"company":"demo-us","entity":"item","kind":"odd"}),
        json!({"company":"demo-us","entity":"item","kind":"update","oddity":"huge"}),
        json!({"company":"demo-us","entity":"item","kind":"odd","oddity":"funny"}),
        json!({"company":"demo-us","entity":"tax_agency","kind":"delete"}),
        json!({"company":"demo-us","entity":"item","kind":"link"}),
        json!({"company":"demo-us","entity":"preferences","kind":"create"}),
        json!({"company":"demo-us","entity":"company_currency","kind":"create"}),
    ] {
        assert_eq!(
            client.control("mutate", &wrong.to_string()).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn many_records_can_share_one_moment() {
    let client = Client::start().await;
    let body = json!({"company":"demo-us","entity":"payment","kind":"touch","count":150});
    client.control("mutate", &body.to_string()).await;
    let rows = client
        .rows("SELECT * FROM Payment WHERE MetaData.LastUpdatedTime = '2026-07-20T12:00:00Z' MAXRESULTS 1000")
        .await;
    assert_eq!(rows.len(), 150);
}

#[tokio::test]
async fn the_address_of_a_file_differs_at_every_answer_and_is_not_in_the_truth() {
    let client = Client::start().await;
    let select = "SELECT * FROM Attachable MAXRESULTS 1000";
    let (first, second) = (client.raw_rows(select).await, client.raw_rows(select).await);
    let without = |row: &String| {
        let mut row: Value = serde_json::from_str(row).unwrap();
        let members = row.as_object_mut().unwrap();
        let address = members.remove("TempDownloadUri").unwrap();
        let thumbnail = members.remove("ThumbnailTempDownloadUri");
        assert_eq!(thumbnail.is_some(), members["ContentType"] == "image/jpeg");
        (row, address, thumbnail)
    };
    let mut images = 0;
    for (first, second) in first.iter().zip(&second) {
        let ((first, one, small), (second, other, smaller)) = (without(first), without(second));
        assert_eq!(first, second);
        assert_ne!(one, other);
        if small.is_some() {
            assert_ne!(small, smaller);
            images += 1;
        }
    }
    assert_eq!(images, 10);
}

#[tokio::test]
async fn the_totals_of_all_entities_are_the_sums_of_their_lines() {
    let client = Client::start().await;
    client
        .control(
            "mutate",
            r#"{"company":"demo-us","entity":"bill","kind":"delete","count":3}"#,
        )
        .await;
    let totals = client.look("truth/demo-us").await.json();
    let totals = totals.as_array().unwrap();
    assert_eq!(totals.len(), crate::ledger::ENTITIES.len());
    for total in totals {
        let entity = total["entity"].as_str().unwrap();
        let lines = client.truth(entity, &TruthFilter::default());
        assert_eq!(total["rows"], json!(lines.len()), "{entity}");
        let cents = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        let sum: i64 = lines
            .iter()
            .filter_map(|line| line.total.as_deref())
            .map(cents)
            .sum();
        match total["total"].as_str() {
            Some(text) => assert_eq!(cents(text), sum, "{entity}"),
            None => assert_eq!(sum, 0, "{entity}"),
        }
        assert_eq!(total["deleted"], json!(if entity == "bill" { 3 } else { 0 }));
    }
    let day = client
        .look("truth/demo-us?from=2026-06-10&to=2026-06-10")
        .await
        .json();
    let of = |entity: &str| {
        day.as_array()
            .unwrap()
            .iter()
            .find(|total| total["entity"] == entity)
            .unwrap()
            .clone()
    };
    assert_eq!(
        of("invoice")["rows"],
        json!(client.count("Invoice WHERE TxnDate = '2026-06-10'").await)
    );
    assert_eq!(client.look("truth/nobody").await.status, 404);
    assert_eq!(client.look("truth/demo-us?tz=Mars").await.status, 400);
}
