use ledgerfleet_model::{Failure, FailureKind};

#[test]
fn failures_of_one_cause_share_a_fingerprint_whatever_ids_and_dates_they_name() {
    let of = |message: &str| Failure::new(FailureKind::BadRequest, message).fingerprint("invoice");
    assert_eq!(
        of("invoice 17 of 2026-03-01 is closed"),
        of("invoice 4711 of 2025-12-31 is closed")
    );
    assert_ne!(of("invoice 17 is closed"), of("customer 17 is closed"));
    assert_eq!(of("").len(), 16);
}

#[test]
fn entity_kind_status_and_code_each_tell_causes_apart() {
    let failure = Failure::new(FailureKind::BadRequest, "no");
    let print = failure.fingerprint("invoice");
    assert_ne!(print, failure.fingerprint("bill"));
    assert_ne!(
        print,
        Failure {
            kind: FailureKind::NotFound,
            ..failure.clone()
        }
        .fingerprint("invoice")
    );
    assert_ne!(
        print,
        Failure {
            status: Some(400),
            ..failure.clone()
        }
        .fingerprint("invoice")
    );
    assert_ne!(
        print,
        Failure {
            upstream_code: Some("4001".into()),
            ..failure
        }
        .fingerprint("invoice")
    );
}
