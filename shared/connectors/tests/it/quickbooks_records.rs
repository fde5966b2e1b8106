//! QuickBooks: one record by its id.

use ledgerfleet_connectors::quickbooks::ENTITIES;
use ledgerfleet_connectors::{
    Charges, Condition, CountRequest, EntityKind, EntitySpec, PageRequest, RecordRequest, Target,
};
use ledgerfleet_emulator::{
    CompanySpec, Currencies, EmulatorOptions, FaultKind, FaultSpec, Mutation, MutationKind, OptionalEntities,
    Rate, Size, Switches, TruthFilter,
};
use ledgerfleet_model::{Failure, FailureKind, Record, Served, Window};

use crate::quickbooks::assert_equal;
use crate::world::{COMPANY, World, entity, target};

impl World {
    pub(crate) async fn record(
        &self,
        entity: &'static EntitySpec,
        id: &str,
    ) -> Result<Option<Record>, Failure> {
        let (realm, access) = (self.company(COMPANY).realm, self.access(COMPANY).await);
        let served = self
            .quickbooks
            .look_up()
            .unwrap()
            .record(&target(&realm, &access), &RecordRequest::of(entity, id))
            .await?;
        Ok(served.map(|served| match served {
            Served::Record(record) => record,
            Served::Quarantined(quarantined) => panic!("{quarantined:?}"),
        }))
    }
}

/// A world in which every entity is served.
async fn world_of_everything() -> World {
    let world = World::with(EmulatorOptions {
        days: 40,
        rate: Rate::Off,
        companies: vec![CompanySpec {
            currencies: Currencies::Many,
            ..CompanySpec::new(COMPANY, Size::Small)
        }],
        ..EmulatorOptions::default()
    })
    .await;
    world.emulator.set_switches(Switches {
        optional_entities: OptionalEntities::Served,
        ..Switches::default()
    });
    world
}

#[tokio::test]
async fn a_record_of_every_entity_is_read_by_its_id() {
    let world = world_of_everything().await;
    for entity in ENTITIES {
        let truth = world
            .emulator
            .truth(COMPANY, entity.name, &TruthFilter::default())
            .unwrap();
        let step = (truth.len() / 5).max(1);
        let some: Vec<_> = truth
            .iter()
            .take(2)
            .chain(truth.iter().skip(2).step_by(step))
            .cloned()
            .collect();
        assert!(!some.is_empty(), "{}", entity.name);
        let mut records = Vec::new();
        for line in &some {
            records.extend(world.record(entity, &line.id).await.unwrap());
        }
        assert_equal(entity, records, &some);
    }
}

#[tokio::test]
async fn what_was_never_there_is_none() {
    let world = world_of_everything().await;
    for entity in ENTITIES {
        let id = if entity.name == "exchange_rate" {
            "EUR:1999-01-01"
        } else {
            "99999999"
        };
        assert_eq!(world.record(entity, id).await.unwrap(), None, "{}", entity.name);
    }
    for id in ["x y", "1' OR '1", "a/../../customer/1", "é", "1?minorversion=1"] {
        assert_eq!(world.record(entity("invoice"), id).await.unwrap(), None, "{id}");
    }
}

