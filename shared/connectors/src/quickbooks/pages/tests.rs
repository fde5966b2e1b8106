//! How strictly answers are read.

mod one;
mod quarantine;

use chrono::NaiveDate;
use ledgerfleet_model::{FailureKind as Kind, Record};
use proptest::prelude::*;

use super::*;
use crate::quickbooks::entities::entity;
use crate::quickbooks::samples::{Table, answer, json};

const ASKED: Asked = Asked {
    place: Place {
        part: Part::All,
        since: None,
        skip: 0,
        by_offset: false,
    },
    size: 3,
    in_order: true,
};

fn read(body: &str) -> Result<Vec<Record>, Failure> {
    read_page(&json(200, body), entity("invoice"), ASKED).map(|page| page.records)
}

fn page_of(rows: &str) -> String {
    format!(
        r#"{{"QueryResponse":{{"Invoice":[{rows}],"startPosition":1,"maxResults":1}},"time":"2026-03-01T00:00:00.000-08:00"}}"#
    )
}

fn read_one(row: &str) -> Record {
    let mut records = read(&page_of(row)).unwrap();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

const ROW: &str = r#"{ "domain": "QBO", "sparse": false, "Id": "119", "SyncToken": "7",
    "MetaData": { "CreateTime": "2023-02-09T13:10:36-08:00", "LastUpdatedTime": "2023-07-18T12:57:24-07:00" },
    "TxnDate": "2023-02-09", "TotalAmt": 1.10, "Balance": 100.0, "Ratio": 12345678901234567890.123456789,
    "PrivateNote": "two  spaces \" and a quote" }"#;

#[test]
fn a_record_keeps_its_text_and_tells_its_identity_version_and_times() {
    let record = read_one(ROW);
    assert_eq!(record.id, "119");
    assert_eq!(record.source_version, Some(7));
    assert_eq!(
        record.source_created_at.unwrap().to_rfc3339(),
        "2023-02-09T21:10:36+00:00"
    );
    assert_eq!(
        record.source_updated_at.unwrap().to_rfc3339(),
        "2023-07-18T19:57:24+00:00"
    );
    assert_eq!(record.document_date, NaiveDate::from_ymd_opt(2023, 2, 9));
    assert!(!record.deleted && record.original.is_none());
    for kept in [
        "\"TotalAmt\":1.10,",
        "\"Balance\":100.0,",
        "12345678901234567890.123456789",
        "two  spaces \\\" and",
    ] {
        assert!(record.payload.contains(kept), "{kept} in {}", record.payload);
    }
    assert_eq!(
        record.payload_hash,
        *blake3::hash(record.payload.as_bytes()).as_bytes()
    );
}

#[test]
fn whitespace_between_tokens_does_not_change_a_record() {
    let squeezed = ROW
        .replace(['\n'], "")
        .replace(": ", ":")
        .replace(", ", ",")
        .replace("{ ", "{");
    assert_ne!(squeezed, ROW);
    assert_eq!(read_one(&squeezed), read_one(ROW));
}

