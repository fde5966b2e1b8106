//! Companies: added without a call, tested with one, replaced, and what they need a person for.

use crate::world::{World, emulator};

#[tokio::test]
async fn a_company_is_added_without_a_network_call_and_tested_with_one() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let company = &emulator.info().companies[0];
    world.connect(company).await;
    assert_eq!(
        emulator
            .summary()
            .companies
            .iter()
            .map(|company| company.api.requests)
            .sum::<u64>(),
        0
    );
    world
        .run("connection test demo-us")
        .await
        .expect(0)
        .says("it is demo-us");
    let shown = world
        .run("connection show demo-us -o json")
        .await
        .expect(0)
        .json();
    assert_eq!(shown["account"], company.realm.as_str());
    assert_eq!(shown["state"], "active");
    assert_eq!(shown["refreshes"][0]["outcome"], "granted");
    let told = world.run("connection show demo-us").await.expect(0);
    assert!(told.stdout.contains("granted"), "{}", told.stdout);
}

#[tokio::test]
async fn adding_again_replaces_the_credential_and_another_company_does_not_take_the_name() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    let token = world.write("token", &us.refresh_token);
    world
        .connect_with("acme", &us.realm, &token)
        .await
        .expect(0)
        .says("added");
    world
        .connect_with("acme", &us.realm, &token)
        .await
        .expect(2)
        .says("the same command with --yes");
    world
        .reconnect_with("acme", &us.realm, &token)
        .await
        .expect(0)
        .says("updated");
    world
        .connect_with("acme", &ca.realm, &token)
        .await
        .expect(2)
        .says("for another company");
    world
        .connect_with("twin", &us.realm, &token)
        .await
        .expect(2)
        .says("connected already, as `acme`");
    world
        .connect_with("all", &ca.realm, &token)
        .await
        .expect(2)
        .says("cannot name a connection");
    world
        .connect_with("beta", "12ab", &token)
        .await
        .expect(2)
        .says("realm id");
    world
        .connect_with("beta", &ca.realm, &world.path("absent"))
        .await
        .expect(2)
        .says("no refresh token");
    let empty = world.write("empty", "\n");
    world
        .connect_with("beta", &ca.realm, &empty)
        .await
        .expect(2)
        .says("the file is empty");
}

#[tokio::test]
async fn wrong_keys_realm_or_token_need_a_person() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    let token = world.write("token", &us.refresh_token);
    world
        .connect_with("wrong-realm", &ca.realm, &token)
        .await
        .expect(0);
    world
        .run("connection test wrong-realm")
        .await
        .expect(4)
        .says("realm");
    let stale = world.write("stale", "AB11-no-token-of-this-emulator");
    world.connect_with("stale", &us.realm, &stale).await.expect(0);
    world
        .run("connection test stale")
        .await
        .expect(4)
        .says("connection add");
    let world = world.with("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", "wrong");
    world
        .run("connection test stale")
        .await
        .expect(4)
        .says("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET");
}

#[tokio::test]
async fn a_backfill_ends_when_only_a_person_can_help_and_goes_on_with_a_new_token() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    let stale = world.write("stale", "AB11-no-token-of-this-emulator");
    world.connect_with("demo-us", &us.realm, &stale).await.expect(0);
    world.connect(ca).await;
    let line = "backfill --connection all --entity invoice --from 2026-06-01 --to 2026-06-05 -o json";
    let first = world
        .run(line)
        .await
        .expect(4)
        .says("demo-us needs authorisation again")
        .json();
    assert_eq!((&first["done"], &first["blocked"]), (&5.into(), &5.into()));
    world.run("doctor").await.expect(4);

    world.connect(us).await;
    let second = world.run(line).await.expect(0).says("joined it").json();
    assert_eq!(second["run_id"], first["run_id"]);
    assert_eq!(second["done"], 10);
}

#[tokio::test]
async fn a_removed_company_leaves_its_name_and_takes_its_records_if_wanted() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let us = &emulator.info().companies[0];
    world.connect(us).await;
    world
        .run("backfill --connection demo-us --entity item --from 2026-06-01 --to 2026-06-01")
        .await
        .expect(0);
    world
        .run("connection remove demo-us --purge-data --yes")
        .await
        .expect(0)
        .says("60 records deleted");
    assert_eq!(
        world.run("connection list -o json").await.expect(0).json(),
        serde_json::json!([])
    );
    world.connect(us).await;
}

/// Live invoices by company, as people ask for them.
async fn invoices(world: &World) -> Vec<(String, i64)> {
    use sqlx::{Connection, SqliteConnection};
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let count = "SELECT connection, count(*) FROM qbo_invoice GROUP BY 1 ORDER BY 1";
    let rows = sqlx::query_as(count).fetch_all(&mut database).await.unwrap();
    database.close().await.unwrap();
    rows
}

#[tokio::test]
async fn a_company_that_is_removed_and_added_again_has_its_books_once() {
    const DAYS: &str = "--entity invoice --from 2026-06-01 --to 2026-06-05";
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let us = &emulator.info().companies[0];
    world.connect(us).await;
    world
        .run(&format!("backfill --connection demo-us {DAYS}"))
        .await
        .expect(0);
    let [(name, count)] = &invoices(&world).await[..] else {
        panic!("one company")
    };
    assert_eq!(name, "demo-us");

    world
        .run("connection remove demo-us --yes")
        .await
        .expect(0)
        .says("kept");
    assert_eq!(invoices(&world).await, []);
    // The consent that the company was connected with ended when it was removed.
    let token = world.write("token", &emulator.consent(&us.name).unwrap());
    world
        .connect_with("acme", &us.realm, &token)
        .await
        .expect(0)
        .says("it was connected before, as demo-us");
    assert_eq!(invoices(&world).await, [("acme".to_owned(), *count)]);
    let gaps = world
        .run(&format!("coverage --connection acme {DAYS} --gaps -o json"))
        .await
        .expect(0);
    assert_eq!(
        gaps.json(),
        serde_json::json!([]),
        "its coverage is its own again"
    );
    world
        .run(&format!("backfill --connection acme {DAYS}"))
        .await
        .expect(0);
    world
        .run(&format!("verify --connection acme {DAYS}"))
        .await
        .expect(0);
    assert_eq!(invoices(&world).await, [("acme".to_owned(), *count)], "not twice");
}

