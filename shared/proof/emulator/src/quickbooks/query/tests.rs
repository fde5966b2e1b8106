use chrono::DateTime;
use proptest::prelude::*;

use super::{Distortion, QueryError, Setting, answer, entity_of};
use crate::books::Books;
use crate::books::entities::ALL;
use crate::books::tests_support::draft;
use crate::books::text::Fields;
use crate::options::Region;
use crate::switches::{OptionalEntities, Switches};

fn ask(statement: &str) -> Result<String, QueryError> {
    let now = DateTime::from_timestamp(1_782_900_000, 0).expect("an instant");
    answer(
        &Books::open(draft(Region::Us)),
        statement,
        Setting {
            now,
            switches: Switches {
                optional_entities: OptionalEntities::Served,
                ..Switches::default()
            },
            answer: 1,
            distortion: Distortion::default(),
            fields: Fields::All,
        },
    )
    .map(|answered| answered.body)
}

#[test]
fn the_entity_of_a_statement_is_found_without_parsing_it() {
    assert_eq!(entity_of("select * from Invoice where"), Some("Invoice"));
    assert_eq!(entity_of("SELECT * FROM"), None);
    assert_eq!(entity_of(""), None);
}

#[test]
fn every_word_may_be_written_in_any_case() {
    let upper = ask(
        "SELECT COUNT(*) FROM INVOICE WHERE TXNDATE >= '2026-06-01' AND METADATA.CREATETIME > '2026-01-01'",
    );
    let lower = ask(
        "select count(*) from invoice where txndate >= '2026-06-01' and metadata.createtime > '2026-01-01'",
    );
    assert!(upper.is_ok());
    assert_eq!(upper, lower);
}

#[test]
fn a_blank_value_means_nothing_at_all() {
    let count =
        |condition: &str| ask(&format!("SELECT count(*) FROM JournalEntry WHERE {condition}")).unwrap();
    assert_ne!(count("DocNumber = ' '"), count("DocNumber != ' '"));
    assert!(!count("DocNumber = ' '").contains(r#""totalCount":0"#));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_statement_makes_the_answer_panic(
        entity in (0..ALL.len()).prop_map(|at| ALL[at].api),
        property in prop_oneof![
            Just("Id"), Just("TxnDate"), Just("MetaData.CreateTime"), Just("MetaData.LastUpdatedTime"), Just("Active"),
            Just("TotalAmt"), Just("DisplayName"), Just("AsOfDate"), Just("Balance"), Just("VendorRef"), Just("DueDate"), Just("Line"), Just("Nothing"),
        ],
        operator in prop_oneof![Just("="), Just("!="), Just("<"), Just(">="), Just("LIKE"), Just("IN")],
        value in prop_oneof![
            Just("0001-01-01".to_owned()), Just("9999-12-31".to_owned()), Just("9999-12-31T23:59:59-14:00".to_owned()),
            Just("+262142-12-31".to_owned()), Just("-99999999999999999999".to_owned()), Just("0".to_owned()),
            Just("18446744073709551615".to_owned()), Just("true".to_owned()), Just(String::new()),
            Just("0000-00-00T00:00:00".to_owned()), Just("9999-12-31T23:59:59".to_owned()), "[%a-z0-9é]{0,6}",
        ],
        start in prop_oneof![Just(0_u64), 1..2_000_u64, Just(u64::MAX)],
        max in prop_oneof![Just(0_u64), 1..1_200_u64, Just(u64::MAX)],
        order in prop_oneof![Just(""), Just("ORDERBY Id DESC"), Just("ORDER BY MetaData.LastUpdatedTime, Id")],
    ) {
        let value = if operator == "IN" { format!("('{value}')") } else { format!("'{value}'") };
        let _ = ask(&format!(
            "SELECT * FROM {entity} WHERE {property} {operator} {value} {order} STARTPOSITION {start} MAXRESULTS {max}"
        ));
    }
}
