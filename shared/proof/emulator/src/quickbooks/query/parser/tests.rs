use proptest::prelude::*;

use super::*;

fn quoted(text: &str) -> Value {
    Value::Quoted(text.to_owned())
}

#[test]
fn a_whole_statement_is_read() {
    let read = parse(
        "select * from Invoice where TxnDate >= '2026-01-01' AND Id in ('1', 2) \
         order by TxnDate desc, Id startposition 11 maxresults 10",
    )
    .unwrap();
    assert_eq!(
        (read.entity.as_str(), read.start, read.max),
        ("Invoice", Some(11), Some(10))
    );
    assert_eq!(read.conditions[0].operator, Operator::AtLeast);
    assert_eq!(
        read.conditions[1].values,
        [quoted("1"), Value::Bare("2".to_owned())]
    );
    let directions: Vec<Direction> = read.order.iter().map(|order| order.direction).collect();
    assert_eq!(directions, [Direction::Descending, Direction::Ascending]);
    assert_eq!(parse("SELECT * FROM Item ORDERBY Id").unwrap().order.len(), 1);
}

#[test]
fn columns_are_all_some_or_a_count() {
    let columns = |text: &str| parse(text).map(|read| read.columns);
    assert_eq!(columns("SELECT COUNT ( * ) FROM Item"), Ok(Columns::Count));
    assert_eq!(
        columns("SELECT *, Sku FROM Item"),
        Ok(Columns::All(vec!["Sku".to_owned()]))
    );
    let named = Columns::Named(vec!["Id".to_owned(), "MetaData.CreateTime".to_owned()]);
    assert_eq!(columns("SELECT Id, MetaData.CreateTime FROM Item"), Ok(named));
}

#[test]
fn a_backslash_escapes_a_quote() {
    let read = parse(r"SELECT * FROM Customer WHERE DisplayName LIKE '%O\'Dun\\n%'").unwrap();
    assert_eq!(read.conditions[0].values, [quoted(r"%O'Dun\n%")]);
}

#[test]
fn what_is_no_statement_is_a_parse_error() {
    for wrong in [
        "",
        "SELECT",
        "SELECT * FROM",
        "SELECT * FROM Invoice WHERE",
        "SELECT * FROM Invoice WHERE TxnDate",
        "SELECT * FROM Invoice WHERE TxnDate = ",
        "SELECT * FROM Invoice WHERE TxnDate = 'x",
        "SELECT * FROM Invoice WHERE (TxnDate = 'x')",
        "SELECT * FROM Invoice WHERE TxnDate = '1' OR TxnDate = '2'",
        "SELECT * FROM Invoice WHERE Id IN ()",
        "SELECT * FROM Invoice GROUP BY Id",
        "SELECT * FROM Invoice MAXRESULTS -1",
        "SELECT * FROM Invoice MAXRESULTS 10 STARTPOSITION 1",
        "SELECT * FROM Invoice; DROP",
        "SELECT count(* FROM Invoice",
    ] {
        assert!(matches!(parse(wrong), Err(QueryError::Parse(_))), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_mixture_of_its_own_words_makes_it_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("SELECT"), Just("*"), Just("count"), Just("("), Just(")"), Just("FROM"), Just("Invoice"),
                Just("WHERE"), Just("Id"), Just("="), Just("!="), Just("IN"), Just("LIKE"), Just("'a\\'"),
                Just("'"), Just(","), Just("ORDER"), Just("BY"), Just("ORDERBY"), Just("DESC"), Just("AND"),
                Just("STARTPOSITION"), Just("MAXRESULTS"), Just("99999999999999999999"), Just("0"), Just("é"),
            ],
            0..20,
        )
    ) {
        let _ = parse(&words.join(" "));
    }

    #[test]
    fn an_escaped_string_is_read_back(text in "[^\u{0}]{0,20}") {
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
        let read = parse(&format!("SELECT * FROM Item WHERE Name = '{escaped}'")).unwrap();
        prop_assert_eq!(&read.conditions[0].values[0], &Value::Quoted(text));
    }
}
