//! QuickBooks: what is read equals the truth, and what is refused says why.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use ledgerfleet_connectors::quickbooks::{ENTITIES, RowShape, source};
use ledgerfleet_connectors::{
    AuthenticationError, Connectors, CountRequest, Endpoints, EntityKind, EntitySpec, Identity, PageRequest,
};
use ledgerfleet_emulator::{
    Axis as TruthAxis, CompanySpec, EmulatorOptions, OptionalEntities, OrderTies, Rate, Rotation, Size,
    Spacing, Switches, TruthFilter, TruthLine,
};
use ledgerfleet_model::{Axis, DateRange, FailureKind, Record, Segmenting, Window, window::windows};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{COMPANY, World, connector, endpoints, entity, target};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn one_window(axis: Axis, from: &str, to: &str, zone: Tz) -> Window {
    let range = DateRange::new(day(from), day(to), axis, day("2026-12-31")).unwrap();
    windows(range, Segmenting::Whole, axis, zone).next().unwrap()
}

pub(crate) fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Checks identity, version, times, dates and the hash of the whole text of every record.
pub(crate) fn assert_equal(entity: &EntitySpec, mut records: Vec<Record>, truth: &[TruthLine]) {
    let mut truth: Vec<_> = truth.iter().collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    truth.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(records.len(), truth.len(), "{}", entity.name);
    for (record, line) in records.iter().zip(truth) {
        assert_eq!(record.id, line.id);
        // What has no id has neither a version, nor a time of its creation, nor a document's date.
        if source(entity).rows == RowShape::Plain || source(entity).rows == RowShape::Wrapped {
            assert_eq!(
                record.source_version,
                line.version.parse().ok(),
                "{}",
                entity.name
            );
            assert_eq!(record.source_created_at, line.created_at.parse().ok());
            assert_eq!(record.document_date, line.date);
        }
        assert_eq!(record.source_updated_at, line.updated_at.parse().ok());
        assert_eq!(
            hex(&record.payload_hash),
            line.hash,
            "{} {}",
            entity.name,
            record.id
        );
    }
}

#[tokio::test]
async fn every_entity_read_whole_equals_the_truth() {
    let world = World::start().await;
    world.emulator.set_switches(Switches {
        optional_entities: OptionalEntities::Served,
        order_ties: OrderTies::Settled,
        ..Switches::default()
    });
    let all = TruthFilter::default();
    let mut absent = Vec::new();
    for entity in ENTITIES {
        let truth = world.emulator.truth(COMPANY, entity.name, &all).unwrap();
        if truth.is_empty() {
            absent.push(entity.name);
            continue;
        }
        assert_equal(entity, world.read_all(entity, &Window::Whole, 37).await, &truth);
    }
    assert_eq!(absent, ["company_currency"], "the company has one currency");
}

#[tokio::test]
async fn what_a_company_does_not_have_is_not_in_its_plan() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    for name in [
        "company_currency",
        "exchange_rate",
        "inventory_adjustment",
        "journal_code",
    ] {
        let refused = world.refusal(entity(name), &realm, &access).await;
        assert_eq!(refused.kind, FailureKind::NotInPlan, "{name}: {refused}");
    }
}

#[tokio::test]
async fn whitespace_in_an_answer_does_not_change_the_records() {
    let world = World::start().await;
    world.emulator.set_switches(Switches {
        spacing: Spacing::Spaced,
        ..Switches::default()
    });
    for entity in [entity("invoice"), entity("item")] {
        let truth = world
            .emulator
            .truth(COMPANY, entity.name, &TruthFilter::default())
            .unwrap();
        assert_equal(
            entity,
            world.read_all(entity, &Window::Whole, 1_000).await,
            &truth,
        );
    }
}