#[tokio::test]
async fn a_company_is_renamed_and_moved_where_it_is_and_purged_after_its_removal() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    world.connect(us).await;
    world.connect(ca).await;
    world
        .run("backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-02")
        .await
        .expect(0);
    for (line, code, says) in [
        ("connection set demo-us", 2, "--name"),
        ("connection set nobody --name acme", 2, "no connection named"),
        ("connection set demo-us --name demo-ca", 2, "is the name of realm"),
        ("connection set demo-us --name a,b", 2, "cannot name a connection"),
        ("connection set demo-us --name acme", 0, "is called acme"),
        ("connection set acme --environment production", 2, "--purge-data"),
        (
            "connection set acme --environment production --yes",
            2,
            "is another one",
        ),
        (
            "connection set acme --environment sandbox",
            0,
            "like that already",
        ),
        (
            "connection set demo-ca --environment production",
            0,
            "production environment",
        ),
        ("connection test acme", 0, "it is demo-us"),
        ("connection purge --yes", 0, "no removed company has records"),
        ("connection remove acme --yes", 0, "records kept"),
        ("connection remove acme", 2, "no connection named"),
        ("connection purge", 2, "acme (realm"),
        ("connection remove acme --purge-data --yes", 0, "records deleted"),
        ("connection purge --yes", 0, "no removed company has records"),
    ] {
        let ended = world.run(line).await.expect(code);
        assert!(ended.stderr.contains(says), "{line}: no `{says}` in {ended:?}");
    }
}

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let info = emulator.info();
    world.connect(&info.companies[0]).await;
    for line in [
        "connection test demo-us -vv",
        "backfill --connection demo-us --entity item --from 2026-06-01 --to 2026-06-01 -vv",
        "config show --origin",
        "connection list -o json",
        "doctor -vv",
    ] {
        let ended = world.run(line).await.expect(0);
        for secret in [&info.client_secret, &info.companies[0].refresh_token] {
            assert!(!ended.stdout.contains(secret.as_str()), "{line}");
            assert!(!ended.stderr.contains(secret.as_str()), "{line}");
        }
    }
}

#[tokio::test]
async fn a_file_that_was_used_before_does_not_replace_a_token_that_has_rotated() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let us = &emulator.info().companies[0];
    let used = world.write("used", &us.refresh_token);
    world.connect_with("acme", &us.realm, &used).await.expect(0);
    world.run("connection test acme").await.expect(0);
    world
        .connect_with("acme", &us.realm, &used)
        .await
        .expect(2)
        .says("a file that was used before is stale");
    world.run("connection test acme").await.expect(0);
}

#[tokio::test]
async fn the_advice_fits_the_cause_and_a_test_revives_what_was_mended() {
    let emulator = emulator().await;
    // What waits for keys is tried once a minute.
    let world = World::beside(&emulator).with("LEDGERFLEET_TIME_SCALE", "0.05");
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    world.connect(us).await;
    let secret = &emulator.info().client_secret;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-02";
    let world = world.with("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", "wrong");
    world
        .run(line)
        .await
        .expect(4)
        .says("then: scheduler connection test demo-us");
    let checks = world.run("doctor -o json").await.expect(4).stdout;
    assert!(
        checks.contains("then: scheduler connection test demo-us"),
        "{checks}"
    );
    world.run("status").await.says("refuses the keys of this app");
    let listed = world.run("connection list").await.expect(0).stdout;
    assert!(listed.contains("active"), "{listed}");
    world
        .run("connection test demo-us")
        .await
        .expect(4)
        .says("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET");
    let world = world.with("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", secret);
    world
        .run("connection test demo-us")
        .await
        .expect(0)
        .says("the keys of the app are taken again")
        .says("scheduler serve, or the same backfill again");
    world.run("doctor").await.expect(0);
    world.run(line).await.expect(0).says("joined it");

    let misplaced = world.write("misplaced", &us.refresh_token);
    world
        .connect_with("elsewhere", &ca.realm, &misplaced)
        .await
        .expect(0);
    world
        .run("backfill --connection elsewhere --entity invoice --from 2026-06-01 --to 2026-06-02")
        .await
        .expect(4)
        .says("scheduler connection");
}

#[tokio::test]
async fn only_who_renews_access_tells_of_a_spool_that_cannot_be_used() {
    const WARNING: &str = "would be lost with this process";
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.write("no-folder", "");
    let world = world.with("LEDGERFLEET_SPOOL_DIR", "no-folder");
    world.connect(&emulator.info().companies[0]).await;
    for line in ["connection list", "run list", "dlq list", "coverage", "doctor"] {
        let ended = world.run(line).await;
        assert!(!ended.stderr.contains("spool"), "{line}: {ended:?}");
        assert!(!ended.stderr.contains(WARNING), "{line}: {ended:?}");
    }
    world.run("connection test demo-us").await.expect(0).says(WARNING);
}
