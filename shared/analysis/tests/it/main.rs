//! The layouts that the program has, held against what it copies.

use ledgerfleet_analysis::{Value, dictionary, layouts, postgres, sqlite};
use ledgerfleet_connectors::connector_entry;

#[test]
fn every_source_of_every_table_is_an_entity_that_is_copied() {
    for layout in layouts() {
        let entry = connector_entry(layout.connector).unwrap();
        for table in &layout.tables {
            for source in &table.sources {
                let raw = format!("{}{}", layout.raw_prefix, source.entity);
                let known = entry.entities.iter().find(|entity| entity.table == raw);
                assert!(known.is_some(), "{}: {raw}", table.name);
            }
        }
    }
}

#[test]
fn every_entity_that_is_copied_by_default_has_a_table() {
    /// What has no table, and why.
    const WITHOUT: [(&str, &str); 2] = [
        (
            "recurring_transaction",
            "templates of other documents: nothing has happened",
        ),
        ("journal_code", "not part of `all`, for French companies alone"),
    ];
    for layout in layouts() {
        let entry = connector_entry(layout.connector).unwrap();
        let has_table = |name: &str| {
            let of_it = |table: &ledgerfleet_analysis::Table| {
                table.is_of_records() && table.sources[0].entity == name
            };
            layout.tables.iter().any(of_it)
        };
        for entity in entry.entities {
            let excused = WITHOUT.iter().any(|(name, _)| *name == entity.name);
            assert_ne!(has_table(entity.name), excused, "{}", entity.name);
        }
    }
}

#[test]
fn a_row_inside_of_a_record_is_known_by_the_record_and_its_place() {
    for table in layouts().iter().flat_map(|layout| &layout.tables) {
        let keys: Vec<&Value> = table.keys().map(|key| &key.value).collect();
        let inside = table
            .sources
            .iter()
            .any(|source| source.steps.iter().any(|step| step.each));
        // A bundle names an item once.
        if inside && table.name != "bundle_item" {
            assert!(keys.contains(&&Value::RecordId), "{}", table.name);
            assert!(keys.contains(&&Value::Index), "{}", table.name);
        }
        if table.sources.len() > 1 && table.rows == ledgerfleet_analysis::Rows::All {
            assert!(
                keys.contains(&&Value::Kind),
                "{}: ids are unique inside of an entity only",
                table.name
            );
        }
    }
}

#[test]
fn the_name_of_a_schema_needs_no_quotes_where_the_connection_needs_none_and_is_never_cut() {
    assert_eq!(
        postgres::schema_name("quickbooks", "Acme", None),
        "quickbooks_acme"
    );
    assert_eq!(
        postgres::schema_name("quickbooks", "Ärzte-2", None),
        "quickbooks_ärzte-2"
    );
    assert_eq!(
        postgres::schema_name("quickbooks", "Acme", Some("0a1b2c3d")),
        "quickbooks_acme_0a1b2c3d"
    );
    for letter in ["a", "ä", "漢", "😀"] {
        let long = letter.repeat(64);
        assert!(postgres::is_too_long(&postgres::schema_name(
            "quickbooks",
            &long,
            None
        )));
        let cut = postgres::schema_name("quickbooks", &long, Some("0a1b2c3d"));
        assert!(!postgres::is_too_long(&cut), "{cut}");
        assert!(cut.ends_with("_0a1b2c3d"), "{cut}");
    }
}

#[test]
fn the_dictionary_has_every_table_column_and_measure() {
    for layout in layouts() {
        let page = dictionary::page(layout);
        for entry in dictionary::entries(layout) {
            assert!(
                page.contains(&format!("### {}\n", entry.table)),
                "{}",
                entry.table
            );
            assert!(
                page.contains(&format!("| `{}` |", entry.column)),
                "{}",
                entry.column
            );
        }
    }
}

#[test]
fn views_are_told_apart_from_those_of_another_layout() {
    let layout = &layouts()[0];
    assert_eq!(postgres::fingerprint(layout), postgres::fingerprint(layout));
    assert_ne!(sqlite::fingerprint(layouts()), sqlite::fingerprint(&[]));
}
