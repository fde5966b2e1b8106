//! The answer to a read by id: the record asked for, none, or a failure; never another record.

use ledgerfleet_model::{FailureKind as Kind, Served};

use super::super::read_one;
use crate::quickbooks::entities::entity;
use crate::quickbooks::samples::json;

/// What becomes of an answer to the question for record 7 of an entity: its id, or why there is none.
fn asked_for_seven(of: &str, body: &str) -> Result<Option<String>, Kind> {
    let served = read_one(&json(200, body), entity(of), "7");
    let id = |served: Served| served.id().to_owned();
    served
        .map(|served| served.map(id))
        .map_err(|failure| failure.kind)
}

#[test]
fn another_record_than_the_one_asked_for_is_no_answer() {
    for (of, row, expected) in [
        (
            "invoice",
            r#""Invoice":{"Id":"7","SyncToken":"0"}"#,
            Ok(Some("7")),
        ),
        (
            "invoice",
            r#""Invoice":{"Id":"8","SyncToken":"0"}"#,
            Err(Kind::UnexpectedContent),
        ),
        (
            "invoice",
            r#""Invoice":{"Id":"07","SyncToken":"0"}"#,
            Err(Kind::UnexpectedContent),
        ),
        (
            "invoice",
            r#""Invoice":{"Id":"8","SyncToken":"0","TxnDate":"no day"}"#,
            Err(Kind::UnexpectedContent),
        ),
        (
            "invoice",
            r#""Invoice":{"domain":"QBO","status":"Deleted","Id":"7"}"#,
            Ok(None),
        ),
        (
            "invoice",
            r#""Invoice":{"domain":"QBO","status":"Deleted","Id":"8"}"#,
            Err(Kind::UnexpectedContent),
        ),
        (
            "customer",
            r#""Invoice":{"Id":"7","SyncToken":"0"}"#,
            Err(Kind::UnexpectedContent),
        ),
        // The only one there is has another id by now: then the one that was asked for is gone.
        ("company_info", r#""CompanyInfo":{"Id":"1"}"#, Ok(None)),
        ("company_info", r#""CompanyInfo":{"Id":"7"}"#, Ok(Some("7"))),
    ] {
        let body = format!(r#"{{{row},"time":"2026-03-01T00:00:00.000-08:00"}}"#);
        let expected = expected.map(|id| id.map(str::to_owned));
        assert_eq!(asked_for_seven(of, &body), expected, "{of}: {row}");
    }
}