#[tokio::test]
async fn what_was_deleted_is_none_and_a_name_that_was_made_inactive_comes_as_it_is() {
    let world = World::start().await;
    let gone = |entity: &str| Mutation {
        count: 1,
        ..Mutation::new(COMPANY, entity, MutationKind::Delete)
    };
    let deleted = TruthFilter {
        deleted: Some(1),
        ..TruthFilter::default()
    };
    for entity in ENTITIES
        .iter()
        .filter(|entity| entity.kind == EntityKind::Document && !entity.optional)
    {
        world.emulator.mutate(gone(entity.name)).unwrap();
        let id = &world.emulator.truth(COMPANY, entity.name, &deleted).unwrap()[0].id;
        assert_eq!(world.record(entity, id).await.unwrap(), None, "{}", entity.name);
    }
    for name in ["customer", "account", "vendor", "item"] {
        let mut changed = gone(name);
        changed.ids = vec!["3".to_owned()];
        world.emulator.mutate(changed).unwrap();
        let record = world.record(entity(name), "3").await.unwrap().unwrap();
        assert!(
            record.payload.contains(r#""Active":false"#),
            "{name}: {}",
            record.payload
        );
    }
}

#[tokio::test]
async fn a_record_is_one_request() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    for name in ["invoice", "company_info", "preferences", "tax_code"] {
        let before = world.emulator.summary().requests;
        world
            .quickbooks
            .look_up()
            .unwrap()
            .record(&target(&realm, &access), &RecordRequest::of(entity(name), "1"))
            .await
            .unwrap();
        assert_eq!(world.emulator.summary().requests, before + 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_noted_as_charged_is_what_the_upstream_charges() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let charges = Charges::default();
    let target = Target {
        charges: &charges,
        ..target(&realm, &access)
    };
    let before = world.emulator.summary().metered;
    let invoice = entity("invoice");
    let page = PageRequest::of_all(invoice, 10);
    world.quickbooks.page(&target, &page).await.unwrap();
    let count = CountRequest::of_all(invoice);
    world
        .quickbooks
        .counting()
        .unwrap()
        .count(&target, &count)
        .await
        .unwrap();
    let record = async |id| {
        world
            .quickbooks
            .look_up()
            .unwrap()
            .record(&target, &RecordRequest::of(invoice, id))
            .await
    };
    assert!(record("1").await.unwrap().is_some());
    assert!(record("99999999").await.unwrap().is_none());
    assert_eq!(charges.calls(), 3, "that there is none is a refusal");
    for (status, code) in [
        (200, 610),
        (200, 10_000),
        (400, 4_000),
        (429, 3_001),
        (500, 10_000),
    ] {
        let fault = FaultSpec::always(FaultKind::Fault { status, code });
        world.emulator.set_fault(fault);
        let _ = record("1").await;
        world.emulator.clear_faults();
    }
    let metered = world.emulator.summary().metered - before;
    assert_eq!((u64::from(charges.calls()), metered), (5, 5));
}

#[tokio::test]
async fn only_the_documented_words_say_that_a_record_is_gone() {
    let world = World::start().await;
    let of = |status, code| FaultKind::Fault { status, code };
    for (fault, kind) in [
        (of(400, 610), None),
        (of(200, 610), None),
        (of(404, 610), None),
        (of(500, 610), Some(FailureKind::UpstreamError)),
        (of(400, 620), Some(FailureKind::BadRequest)),
        (of(400, 6_100), Some(FailureKind::BadRequest)),
        (of(404, 10_000), Some(FailureKind::UpstreamError)),
        (of(400, 5_030), Some(FailureKind::NotInPlan)),
        (of(200, 5_020), Some(FailureKind::Forbidden)),
        (FaultKind::Html { status: 404 }, Some(FailureKind::NotFound)),
        (FaultKind::Empty { status: 404 }, Some(FailureKind::NotFound)),
        (
            FaultKind::Html { status: 400 },
            Some(FailureKind::UnexpectedContent),
        ),
        (
            FaultKind::Empty { status: 200 },
            Some(FailureKind::UnexpectedContent),
        ),
    ] {
        world.emulator.set_fault(FaultSpec {
            path: Some("/invoice/".to_owned()),
            ..FaultSpec::always(fault.clone())
        });
        let answer = world.record(entity("invoice"), "1").await;
        let told = answer.as_ref().map_err(|failure| failure.kind);
        match kind {
            None => assert_eq!(told, Ok(&None), "{fault:?}"),
            Some(kind) => assert_eq!(told, Err(kind), "{fault:?}: {answer:?}"),
        }
        world.emulator.clear_faults();
    }
}

#[tokio::test]
async fn what_the_company_does_not_have_is_no_deletion() {
    let world = World::start().await;
    for (name, id) in [
        ("exchange_rate", "EUR:2026-06-01"),
        ("inventory_adjustment", "1"),
        ("journal_code", "1"),
    ] {
        let failure = world.record(entity(name), id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotInPlan, "{name}: {failure}");
    }
}

#[tokio::test]
async fn what_cannot_be_an_id_is_not_sent() {
    let world = World::start().await;
    let before = world.emulator.summary().requests;
    for (name, id) in [
        ("invoice", ""),
        ("invoice", "."),
        ("invoice", ".."),
        ("exchange_rate", "EUR"),
    ] {
        let failure = world.record(entity(name), id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadRequest, "{name} {id}");
    }
    assert_eq!(world.emulator.summary().requests, before);
}

#[tokio::test]
async fn signed_addresses_differ_in_every_answer_are_stored_and_change_no_record() {
    let world = World::start().await;
    let attachable = entity("attachable");
    let whole = Window::Whole;
    let first = world.read_all(attachable, &whole, 1000).await;
    let second = world.read_all(attachable, &whole, 1000).await;
    let mut images = 0;
    for (one, other) in first.iter().zip(&second) {
        assert_eq!((&one.id, one.payload_hash), (&other.id, other.payload_hash));
        assert_ne!(one.payload, other.payload);
        assert!(one.payload.contains(r#""FileAccessUri":"/v3/"#));
        images += usize::from(one.payload.contains(r#""ThumbnailTempDownloadUri":"https://"#));
    }
    assert!(images > 0);
    let truth = world
        .emulator
        .truth(COMPANY, "attachable", &TruthFilter::default());
    assert_equal(attachable, first, &truth.unwrap());
}

#[tokio::test]
async fn custom_fields_beyond_the_third_are_read_by_list_by_id_and_by_search() {
    let world = World::start().await;
    let invoice = entity("invoice");
    let truth = world.emulator.truth(COMPANY, "invoice", &TruthFilter::default());
    let truth = truth.unwrap();
    let with_five = |record: &&Record| record.payload.matches("DefinitionId").count() == 5;
    let listed = world.read_all(invoice, &Window::Whole, 1000).await;
    let five = listed
        .iter()
        .find(with_five)
        .expect("an invoice with five")
        .clone();
    let read = world.record(invoice, &five.id).await.unwrap().unwrap();
    let by_id = Condition::one_of("Id", [five.id.as_str()]);
    let found = world.find_all(invoice, &[by_id], 10).await;
    assert_eq!((&read.payload, &found[0].payload), (&five.payload, &five.payload));
    assert_equal(invoice, listed, &truth);
}

#[tokio::test]
async fn a_record_whose_id_is_a_word_is_looked_for_in_the_list_and_nowhere_else() {
    let world = World::start().await;
    let tax_code = entity("tax_code");
    let truth = world.emulator.truth(COMPANY, "tax_code", &TruthFilter::default());
    for line in truth.unwrap() {
        let before = world.emulator.summary().requests;
        let record = world.record(tax_code, &line.id).await.unwrap().unwrap();
        assert_eq!(record.id, line.id);
        assert_eq!(world.emulator.summary().requests, before + 1, "{}", line.id);
    }
    assert_eq!(world.record(tax_code, "GONE").await.unwrap(), None);
    assert_eq!(world.record(tax_code, "99").await.unwrap(), None);
    for fault in [FaultKind::EmptyPage {}, FaultKind::Html { status: 503 }] {
        world.emulator.set_fault(FaultSpec::always(fault.clone()));
        world.record(tax_code, "GONE").await.unwrap_err();
        world.emulator.clear_faults();
    }
}
