//! Everything that can be asked for wrongly ends with its code, and says what to try.

use ledgerfleet_emulator::{Mutation, MutationKind};

use crate::world::{World, emulator};

const GOOD: &str = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-02";

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_before_anything_is_done() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    for (line, said) in [
        (GOOD.replace("demo-us", "demo-su"), "did you mean `demo-us`?"),
        (GOOD.replace("invoice", "invioce"), "--entity invoice"),
        (GOOD.replace("invoice", "zzz"), "some of: "),
        (
            GOOD.replace("2026-06-02", "2026-05-02"),
            "ends (2026-05-02) before it starts (2026-06-01)",
        ),
        (GOOD.replace("2026-06-01", "1066-10-14"), "earliest day"),
        (GOOD.replace("2026-06-02", "9999-12-31"), "latest day"),
        (
            GOOD.replace("2026-06-01", "2026-02-30"),
            "there is no day 2026-02-30",
        ),
        (
            GOOD.replace("2026-06-01", "2026-06-01T10:00:00Z"),
            "without a time",
        ),
        (GOOD.replace("2026-06-01", "01/06/2026"), "YYYY-MM-DD"),
        (format!("{GOOD} --page-size 1001"), "1 to 1000 rows"),
        (format!("{GOOD} --page-size 0"), "1 to 1000 rows"),
        (format!("{GOOD} --page-size -3"), "1 to 1000 rows"),
        (GOOD.replace("demo-us", "DEMO-US"), "did you mean `demo-us`?"),
        (GOOD.replace("demo-us", "demo-us,,acme"), "is empty"),
        ("run show 123".to_owned(), "scheduler run list"),
        ("dlq show 123".to_owned(), "scheduler dlq list"),
        (format!("{GOOD} --segment fortnight"), "possible values"),
        (GOOD.replace(" --to 2026-06-02", ""), "--to <DATE>"),
        (
            "records --connection demo-us --entity nothing".to_owned(),
            "no chosen connection has an entity",
        ),
        (
            "run show 0192f0c1-0000-7000-8000-000000000000".to_owned(),
            "scheduler run list",
        ),
        (
            "dlq show 0192f0c1-0000-7000-8000-000000000000".to_owned(),
            "scheduler dlq list",
        ),
        ("dlq replay".to_owned(), "--all"),
        (
            "connection show nobody".to_owned(),
            "there is no connection named `nobody`",
        ),
        ("connection remove demo-us".to_owned(), "--yes"),
    ] {
        world.run(&line).await.expect(2).says(said);
    }
    let runs = world.run("run list -o json").await.expect(0).json();
    assert_eq!(runs, serde_json::json!([]));
    assert_eq!(
        emulator
            .summary()
            .companies
            .iter()
            .map(|company| company.api.requests)
            .sum::<u64>(),
        0
    );
}

#[tokio::test]
async fn a_wrong_command_line_is_coloured_as_it_is_asked_for() {
    let world = World::new();
    for (line, coloured) in [
        ("run lst --color always", true),
        ("run lst --color=always", true),
        ("--color always backfill --from nonsense", true),
        ("run lst --color never", false),
        ("run lst", false),
    ] {
        let ended = world.run(line).await.expect(2);
        assert_eq!(ended.stderr.contains("\u{1b}["), coloured, "{line}: {ended:?}");
    }
}

#[tokio::test]
async fn a_company_is_asked_for_when_there_is_none() {
    let world = World::new();
    world.run("migrate").await.expect(0);
    world
        .run(&GOOD.replace("demo-us", "all"))
        .await
        .expect(2)
        .says("scheduler connection add quickbooks");
}

#[tokio::test]
async fn the_wrong_directory_is_told_and_left_as_it_is() {
    let world = World::new();
    for line in ["run list", GOOD, "coverage", "dlq list", "connection list"] {
        world.run(line).await.expect(2).says("there is no ledger at");
    }
    assert!(!world.path("ledgerfleet.db").exists() && !world.path("ledgerfleet.db.key").exists());
}

#[tokio::test]
async fn a_database_without_its_key_is_not_given_another() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    std::fs::remove_file(world.path("ledgerfleet.db.key")).unwrap();
    world.run(GOOD).await.expect(2).says("is missing");
    let other = world.with(
        "LEDGERFLEET_MASTER_KEY",
        "lfk1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    other.run(GOOD).await.expect(2).says("not the master key");
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_with_its_remedy() {
    let world = || World::new();
    let line = "run list";
    let unknown = world().with("LEDGERFLEET_PAGESIZE", "3");
    unknown
        .run(line)
        .await
        .expect(2)
        .says("did you mean `LEDGERFLEET_PAGE_SIZE`?");
    let twice = world()
        .with("LEDGERFLEET_MASTER_KEY", "x")
        .with("LEDGERFLEET_MASTER_KEY_FILE", "y");
    twice.run(line).await.expect(2).says("two sources for one secret");
    let half = world().with("LEDGERFLEET_REDIS_URL", "redis://localhost");
    half.run(line).await.expect(2).says("only one of the two URLs");
    let half = world().with("LEDGERFLEET_DATABASE_URL", "postgres://localhost/books");
    half.run(line).await.expect(2).says("only one of the two URLs");
    let no_key = world().with("LEDGERFLEET_MASTER_KEY", "shopping list");
    no_key
        .run("migrate")
        .await
        .expect(2)
        .says("scheduler key generate");
    let elsewhere = world().with("LEDGERFLEET_QUICKBOOKS_API_URL", "https://example.com");
    elsewhere
        .run(line)
        .await
        .expect(2)
        .says("LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS");
    let loud = world().with("RUST_LOG", "scheduler=loud");
    loud.run(line)
        .await
        .expect(2)
        .says("`log.level` (RUST_LOG in the environment)");
    let file = world();
    file.write("ledgerfleet.toml", "[worker]\nconcurency = 4\n");
    file.run(line)
        .await
        .expect(2)
        .says("did you mean `worker.concurrency`?");
    file.run("run list --config absent.toml")
        .await
        .expect(2)
        .says("absent.toml");
}

#[tokio::test]
async fn documents_of_mistyped_years_are_read_by_creation_and_the_refusal_of_their_days_says_how() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let days = [("5", "0206-06-03"), ("6", "2206-06-03"), ("7", "9999-12-31")];
    for (id, day) in days {
        emulator
            .mutate(Mutation {
                ids: vec![id.to_owned()],
                to: Some(day.parse().unwrap()),
                ..Mutation::new("demo-us", "invoice", MutationKind::Redate)
            })
            .unwrap();
        world
            .run(&format!(
                "backfill --connection demo-us --entity invoice --from {day} --to {day}"
            ))
            .await
            .expect(2)
            .says("backfill --by created");
    }
    let created = "--by created --segment month --from 2025-05-01 --to 2025-06-30";
    world
        .run(&format!(
            "backfill --connection demo-us --entity invoice {created}"
        ))
        .await
        .expect(0);
    for (id, day) in days {
        let stored = world
            .run(&format!(
                "records --connection demo-us --entity invoice --id {id} -o json"
            ))
            .await
            .expect(0)
            .json();
        assert_eq!(stored[0]["document_date"], day, "{stored}");
    }
}
