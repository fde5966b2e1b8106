use super::*;

fn signed(body: &[u8], token: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn token(text: &str) -> SecretString {
    text.to_owned().into()
}

/// The second vector of RFC 4231 (HMAC-SHA256), in base64.
#[test]
fn a_signature_is_hmac_sha256_over_the_bytes_as_they_came() {
    let signature = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    assert!(is_signed(
        signature,
        b"what do ya want for nothing?",
        &token("Jefe")
    ));
    assert!(is_signed(
        &format!("  {signature} "),
        b"what do ya want for nothing?",
        &token("Jefe")
    ));
    assert!(!is_signed(
        signature,
        b"what do ya want for nothing!",
        &token("Jefe")
    ));
    assert!(!is_signed(
        signature,
        b"what do ya want for nothing?",
        &token("jefe")
    ));
}

#[test]
fn only_the_exact_bytes_with_standard_base64_pass() {
    let bodies: [&[u8]; 9] = [
        "[{\"name\":\"é\"}]".as_bytes(),
        br#"[{"name":"\u00e9"}]"#,
        b" [ ] ",
        b"[]\n",
        b"[]\r\n",
        b"\xef\xbb\xbf[]",
        br#"[{"a":1,"a":2}]"#,
        b"[1e400]",
        br#"["\ud800"]"#,
    ];
    for body in bodies {
        let good = signed(body, "one");
        assert!(is_signed(&good, body, &token("one")));
        let mut longer = body.to_vec();
        longer.push(b' ');
        assert!(!is_signed(&good, &longer, &token("one")), "{body:?} and a blank");
        let bytes = STANDARD.decode(&good).unwrap();
        let hex = format!("{bytes:02x?}");
        let others = [
            hex,
            good.trim_end_matches('=').to_owned(),
            format!("{good}{good}"),
            format!("{good}, {good}"),
            format!("sha256={good}"),
            String::new(),
        ];
        for other in others {
            assert!(!is_signed(&other, body, &token("one")), "{other}");
        }
        let url_safe = good.replace('+', "-").replace('/', "_");
        assert_eq!(is_signed(&url_safe, body, &token("one")), url_safe == good);
    }
}

/// Entity, id and whether it is gone; or why there is no hint.
fn told(event: &WebhookEvent) -> String {
    match &event.hint {
        Hint::Record { entity, id, gone } => {
            format!("{} {id}{}", entity.name, if *gone { " gone" } else { "" })
        }
        Hint::UnknownKind => format!("unknown {}", event.kind),
        Hint::Unreadable(_) => "unreadable".to_owned(),
    }
}

fn all_told(body: &str) -> Vec<String> {
    events(body.as_bytes()).iter().map(told).collect()
}

#[test]
fn verbs_are_no_more_than_hints() {
    let event = |kind: &str| {
        format!(
            r#"[{{"id":"e","type":"{kind}","intuitentityid":"88","intuitaccountid":"9130000000000001","data":{{}}}}]"#
        )
    };
    for (kind, expected) in [
        ("qbo.invoice.created.v1", "invoice 88"),
        ("qbo.invoice.create.v1", "invoice 88"),
        ("qbo.invoice.updated.v1", "invoice 88"),
        ("qbo.invoice.updated.v2", "invoice 88"),
        ("QBO.Invoice.Updated.v1", "invoice 88"),
        ("qbo.invoice.updated", "invoice 88"),
        ("qbo.invoice.void.v1", "invoice 88"),
        ("qbo.invoice.voided.v1", "invoice 88"),
        ("qbo.invoice.emailed.v1", "invoice 88"),
        ("qbo.invoice.sung.v1", "invoice 88"),
        ("qbo.invoice.deleted.v1", "invoice 88 gone"),
        ("qbo.invoice.delete.v1", "invoice 88 gone"),
        ("qbo.journalentry.updated.v1", "journal_entry 88"),
        ("qbo.changeorder.created.v1", "unknown qbo.changeorder.created.v1"),
        ("other.invoice.created.v1", "unknown other.invoice.created.v1"),
        ("", "unknown "),
    ] {
        assert_eq!(all_told(&event(kind)), [expected], "{kind}");
    }
}

#[test]
fn a_merge_is_a_look_at_the_survivor_and_one_at_the_absorbed() {
    let event = |data: &str| {
        format!(
            r#"[{{"id":"e","type":"qbo.customer.merged.v1","intuitentityid":"61","intuitaccountid":"1","data":{data}}}]"#
        )
    };
    let both = ["customer 61", "customer 58 gone"];
    assert_eq!(all_told(&event(r#"{"deletedId":"58"}"#)), both);
    assert_eq!(all_told(&event(r#"{"deletedId":58}"#)), both);
    for data in [
        r#"{"deletedId":"61"}"#,
        "null",
        "{}",
        r#"{"deletedId":null}"#,
        "7",
    ] {
        assert_eq!(all_told(&event(data)), ["customer 61"], "{data}");
    }
    let classic = r#"{"eventNotifications":[{"realmId":"1","dataChangeEvent":{"entities":[
        {"name":"Customer","id":"61","operation":"Merge","deletedId":"58","lastUpdated":"2015-10-05T14:42:19-0700"}]}}]}"#;
    assert_eq!(all_told(classic), both);
    let keys: Vec<String> = events(classic.as_bytes())
        .into_iter()
        .map(|event| event.key)
        .collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn nonsense_among_good_events_is_told_and_the_good_ones_are_read() {
    let good = r#"{"id":"a","type":"qbo.invoice.updated.v1","intuitentityid":"1","intuitaccountid":"9130000000000001"}"#;
    let other = r#"{"id":"b","type":"qbo.bill.deleted.v1","intuitentityid":"2","intuitaccountid":"9130000000000002"}"#;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let bad = [
        r#"{"type":"qbo.invoice.updated.v1","intuitaccountid":"1"}"#,
        r#"{"type":"qbo.invoice.updated.v1","intuitentityid":"1"}"#,
        r#"{"type":7,"intuitentityid":"1","intuitaccountid":"1"}"#,
        r#"{"type":"qbo.invoice.updated.v1","intuitentityid":"1' OR Id > '0","intuitaccountid":"1"}"#,
        r#"{"type":"qbo.invoice.updated.v1","intuitentityid":"","intuitaccountid":"1"}"#,
        r#"{"type":"qbo.invoice.updated.v1","intuitentityid":1.5,"intuitaccountid":"1"}"#,
        r#"{"type":"qbo.invoice.updated.v1","intuitentityid":"\u0000","intuitaccountid":"1"}"#,
        r#"{"type":"\ud800"}"#,
        "{}",
        "1",
        "\"x\"",
        "null",
        "1e400",
        "[]",
        &deep,
    ];
    for bad in bad {
        let told = all_told(&format!("[{good},{bad},{other}]"));
        assert_eq!(
            told,
            ["invoice 1", "unreadable", "bill 2 gone"],
            "{}",
            beginning(bad, 100)
        );
    }
    assert_eq!(all_told("[]"), [""; 0]);
    for body in ["{}", "null", "x", "", "[1,", r#"{"eventNotifications":7}"#] {
        assert_eq!(all_told(body), ["unreadable"], "{body}");
    }
    assert_eq!(
        events(b"[\xff\xfe]").iter().map(told).collect::<Vec<_>>(),
        ["unreadable"]
    );
    let parts = r#"{"eventNotifications":[7,{"realmId":"1","dataChangeEvent":{"entities":[
        3,{"name":"Invoice","id":"1","operation":"Update"},{"name":"Yacht","id":"1","operation":"Create"},{"id":"1"}]}}]}"#;
    assert_eq!(
        all_told(parts),
        [
            "unreadable",
            "unreadable",
            "invoice 1",
            "unknown Yacht Create",
            "unreadable"
        ]
    );
}

#[test]
fn an_event_has_one_key_however_often_it_is_sent() {
    let event = |id: &str, account: &str| {
        let text = format!(
            r#"[{{"id":"{id}","type":"qbo.invoice.updated.v1","intuitentityid":"1","intuitaccountid":"{account}"}}]"#
        );
        events(text.as_bytes()).remove(0).key
    };
    assert_eq!(event("a", "1"), event("a", "1"));
    assert_ne!(event("a", "1"), event("b", "1"));
    assert_ne!(event("a", "1"), event("a", "2"), "an id is its company's");
    assert_ne!(event("a", "11"), event("a1", "1"));
}

#[test]
fn times_are_read_in_both_forms() {
    let at = |text: &str| instant(&Value::String(text.to_owned())).map(|at| at.to_rfc3339());
    assert_eq!(
        at("2025-09-10T21:31:25.179851517Z").unwrap(),
        "2025-09-10T21:31:25.179851517+00:00"
    );
    assert_eq!(
        at("2015-10-05T14:42:19-0700").unwrap(),
        "2015-10-05T21:42:19+00:00"
    );
    assert_eq!(at("yesterday"), None);
}
