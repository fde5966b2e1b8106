//! What of a page goes to quarantine.

use ledgerfleet_model::{QuarantineReason as Reason, Quarantined, Record};

use super::*;

fn quarantined(rows: &str) -> Vec<Quarantined> {
    read_page(&json(200, page_of(rows)), entity("invoice"), ASKED)
        .unwrap()
        .quarantined
}

#[test]
fn what_cannot_be_stored_goes_to_quarantine_and_the_rest_of_its_page_does_not() {
    let nested = format!(r#"{{"Id":"7","X":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    for (row, reason) in [
        (nested.as_str(), Reason::TooDeep),
        (r#"{"Id":"7","X":1e200000}"#, Reason::NumberOutOfRange),
        (r#"{"Id":"7","TxnDate":"2026-02-30"}"#, Reason::UnreadableDate),
        (r#"{"Id":"7","TxnDate":"2026-2-3"}"#, Reason::UnreadableDate),
        (
            r#"{"Id":"7","TxnDate":"2026-02-03T00:00:00"}"#,
            Reason::UnreadableDate,
        ),
        (r#"{"Id":"7","TxnDate":20260203}"#, Reason::UnreadableDate),
        (r#"{"Id":"7","MetaData":"yesterday"}"#, Reason::UnreadableTimes),
        (
            r#"{"Id":"7","MetaData":["2026-02-03T00:00:00Z"]}"#,
            Reason::UnreadableTimes,
        ),
        (
            r#"{"Id":"7","MetaData":{"CreateTime":7}}"#,
            Reason::UnreadableTimes,
        ),
        (
            r#"{"Id":"7","MetaData":{"LastUpdatedTime":"2026-02-03T00:00:00"}}"#,
            Reason::UnreadableTimes,
        ),
        (
            r#"{"Id":"7","MetaData":{"LastUpdatedTime":"9999-12-31T23:30:00-08:00"}}"#,
            Reason::UnreadableTimes,
        ),
        (
            r#"{"Id":"7","MetaData":{"CreateTime":"0001-01-01T00:00:00+08:00"}}"#,
            Reason::UnreadableTimes,
        ),
        (r#"{"Id":"7","TxnDate":"0000-01-05"}"#, Reason::UnreadableDate),
        (r#"{"Id":"7","TxnDate":"+10000-01-05"}"#, Reason::UnreadableDate),
        (r#"{"Id":"7","SyncToken":["1"]}"#, Reason::UnreadableVersion),
        (r#"{"Id":"7","SyncToken":true}"#, Reason::UnreadableVersion),
        (
            r#"{"Id":"7","TxnDate":"2026-02-03","TxnDate":"2026-02-04"}"#,
            Reason::MemberTwice,
        ),
    ] {
        let rows = format!(r#"{{"Id":"1"}},{row},{{"Id":"2"}}"#);
        let [quarantined] = quarantined(&rows).try_into().unwrap();
        assert_eq!(quarantined, Quarantined::new("7".to_owned(), reason, row));
        assert_eq!(&*quarantined.original, row.as_bytes());
        let records = read(&page_of(&rows)).unwrap();
        assert_eq!(
            records
                .iter()
                .map(|record| record.id.as_str())
                .collect::<Vec<_>>(),
            ["1", "2"]
        );
    }
}

#[test]
fn years_that_nobody_meant_are_stored_as_they_are() {
    for (day, instant) in [
        ("0206-01-05", "0001-01-01T00:00:00Z"),
        ("2206-01-05", "2206-01-05T00:00:00-08:00"),
        ("9999-12-31", "9999-12-31T23:59:59Z"),
    ] {
        let row = format!(r#"{{"Id":"7","MetaData":{{"CreateTime":"{instant}"}},"TxnDate":"{day}"}}"#);
        let record = read_one(&row);
        assert_eq!(record.document_date.unwrap().to_string(), day);
        assert_eq!(record.source_created_at, Some(instant.parse().unwrap()));
    }
}

#[test]
fn of_a_record_beyond_the_limit_as_much_is_kept_as_a_record_may_have() {
    let text = |length: usize| {
        let frame = r#"{"Id":"1","X":""}"#.len();
        format!(r#"{{"Id":"1","X":"{}"}}"#, "x".repeat(length - frame))
    };
    assert_eq!(read_one(&text(Record::LONGEST)).payload.len(), Record::LONGEST);
    let long = text(Record::LONGEST + 5);
    let [quarantined] = quarantined(&long).try_into().unwrap();
    assert_eq!(
        (quarantined.reason, quarantined.length),
        (Reason::TooLong, Record::LONGEST as u64 + 5)
    );
    assert_eq!(&*quarantined.original, &long.as_bytes()[..Record::LONGEST]);
}

/// A page of rows in which every `~` is a byte that is no UTF-8.
fn damaged(rows: &str) -> Vec<u8> {
    let page = page_of(rows).into_bytes();
    let byte = |byte| if byte == b'~' { 0xFF } else { byte };
    page.into_iter().map(byte).collect()
}

#[test]
fn bytes_that_are_no_text_take_their_record_away_and_nothing_else() {
    let rows = r#"{"Id":"1","Note":"é"},{"Id":"7","Note":"a~b~"},{"Id":"2","Note":"é?"}"#;
    let served = [&b"\xEF\xBB\xBF"[..], &damaged(rows)].concat();
    let page = read_page(&json(200, served), entity("invoice"), ASKED).unwrap();
    let [away] = page.quarantined.try_into().unwrap();
    let bytes = b"{\"Id\":\"7\",\"Note\":\"a\xFFb\xFF\"}";
    assert_eq!(away, Quarantined::new("7".to_owned(), Reason::NotUtf8, bytes));
    let kept: Vec<&str> = page.records.iter().map(|record| &*record.payload).collect();
    assert_eq!(kept, [r#"{"Id":"1","Note":"é"}"#, r#"{"Id":"2","Note":"é?"}"#]);
}

#[test]
fn an_id_that_is_no_text_names_no_record() {
    let served = damaged(r#"{"Id":"1"},{"Id":"7~"}"#);
    let failure = read_page(&json(200, served), entity("invoice"), ASKED).unwrap_err();
    assert_eq!(failure.kind, Kind::Malformed);
}