#[tokio::test]
async fn a_window_of_document_dates_holds_exactly_its_days() {
    let world = World::start().await;
    let window = one_window(Axis::TxnDate, "2026-06-28", "2026-06-30", Tz::UTC);
    for entity in ENTITIES
        .iter()
        .filter(|entity| entity.kind == EntityKind::Document && !entity.optional)
    {
        let days = TruthFilter {
            from: Some(day("2026-06-28")),
            to: Some(day("2026-06-30")),
            ..TruthFilter::default()
        };
        let truth = world.emulator.truth(COMPANY, entity.name, &days).unwrap();
        assert_equal(entity, world.read_all(entity, &window, 10).await, &truth);
    }
}

#[tokio::test]
async fn a_window_of_instants_holds_exactly_the_days_of_its_zone() {
    let world = World::start().await;
    let zone = Tz::America__New_York;
    for (axis, by) in [
        (Axis::Created, TruthAxis::Created),
        (Axis::Updated, TruthAxis::Updated),
    ] {
        let window = one_window(axis, "2026-06-20", "2026-06-24", zone);
        let days = TruthFilter {
            by: Some(by),
            from: Some(day("2026-06-20")),
            to: Some(day("2026-06-24")),
            tz: Some(zone.name().to_owned()),
            ..TruthFilter::default()
        };
        for entity in [entity("invoice"), entity("journal_entry"), entity("customer")] {
            let truth = world.emulator.truth(COMPANY, entity.name, &days).unwrap();
            assert_equal(entity, world.read_all(entity, &window, 10).await, &truth);
        }
    }
}

#[tokio::test]
async fn a_count_equals_the_rows_of_its_window() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let day = one_window(Axis::TxnDate, "2026-06-30", "2026-06-30", Tz::UTC);
    for (entity, window) in [
        (entity("invoice"), &day),
        (entity("invoice"), &Window::Whole),
        (entity("customer"), &Window::Whole),
    ] {
        let request = CountRequest {
            window,
            ..CountRequest::of_all(entity)
        };
        let count = world
            .quickbooks
            .counting()
            .unwrap()
            .count(&target(&realm, &access), &request)
            .await
            .unwrap();
        assert_eq!(count, world.read_all(entity, window, 1_000).await.len() as u64);
    }
}

#[tokio::test]
async fn a_full_page_says_that_more_may_follow_and_the_next_one_begins_with_its_last_row() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let customers = entity("customer");
    let all = world.read_all(customers, &Window::Whole, 1_000).await;
    let rows = u32::try_from(all.len()).unwrap();
    let first = PageRequest::of_all(customers, rows);
    let page = world
        .quickbooks
        .page(&target(&realm, &access), &first)
        .await
        .unwrap();
    assert_eq!(
        (page.records.len(), page.more, page.in_order),
        (all.len(), true, true)
    );
    let second = PageRequest {
        from: &page.next,
        ..first
    };
    let rest = world
        .quickbooks
        .page(&target(&realm, &access), &second)
        .await
        .unwrap();
    assert!(!rest.more && !rest.records.is_empty());
    let last_created = all.iter().filter_map(|record| record.source_created_at).max();
    assert!(
        rest.records
            .iter()
            .all(|record| record.source_created_at == last_created)
    );

    let larger = PageRequest {
        size: rows + 1,
        ..first
    };
    let page = world
        .quickbooks
        .page(&target(&realm, &access), &larger)
        .await
        .unwrap();
    assert_eq!((page.records.len(), page.more), (all.len(), false));
}

#[tokio::test]
async fn every_page_and_every_count_is_one_request() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let request = PageRequest::of_all(entity("invoice"), 10);
    world
        .quickbooks
        .page(&target(&realm, &access), &request)
        .await
        .unwrap();
    let request = CountRequest::of_all(entity("invoice"));
    world
        .quickbooks
        .counting()
        .unwrap()
        .count(&target(&realm, &access), &request)
        .await
        .unwrap();
    assert_eq!(world.emulator.summary().requests, 2);
}

#[tokio::test]
async fn a_company_tells_its_name() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let identity = world.quickbooks.identify(&target(&realm, &access)).await;
    assert_eq!(identity.unwrap(), Identity::named(COMPANY.to_owned()));
}

