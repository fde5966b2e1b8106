//! The tables in which people read the records: there as soon as a company is, in line with it, and explained.

use ledgerfleet_emulator::RunningEmulator;
use sqlx::{Connection, SqliteConnection};

use crate::world::{World, emulator};

/// A world with the first company of an emulator.
async fn with_company() -> (RunningEmulator, World) {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    (emulator, world)
}

async fn ask(world: &World, statement: &'static str) -> Vec<String> {
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(statement).fetch_all(&mut file).await.unwrap()
}

#[tokio::test]
async fn a_company_has_its_tables_as_soon_as_it_is_added_and_they_hold_what_is_copied() {
    let (_emulator, world) = with_company().await;
    let models = world.run("model refresh -o json").await.expect(0).json();
    assert_eq!(models[0]["state"], "current");
    assert_eq!(models[0]["tables"], "quickbooks_");
    world
        .run("backfill --connection demo-us --entity invoice,customer --from 2026-06-28 --to 2026-06-30")
        .await
        .expect(0);
    let months =
        "SELECT connection || ' ' || month || ' ' || (documents > 0) FROM quickbooks_revenue_by_month";
    assert_eq!(ask(&world, months).await, ["demo-us 2026-06-01 1"]);
    let answer = world.run("model refresh --typed -o json").await.expect(0).json();
    assert_eq!(answer[0]["typed"]["copied"], "all");
    assert!(answer[0]["typed"]["records"].as_u64() > Some(0), "{answer}");
    let copies =
        "SELECT connection || ' ' || month || ' ' || (documents > 0) FROM quickbooks_typed_revenue_by_month";
    assert_eq!(ask(&world, copies).await, ["demo-us 2026-06-01 1"]);
    world.run("connection set demo-us --name north").await.expect(0);
    assert_eq!(ask(&world, months).await, ["north 2026-06-01 1"]);
    world
        .run("model notes --exit-code")
        .await
        .expect(0)
        .says("every value is of its column's type");
    world.run("connection remove north --yes").await.expect(0);
    assert_eq!(ask(&world, months).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_value_that_is_not_of_its_type_is_listed() {
    let (_emulator, world) = with_company().await;
    world
        .run("backfill --connection demo-us --entity term --from 2026-06-30 --to 2026-06-30")
        .await
        .expect(0);
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("UPDATE raw_records SET payload = json_set(payload, '$.DueDays', 'soon') WHERE id = '1'")
        .execute(&mut file)
        .await
        .unwrap();
    file.close().await.unwrap();
    let notes = world
        .run("model notes --exit-code -o json")
        .await
        .expect(1)
        .json();
    assert_eq!(notes.as_array().unwrap().len(), 1, "{notes}");
    assert_eq!(notes[0]["table"], "term");
    assert_eq!(notes[0]["column"], "due_days");
    assert_eq!(notes[0]["text"], "soon");
    assert_eq!(
        ask(
            &world,
            "SELECT id FROM quickbooks_term WHERE due_days IS NULL AND id = '1'"
        )
        .await,
        ["1"]
    );
}

#[tokio::test]
async fn tables_of_another_version_are_told_by_doctor_and_made_anew_by_refresh() {
    let (_emulator, world) = with_company().await;
    let tables = async |world: &World| {
        let checks = world.run("doctor -o json").await.json();
        let check = checks
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["check"] == "tables")
            .cloned()
            .unwrap();
        (
            check["result"].as_str().unwrap().to_owned(),
            check["next"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(tables(&world).await.0, "ok");
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("UPDATE fleet_models SET fingerprint = 'older'")
        .execute(&mut file)
        .await
        .unwrap();
    file.close().await.unwrap();
    assert_eq!(
        tables(&world).await,
        ("warning".to_owned(), "scheduler model refresh".to_owned())
    );
    world.run("model refresh").await.expect(0);
    assert_eq!(tables(&world).await.0, "ok");
}

#[tokio::test]
async fn the_dictionary_is_a_page_for_people_and_a_list_for_programs() {
    let world = World::new();
    let page = world.run("model dictionary").await.expect(0).stdout;
    assert!(
        page.starts_with("# The tables of quickbooks\n") && page.contains("### revenue_by_month\n"),
        "{page}"
    );
    let columns = world.run("model dictionary -o json").await.expect(0).json();
    let total = columns
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["column"] == "total_amount")
        .unwrap();
    assert_eq!(
        (total["type"].as_str(), total["path"].as_str()),
        (Some("numeric"), Some("TotalAmt"))
    );
    world
        .run("model dictionary --connector none")
        .await
        .expect(2)
        .says("--connector quickbooks");
    assert!(!world.path("ledgerfleet.db").exists(), "it needs no database");
}

#[tokio::test]
async fn a_file_has_no_roles_to_grant_anything_to() {
    let (_emulator, world) = with_company().await;
    world
        .run("model grant reader")
        .await
        .expect(2)
        .says("a file has no roles");
}
