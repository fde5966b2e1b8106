//! QuickBooks: filtered queries, and all of an entity.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::quickbooks::{ENTITIES, RowShape, source};
use ledgerfleet_connectors::{
    Condition, Dialect, EntityKind, EntitySpec, FindRequest, PageRequest, Test, Value,
};
use ledgerfleet_emulator::{OptionalEntities, Switches, TruthFilter, TruthLine};
use ledgerfleet_model::{FailureKind, Position, Record};

use crate::quickbooks::{assert_equal, day};
use crate::world::{COMPANY, World, append, entity, target};

impl World {
    /// Every record that fulfils the conditions, page by page.
    pub(crate) async fn find_all(
        &self,
        entity: &'static EntitySpec,
        conditions: &[Condition],
        size: u32,
    ) -> Vec<Record> {
        let (realm, access) = (self.company(COMPANY).realm, self.access(COMPANY).await);
        let (mut records, mut from) = (Vec::new(), Position::start());
        loop {
            let request = FindRequest {
                entity,
                conditions,
                from: &from,
                size,
                dialect: Dialect::default(),
            };
            let found = self
                .finder
                .find(&target(&realm, &access), &request)
                .await
                .unwrap();
            append(&mut records, found.records);
            if !found.more {
                break;
            }
            assert_ne!(found.next, from, "pages go on");
            from = found.next;
        }
        records
    }

    fn truth_of(&self, entity: &EntitySpec) -> Vec<TruthLine> {
        self.emulator
            .truth(COMPANY, entity.name, &TruthFilter::default())
            .unwrap()
    }
}

async fn world() -> World {
    let world = World::start().await;
    world.emulator.set_switches(Switches {
        optional_entities: OptionalEntities::Served,
        ..Switches::default()
    });
    world
}

fn filterable() -> impl Iterator<Item = &'static EntitySpec> {
    ENTITIES
        .iter()
        .filter(|entity| entity.kind != EntityKind::Single && entity.name != "company_currency")
}

#[tokio::test]
async fn records_of_every_entity_are_found_by_their_ids() {
    let world = world().await;
    for entity in filterable().filter(|entity| !matches!(source(entity).rows, RowShape::Keyed(_))) {
        let some: Vec<_> = world.truth_of(entity).into_iter().step_by(3).take(40).collect();
        // A tax code of the United States has a text for its id.
        let ids = some.iter().map(|line| line.id.as_str()).chain(["99999999"]);
        assert_equal(
            entity,
            world.find_all(entity, &[Condition::one_of("Id", ids)], 7).await,
            &some,
        );
        let one = Condition::new("Id", Test::Equal(some[0].id.as_str().into()));
        assert_equal(entity, world.find_all(entity, &[one], 7).await, &some[..1]);
    }
}

#[tokio::test]
async fn records_of_every_entity_are_found_by_instants() {
    let world = world().await;
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    for entity in filterable() {
        let truth = world.truth_of(entity);
        let middle = instant(&truth[truth.len() / 2].updated_at);
        let after = |line: &TruthLine| instant(&line.updated_at) > middle;
        for (test, expected) in [
            (
                Test::Greater(Value::Instant(middle)),
                truth
                    .iter()
                    .filter(|line| after(line))
                    .cloned()
                    .collect::<Vec<_>>(),
            ),
            (
                Test::AtMost(Value::Instant(middle)),
                truth.iter().filter(|line| !after(line)).cloned().collect(),
            ),
        ] {
            let condition = Condition::new("MetaData.LastUpdatedTime", test);
            assert_equal(entity, world.find_all(entity, &[condition], 100).await, &expected);
        }
    }
}

#[tokio::test]
async fn documents_are_found_by_their_date_and_by_several_conditions_at_once() {
    let world = world().await;
    let date = Value::Date(day("2026-06-15"));
    for entity in filterable().filter(|entity| entity.kind == EntityKind::Document) {
        let truth = world.truth_of(entity);
        let on = |line: &&TruthLine| line.date == Some(day("2026-06-15"));
        let expected: Vec<_> = truth.iter().filter(on).cloned().collect();
        let found = world
            .find_all(
                entity,
                &[Condition::new("TxnDate", Test::Equal(date.clone()))],
                100,
            )
            .await;
        assert_equal(entity, found, &expected);
    }
    let truth = world.truth_of(entity("invoice"));
    let line = truth
        .iter()
        .find(|line| line.date == Some(day("2026-06-15")))
        .unwrap();
    let conditions = [
        Condition::new("TxnDate", Test::AtLeast(date.clone())),
        Condition::new("TxnDate", Test::Less(Value::Date(day("2026-06-16")))),
        Condition::new(
            "TotalAmt",
            Test::Equal(Value::Number(line.total.clone().unwrap())),
        ),
        Condition::new("Id", Test::Equal(line.id.as_str().into())),
    ];
    assert_equal(
        entity("invoice"),
        world.find_all(entity("invoice"), &conditions, 100).await,
        std::slice::from_ref(line),
    );
}

#[tokio::test]
async fn names_with_quotes_are_found_and_inactive_ones_too() {
    let world = world().await;
    let customers = world
        .read_all(entity("customer"), &ledgerfleet_model::Window::Whole, 1_000)
        .await;
    let name = |record: &Record| {
        let payload: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
        payload["DisplayName"].as_str().unwrap().to_owned()
    };
    let inactive = customers
        .iter()
        .find(|record| record.payload.contains(r#""Active":false"#))
        .unwrap();
    let quoted = customers.iter().find(|record| name(record).contains('\''));
    for record in [Some(inactive), quoted].into_iter().flatten() {
        let condition = Condition::new("DisplayName", Test::Equal(Value::Text(name(record))));
        let found = world.find_all(entity("customer"), &[condition], 10).await;
        assert!(found.contains(record), "{}", name(record));
    }
    let condition = Condition::new("DisplayName", Test::Like("%(deleted)".to_owned()));
    let found = world.find_all(entity("customer"), &[condition], 10).await;
    let expected = customers
        .iter()
        .filter(|record| record.payload.contains(r#""Active":false"#));
    assert_eq!(found.len(), expected.count());
}

#[tokio::test]
async fn what_is_not_documented_is_refused_and_not_sent() {
    let world = world().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let before = world.emulator.summary().requests;
    let condition = [Condition::new("PrivateNote", Test::Equal("x".into()))];
    let request = FindRequest {
        entity: entity("invoice"),
        conditions: &condition,
        from: &Position::start(),
        size: 10,
        dialect: Dialect::default(),
    };
    let failure = world
        .finder
        .find(&target(&realm, &access), &request)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadRequest);
    assert_eq!(world.emulator.summary().requests, before);
}

#[tokio::test]
async fn all_of_an_entity_is_one_obvious_call() {
    let world = world().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let request = PageRequest::of_all(entity("customer"), 1_000);
    let page = world
        .quickbooks
        .page(&target(&realm, &access), &request)
        .await
        .unwrap();
    assert_equal(
        entity("customer"),
        page.records,
        &world.truth_of(entity("customer")),
    );
}