#[test]
fn what_postgres_cannot_store_is_kept_as_it_is() {
    let record = read_one(r#"{"Id":"1","PrivateNote":"\u0000 \ud800 😀"}"#);
    assert_eq!(&*record.payload, r#"{"Id":"1","PrivateNote":"\u0000 \ud800 😀"}"#);
    assert_eq!(record.original, None);
}

#[test]
fn what_is_absent_is_unknown() {
    let record = read_one(r#"{"Id":"1"}"#);
    assert_eq!(record.source_version, None);
    assert_eq!(record.source_created_at, None);
    assert_eq!(record.document_date, None);
    assert_eq!(
        read_one(r#"{"Id":"1","SyncToken":"next","MetaData":{}}"#).source_version,
        None
    );
    assert_eq!(read_one(r#"{"Id":"1","SyncToken":12}"#).source_version, Some(12));
}

#[test]
fn a_list_has_no_document_date() {
    let body = page_of(ROW).replace("\"Invoice\"", "\"Customer\"");
    assert_eq!(
        read_page(&json(200, body), entity("customer"), ASKED)
            .unwrap()
            .records[0]
            .document_date,
        None
    );
}

#[test]
fn an_empty_window_is_an_object_without_rows() {
    for empty in [
        r#"{"QueryResponse":{},"time":"2026-03-01T00:00:00.000-08:00"}"#,
        r#"{"QueryResponse":{"startPosition":0,"maxResults":0}}"#,
        r#"{"QueryResponse":{"Invoice":[]}}"#,
        r#"{"QueryResponse":{"totalCount":0},"Fault":null,"fault":null}"#,
        "\u{feff}{\"QueryResponse\":{}}",
    ] {
        assert_eq!(read(empty).unwrap(), [], "{empty}");
    }
}

#[test]
fn members_that_nobody_knows_are_tolerated() {
    let body =
        r#"{"QueryResponse":{"Invoice":[{"Id":"1","New":{"a":[1]}}],"hint":"x","next":7},"warnings":[1]}"#;
    assert_eq!(read(body).unwrap().len(), 1);
}

#[test]
fn a_record_that_is_served_twice_is_read_twice() {
    assert_eq!(read(&page_of(r#"{"Id":"1"},{"Id":"1"}"#)).unwrap().len(), 2);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_not_the_page_that_was_asked_for_is_a_failure() {
    let full = page_of(ROW);
    let table: Table<'_> = &[
        (
            "cut in the middle",
            json(200, &full[..full.len() / 2]),
            Kind::Truncated,
        ),
        (
            "cut before the last brace",
            json(200, &full[..full.len() - 1]),
            Kind::Truncated,
        ),
        (
            "cut inside a character",
            json(200, &"{\"a\":\"é".as_bytes()[..7]),
            Kind::Truncated,
        ),
        ("nothing", json(200, ""), Kind::Truncated),
        (
            "bytes that are not text",
            json(200, b"{\"QueryResponse\":\xff\xfe}"),
            Kind::Malformed,
        ),
        (
            "broken JSON",
            json(200, "{\"QueryResponse\":{},,}"),
            Kind::Malformed,
        ),
        (
            "something after the end",
            json(200, "{\"QueryResponse\":{}} x"),
            Kind::Malformed,
        ),
        (
            "another content type",
            answer(200, "text/plain", &full),
            Kind::UnexpectedContent,
        ),
        ("an array", json(200, "[]"), Kind::UnexpectedContent),
        ("a text", json(200, "\"ok\""), Kind::UnexpectedContent),
        ("an empty object", json(200, "{}"), Kind::UnexpectedContent),
        (
            "no response",
            json(200, r#"{"QueryResponse":null}"#),
            Kind::UnexpectedContent,
        ),
        (
            "a response in lower case",
            json(200, r#"{"queryResponse":{}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "a response that is a list",
            json(200, r#"{"QueryResponse":[]}"#),
            Kind::UnexpectedContent,
        ),
        (
            "rows of another entity",
            json(200, r#"{"QueryResponse":{"Bill":[{"Id":"1"}]}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "one row of another entity",
            json(200, r#"{"QueryResponse":{"Bill":{"Id":"1"}}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "rows that are null",
            json(200, r#"{"QueryResponse":{"Invoice":null}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "rows that are one row",
            json(200, r#"{"QueryResponse":{"Invoice":{"Id":"1"}}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "rows twice",
            json(200, r#"{"QueryResponse":{"Invoice":[],"Invoice":[]}}"#),
            Kind::UnexpectedContent,
        ),
        (
            "two rows more than asked for",
            json(
                200,
                page_of(r#"{"Id":"1"},{"Id":"2"},{"Id":"3"},{"Id":"4"},{"Id":"5"}"#),
            ),
            Kind::UnexpectedContent,
        ),
        (
            "a row that is no object",
            json(200, page_of("7")),
            Kind::Malformed,
        ),
        (
            "a row that is a list",
            json(200, page_of(r#"["1","2"]"#)),
            Kind::Malformed,
        ),
        (
            "a row without id",
            json(200, page_of(r#"{"SyncToken":"1"}"#)),
            Kind::Malformed,
        ),
        (
            "an id that is a number",
            json(200, page_of(r#"{"Id":7}"#)),
            Kind::Malformed,
        ),
        (
            "an id that is empty",
            json(200, page_of(r#"{"Id":""}"#)),
            Kind::Malformed,
        ),
        (
            "two ids",
            json(200, page_of(r#"{"Id":"1","Id":"2"}"#)),
            Kind::Malformed,
        ),
        (
            "an id that is a novel",
            json(200, page_of(&format!(r#"{{"Id":"{}"}}"#, "7".repeat(300)))),
            Kind::Malformed,
        ),
        (
            "an id that cannot be printed",
            json(200, page_of(r#"{"Id":"7\u0000"}"#)),
            Kind::Malformed,
        ),
    ];
    for (what, answer, kind) in table {
        let failure = read_page(answer, entity("invoice"), ASKED).expect_err(what);
        assert_eq!(failure.kind, *kind, "{what}: {failure}");
    }
}

#[test]
fn a_page_that_is_not_full_is_doubtful_where_something_says_that_there_is_more() {
    let told = |rows: usize, total: Option<u64>, skip, size| {
        let rows: Vec<_> = (0..rows).map(|id| format!(r#"{{"Id":"{id}"}}"#)).collect();
        let total = total
            .map(|total| format!(r#","totalCount":{total}"#))
            .unwrap_or_default();
        let body = format!(r#"{{"QueryResponse":{{"Invoice":[{}]{total}}}}}"#, rows.join(","));
        let place = Place {
            skip,
            ..Place::default()
        };
        let asked = Asked {
            place,
            size,
            in_order: true,
        };
        let page = read_page(&json(200, body), entity("invoice"), asked).unwrap();
        (page.more, page.ending == Ending::Doubted)
    };
    assert_eq!(told(7, None, 0, 10), (false, false));
    assert_eq!(told(7, Some(7), 0, 10), (false, false));
    assert_eq!(told(7, Some(8), 0, 10), (false, true));
    assert_eq!(told(0, Some(1), 0, 10), (false, true));
    assert_eq!(told(7, Some(16), 9, 10), (false, false));
    assert_eq!(told(10, Some(17), 0, 10), (true, false));
    for rows in [100, 200, 500] {
        assert_eq!(
            told(rows, None, 0, 1_000),
            (false, true),
            "a round number may be a limit"
        );
    }
    assert_eq!(told(499, None, 0, 1_000), (false, false));
    assert_eq!(told(100, None, 0, 100), (true, false));
}

#[test]
fn one_row_more_than_asked_for_is_a_row_like_the_others_and_two_are_another_answer() {
    let rows = |count: usize| {
        let rows: Vec<_> = (0..count).map(|id| format!(r#"{{"Id":"{id}"}}"#)).collect();
        page_of(&rows.join(","))
    };
    let page = read_page(&json(200, rows(4)), entity("invoice"), ASKED).unwrap();
    assert_eq!(
        (page.records.len(), page.more, page.next.as_str()),
        (4, true, "~+3")
    );
    let refused = read(&rows(5)).unwrap_err();
    assert_eq!(refused.kind, Kind::UnexpectedContent);
}

#[test]
fn a_failure_repeats_nothing_of_a_record() {
    for row in [
        r#"{"Id":"","TxnDate":"Jane Roe"}"#,
        r#"{"Name":"Jane Roe"}"#,
        r#"{"Id":["Jane Roe"]}"#,
        r#"["Jane Roe"]"#,
    ] {
        let message = read(&page_of(row)).unwrap_err().message;
        assert!(!message.contains("Jane"), "{message}");
    }
}

#[test]
fn a_count_is_a_number() {
    let count = |body: &str| read_count(&json(200, body));
    assert_eq!(
        count(r#"{"QueryResponse":{"totalCount":123},"time":"x"}"#).unwrap(),
        123
    );
    for wrong in [
        r#"{"QueryResponse":{}}"#,
        r#"{"QueryResponse":{"totalCount":-1}}"#,
        r#"{"QueryResponse":{"totalCount":"1"}}"#,
        r#"{"QueryResponse":{"totalCount":1.0}}"#,
        r#"{"QueryResponse":{"totalCount":1e3}}"#,
        r#"{"QueryResponse":{"totalCount":null}}"#,
        r#"{"QueryResponse":{"totalCount":{}}}"#,
        r#"{"QueryResponse":{"totalCount":18446744073709551616}}"#,
    ] {
        assert_eq!(count(wrong).unwrap_err().kind, Kind::UnexpectedContent, "{wrong}");
    }
}

#[test]
fn a_company_has_a_name() {
    let name = |body: &str| read_company_name(&json(200, body));
    assert_eq!(
        name(r#"{"CompanyInfo":{"CompanyName":"Acme","Id":"1"},"time":"x"}"#).unwrap(),
        "Acme"
    );
    assert_eq!(
        name(r#"{"CompanyInfo":{}}"#).unwrap_err().kind,
        Kind::UnexpectedContent
    );
}

/// A member that may stand in a document or in its response.
const MEMBER: &str = r#""(Invoice|Customer|QueryResponse|Fault|fault|totalCount|time)" ?: ?(null|3|1.|"a"|\[\]|\[\{"Id":"1"\} ?,7\]|\{\}|\{"Id":"2"\})"#;

proptest! {
    #[test]
    fn fuzz_no_body_makes_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_page(&json(200, &body), entity("invoice"), ASKED);
    }

    #[test]
    fn fuzz_no_page_with_a_hole_or_a_change_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
        new in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut body = page_of(ROW).into_bytes();
        let start = at.index(body.len());
        let end = (start + length).min(body.len());
        body.splice(start..end, new);
        let _ = read_page(&json(200, &body), entity("invoice"), ASKED);
    }

    /// Documents of all kinds of members, whole and cut.
    #[test]
    fn a_page_read_in_one_pass_is_the_page_read_in_steps(
        inner in prop::collection::vec(MEMBER, 0..4),
        outer in prop::collection::vec(MEMBER, 0..3),
        at in any::<prop::sample::Index>(),
        whole in prop::bool::weighted(0.8),
    ) {
        let response = format!(r#""QueryResponse":{{{}}}"#, inner.join(","));
        let members: Vec<String> = outer.into_iter().chain([response]).collect();
        let document = format!("{{{}}}", members.join(","));
        let end = if whole { document.len() } else { at.index(document.len()) };
        let answer = json(200, &document.as_bytes()[..end]);
        let text = Text::of(&answer);
        if let Some(fast) = Response::of(text.as_str(), "Invoice") {
            let response = query_response(&answer, &text).unwrap();
            let texts = |rows: Vec<&RawValue>| rows.into_iter().map(|row| row.get().to_owned()).collect::<Vec<_>>();
            let rows = rows(&answer, &response, entity("invoice")).unwrap();
            prop_assert_eq!(texts(fast.rows.unwrap_or_default()), texts(rows));
            prop_assert_eq!(
                fast.members.get("totalCount").map(RawValue::get),
                response.get("totalCount").map(RawValue::get)
            );
        }
    }

    #[test]
    fn fuzz_no_page_that_ends_early_is_taken_for_a_page(at in any::<prop::sample::Index>()) {
        let body = page_of(ROW);
        let failure = read_page(&json(200, &body.as_bytes()[..at.index(body.len())]), entity("invoice"), ASKED).unwrap_err();
        prop_assert_eq!(failure.kind, Kind::Truncated);
    }
}