#[tokio::test]
async fn a_refresh_token_gives_an_access_token_for_an_hour() {
    let world = World::start().await;
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    let grant = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap();
    assert_eq!(grant.expires_in, Duration::from_hours(1));
    assert!(grant.rotated.is_none());
    let (left, life) = (
        grant.credential_expires_in.unwrap(),
        Duration::from_hours(101 * 24),
    );
    assert!(left <= life && left + Duration::from_mins(2) > life, "{left:?}");

    world.emulator.set_switches(Switches {
        rotation: Rotation::EveryRefresh,
        ..Switches::default()
    });
    let rotated = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap()
        .rotated
        .unwrap();
    assert_ne!(rotated.expose_secret(), token.expose_secret());
    let refused = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap_err();
    assert!(matches!(refused, AuthenticationError::Refused(_)), "{refused}");
    world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&rotated)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_was_not_used_for_a_hundred_days_is_refused() {
    let world = World::start().await;
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    world.emulator.clock().step(Duration::from_hours(102 * 24));
    let refused = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap_err();
    assert!(matches!(&refused, AuthenticationError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    assert!(!refused.to_string().contains(token.expose_secret()), "{refused}");
}

#[tokio::test]
async fn a_wrong_secret_of_the_app_is_named() {
    let world = World::start().await;
    let wrong = Endpoints {
        client_secret: Some(SecretString::from("hunter2")),
        ..endpoints(&world.emulator)
    };
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    let error = connector(&wrong)
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap_err();
    assert!(matches!(&error, AuthenticationError::WrongKeys(_)), "{error}");
    assert!(
        error.to_string().contains("client id and secret") && !error.to_string().contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_of_another_company_is_the_wrong_realm() {
    let world = World::start().await;
    let access = world.access(COMPANY).await;
    let failure = world.failure(&world.company("demo-ca").realm, &access).await;
    assert_eq!(failure.kind, FailureKind::NeedsReauthorisation);
    assert_eq!(
        (failure.status, failure.upstream_code.as_deref()),
        (Some(403), Some("3100"))
    );
    assert!(
        failure.message.contains("wrong environment or realm"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_company_of_the_other_environment_is_refused() {
    let production = "acme=small:us:production".parse::<CompanySpec>().unwrap();
    let companies = vec![CompanySpec::new(COMPANY, Size::Small), production];
    let world = World::with(EmulatorOptions {
        days: 5,
        rate: Rate::Off,
        companies,
        ..EmulatorOptions::default()
    })
    .await;
    let sandbox = Endpoints {
        api_url: Some(format!("{}/sandbox", world.emulator.url())),
        ..endpoints(&world.emulator)
    };
    let access = world.access("acme").await;
    let realm = world.company("acme").realm;
    let failure = connector(&sandbox)
        .identify(&target(&realm, &access))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NeedsReauthorisation);
    assert_eq!(failure.upstream_code.as_deref(), Some("3100"));
    assert_eq!(failure.request.as_deref(), Some("GET companyinfo"));
}

#[tokio::test]
async fn a_realm_can_not_lead_to_another_address() {
    let world = World::start().await;
    let access = world.access(COMPANY).await;
    let realm = world.company(COMPANY).realm;
    for evil in [
        format!("x/../{realm}"),
        format!("../company/{realm}"),
        format!("{realm}?a=b#"),
        "..".to_owned(),
    ] {
        let failure = world.failure(&evil, &access).await;
        assert!(failure.status != Some(200), "{evil}: {failure}");
    }
    assert_eq!(world.emulator.summary().requests, 0);
}

#[test]
fn only_connectors_of_the_registry_are_built() {
    let http = ledgerfleet_connectors::http::HttpClient::new(&ledgerfleet_model::Timings::default()).unwrap();
    let connectors = Connectors::build(&http, |_| Endpoints::default());
    assert!(connectors.get("quickbooks").is_some());
    assert!(connectors.get("QuickBooks").is_none());
}
