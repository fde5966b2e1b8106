use ledgerfleet_model::{Failure, FailureKind};

fn print(message: &str) -> String {
    Failure::new(FailureKind::BadRequest, message).fingerprint("invoice")
}

#[test]
fn failures_of_one_cause_share_a_fingerprint_whatever_ids_dates_and_numbers_they_name() {
    let same = [
        [
            "invoice 17 of 2026-03-01 is closed",
            "invoice 4711 of 2025-12-31 is closed",
        ],
        ["invoice INV-2026/0017 is closed", "invoice X9 is closed"],
        ["due 01/03/2026, unpaid", "due 2026-12-31, unpaid"],
        ["closed since Mar 3, 2026", "closed since December 31, 2025"],
        [
            "not before Tue, 03 Mar 2026 10:00:00 GMT",
            "not before Fri, 25 Dec 2026 23:59:59 GMT",
        ],
        [
            "changed at 2026-03-01T10:00:00-08:00 by another",
            "changed at 2026-07-01T10:00:00.123Z by another",
        ],
        ["changed at 9:05 AM by another", "changed at 10:17 PM by another"],
        [
            "segment 0192f0c1-5e2a-7000-8000-1c9d3a6b4e21 is lost",
            "segment deadbeef-cafe-abba-abba-feedfacefeed1 is lost",
        ],
        ["digest deadbeefcafe differs", "digest 1234 differs"],
        [
            "the exchange 1-65a1f2b3-0c1d2e3f4a5b6c7d8e9f0a1b failed",
            "the exchange 1-6600aabb-ffffffffffffffffffffffff failed",
        ],
        [
            "worker north-1-4242-9f8e7d6c was lost before it had stored a page",
            "worker south-7-17-abcdefab was lost before it had stored a page",
        ],
        ["the balance is 1,234.50, not 0", "the balance is -7.25, not 12"],
        [
            "expected value at line 1 column 17",
            "expected value at line 20 column 3",
        ],
        ["Customer::Id=17: stale", "Customer::Id=18: stale"],
        ["no route to 10.0.0.1:443", "no route to 192.168.10.20:8443"],
    ];
    for [one, other] in same {
        assert_eq!(print(one), print(other), "{one} | {other}");
    }
    let long = |id: &str| format!("object {id} {}", "is not what it was and ".repeat(20));
    let cut = |text: String| text.chars().take(300).collect::<String>();
    assert_eq!(print(&cut(long("1"))), print(&cut(long("1234567890"))));
    assert_eq!(print("").len(), 16);
}

#[test]
fn failures_of_different_causes_have_different_fingerprints() {
    let causes = [
        "invoice 17 is closed",
        "customer 17 is closed",
        "invoice 17 is open",
        "invoice is closed",
        "you may not read invoice 17",
        "you must not read invoice 17",
        "QuickBooks says: QueryParserError: Encountered WHERE",
        "QuickBooks says: QueryParserError: Encountered ORDER",
        "QuickBooks says: QueryValidationError: property Balance not found for entity Invoice",
        "QuickBooks says: QueryValidationError: property TxnDate not found for entity Invoice",
        "QuickBooks answered HTTP 400 without saying why",
        "GET /v3/company/9130347/invoice/17 failed",
        "GET /v3/company/9130347/customer/17 failed",
        "no answer within 40 s",
        "the connection was refused",
        "the connection was reset",
        "",
    ];
    for (place, one) in causes.iter().enumerate() {
        for other in &causes[place + 1..] {
            assert_ne!(print(one), print(other), "{one} | {other}");
        }
    }
}

#[test]
fn entity_kind_status_and_code_each_tell_causes_apart() {
    let failure = Failure::new(FailureKind::BadRequest, "no");
    let print = failure.fingerprint("invoice");
    let others = [
        Failure {
            kind: FailureKind::NotFound,
            ..failure.clone()
        },
        Failure {
            status: Some(400),
            ..failure.clone()
        },
        Failure {
            upstream_code: Some("4001".into()),
            ..failure.clone()
        },
    ];
    assert_ne!(print, failure.fingerprint("bill"));
    for other in others {
        assert_ne!(print, other.fingerprint("invoice"), "{other:?}");
    }
}

#[test]
fn what_was_asked_and_the_name_of_the_exchange_are_not_part_of_the_cause() {
    let failure = Failure::new(FailureKind::BadRequest, "no");
    let told = Failure {
        request: Some("SELECT * FROM Invoice WHERE TxnDate >= '2026-03-01'".into()),
        transaction_id: Some("1-65a1f2b3-0c1d2e3f".into()),
        ..failure.clone()
    };
    assert_eq!(failure.fingerprint("invoice"), told.fingerprint("invoice"));
}
