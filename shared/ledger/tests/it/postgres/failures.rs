//! What happens when the server cannot do what it is told.

use ledgerfleet_ledger::conformance::scene::{
    claim, claim_all, credential, daily, finish, held, new_connection, new_run, page, record, scene, store,
};
use ledgerfleet_ledger::{Claims, Connections, Dispatching, LedgerError, NextStep, Runs};
use ledgerfleet_model::Lane;
use ledgerfleet_testkit::{PrivatePostgres, Settings};

use super::world::{connect, migrate, waiting, world};

#[tokio::test]
async fn what_was_committed_survives_a_power_cut_and_the_ledger_connects_again_by_itself() {
    let mut postgres = PrivatePostgres::start_with(&Settings {
        durable: true,
        ..Settings::default()
    });
    let url = postgres.url("postgres");
    migrate(url.clone()).await;
    let ledger = connect(&url).await.unwrap();
    let connection = ledger
        .add_connection(&new_connection("Alder"), &credential(1))
        .await
        .unwrap();
    let run = new_run(Lane::Manual, "before the cut");
    ledger
        .submit(&run, &mut daily(connection.id, 3).into_iter())
        .await
        .unwrap();
    postgres.kill();
    let error = ledger.runs(9).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Unavailable(..)) && error.is_passing(),
        "{error:?}"
    );
    postgres.start_again();
    // A connection that was lost is noticed when it is used, the next one is new.
    let mut runs = ledger.runs(9).await;
    for _ in 0..5 {
        if runs.is_err() {
            runs = ledger.runs(9).await;
        }
    }
    assert_eq!(runs.unwrap()[0].segments, 3);
}

#[tokio::test]
async fn a_server_that_refuses_writes_is_read_only() {
    let world = world().await;
    let database = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$";
    world.database.command(database);
    let standby = world.again().await;
    let error = standby
        .add_connection(&new_connection("Alder"), &credential(1))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, LedgerError::ReadOnly(_)) && error.is_passing(),
        "{error:?}"
    );
    assert!(standby.connections().await.unwrap().is_empty());
    let checked = standby.check_writable().await;
    assert!(matches!(&checked, Err(LedgerError::ReadOnly(_))), "{checked:?}");
}

/// Lets every insert into a table fail as the server itself would.
fn refuse_inserts(world: &super::world::PostgresWorld, table: &str, code: &str) {
    world.database.command(&format!(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
         CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
    ));
}

#[tokio::test]
async fn what_the_server_says_is_sorted_by_what_a_caller_can_do() {
    type Check = fn(&LedgerError) -> bool;
    let unavailable: Check = |error| matches!(error, LedgerError::Unavailable(..)) && error.is_passing();
    let full: Check = |error| matches!(error, LedgerError::Full(_)) && error.is_passing();
    let statement: Check = |error| matches!(error, LedgerError::Statement { .. }) && !error.is_passing();
    let world = world().await;
    for (code, expected) in [
        ("53100", full),
        ("53200", unavailable),
        ("53300", unavailable),
        ("08006", unavailable),
        ("55P03", unavailable),
        ("57014", unavailable),
        ("57P03", unavailable),
        ("40001", unavailable),
        ("40P01", unavailable),
        ("22000", statement),
    ] {
        refuse_inserts(&world, "fleet.connections", code);
        let error = world
            .ledger
            .add_connection(&new_connection("Alder"), &credential(1))
            .await
            .unwrap_err();
        assert!(expected(&error), "{code}: {error:?}");
    }
}

/// Lets the commit of a page fail with `how`: at a statement, or only when COMMIT is told.
fn fail_pages(world: &super::world::PostgresWorld, at_commit: bool, how: &str) {
    let kind = if at_commit {
        "CONSTRAINT TRIGGER"
    } else {
        "TRIGGER"
    };
    let when = if at_commit {
        "DEFERRABLE INITIALLY DEFERRED"
    } else {
        ""
    };
    world.database.command(&format!(
        "DROP TRIGGER IF EXISTS fail ON fleet.api_calls;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN {how}; RETURN NULL; END $$;
         CREATE {kind} fail AFTER INSERT OR UPDATE ON fleet.api_calls {when} FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}

#[tokio::test]
async fn only_a_lost_answer_to_a_commit_is_of_unknown_outcome_and_what_is_the_databases_fault_is_told() {
    #[derive(Debug, PartialEq)]
    enum Blame {
        Unknown,
        Database,
        Page,
    }
    let raise = |code| format!("RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'");
    let end = || "PERFORM pg_terminate_backend(pg_backend_pid())".to_owned();
    let table = [
        (false, raise("53200"), Blame::Database),
        (false, raise("53400"), Blame::Database),
        (false, raise("53100"), Blame::Database),
        (false, raise("57014"), Blame::Database),
        (false, raise("55P03"), Blame::Database),
        (false, raise("42501"), Blame::Database),
        (false, raise("55000"), Blame::Database),
        (false, raise("XX001"), Blame::Database),
        (false, raise("58030"), Blame::Database),
        (false, end(), Blame::Database),
        (false, raise("22000"), Blame::Page),
        (false, raise("23514"), Blame::Page),
        (false, raise("54000"), Blame::Page),
        (true, raise("53100"), Blame::Database),
        (true, raise("40001"), Blame::Database),
        (true, raise("23514"), Blame::Page),
        (true, end(), Blame::Unknown),
    ];
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    for (at_commit, how, expected) in table {
        fail_pages(&world, at_commit, &how);
        let records = [record("1", 1)];
        let commit = page(&claim, 1, &records, NextStep::Page);
        let error = ledgerfleet_ledger::Pages::commit_page(&world.ledger, &commit)
            .await
            .unwrap_err();
        let blame = match &error {
            LedgerError::CommitUnknown(_) => Blame::Unknown,
            error if error.is_databases_fault() => Blame::Database,
            _ => Blame::Page,
        };
        assert_eq!(blame, expected, "at commit: {at_commit}, {how}: {error:?}");
    }
}

#[tokio::test]
async fn a_page_that_fails_at_its_last_statement_leaves_nothing() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    let claim = claim(&world, scene.segments[0]).await;
    refuse_inserts(&world, "fleet.api_calls", "53100");
    let records = [record("1", 1)];
    let commit = page(&claim, 1, &records, NextStep::Page);
    let error = ledgerfleet_ledger::Pages::commit_page(&world.ledger, &commit)
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::Full(_)), "{error:?}");
    assert_eq!(world.database.command("SELECT count(*) FROM raw.records"), "0");
    assert_eq!(world.database.command("SELECT count(*) FROM fleet.seen"), "0");

    world.database.command("DROP TRIGGER refuse ON fleet.api_calls");
    assert_eq!(store(&world, &commit).await.new, 1);
    assert_eq!(world.ledger.run(scene.run).await.unwrap().unwrap().pages, 1);
}

#[tokio::test]
async fn the_one_that_is_undone_in_a_deadlock_is_done_again() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    let claims = claim_all(&world, &scene.segments).await;
    let both = [held(&claims[0]), held(&claims[1])];
    let lock = "SELECT FROM fleet.segments WHERE id = $1 FOR UPDATE";
    let mut other = world.sql.begin().await.unwrap();
    // Long enough that the ledger is the one that notices.
    sqlx::query("SET LOCAL deadlock_timeout = '1min'")
        .execute(&mut *other)
        .await
        .unwrap();
    let second = sqlx::query(lock).bind(scene.segments[1].0);
    second.execute(&mut *other).await.unwrap();
    let ledger = world.again().await;
    let hand_back = tokio::spawn(async move { ledger.hand_back(&both).await });
    waiting(&world, 1).await;
    let first = sqlx::query(lock).bind(scene.segments[0].0);
    first.execute(&mut *other).await.unwrap();
    other.commit().await.unwrap();
    assert_eq!(hand_back.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_all_or_nothing_and_a_ledger_that_works() {
    let world = world().await;
    let scene = scene(&world, 0).await;
    for patience in 0..40 {
        let run = new_run(Lane::Manual, &format!("patience {patience}"));
        let mut segments = daily(scene.connection, 500).into_iter();
        tokio::select! {
            biased;
            () = yields(patience * 20) => {}
            submitted = world.ledger.submit(&run, &mut segments) => assert_eq!(submitted.unwrap().segments, 500),
        }
        let stored = world
            .ledger
            .run(run.id)
            .await
            .unwrap()
            .map_or(0, |report| report.pending);
        assert!(stored == 0 || stored == 500, "{stored}");
    }
    let claimed = scene.run;
    assert!(world.ledger.run(claimed).await.unwrap().is_some());
}

async fn yields(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn text_with_a_character_that_postgres_cannot_hold_is_told_without_it() {
    use ledgerfleet_ledger::{DeadLetters, Effort};
    use ledgerfleet_model::segment::Settlement;
    use ledgerfleet_model::{Failure, FailureKind, Outcome, Timings};
    let world = world().await;
    let scene = scene(&world, 2).await;
    let claimed = claim(&world, scene.segments[0]).await;
    let failure = Failure {
        upstream_code: Some("\0".to_owned()),
        request: Some("a\0b".to_owned()),
        ..Failure::new(FailureKind::BadRequest, "no\0thing")
    };
    let settlement = Settlement::of(
        claimed.segment,
        claimed.standing,
        &Outcome::Dead,
        failure,
        &Timings::default(),
    );
    world
        .ledger
        .settle(&settlement.unwrap(), &Effort::default())
        .await
        .unwrap();
    let attempts = world.ledger.attempts(claimed.segment).await.unwrap();
    assert_eq!(attempts[0].message, "no\u{fffd}thing");
    let odd = ledgerfleet_model::Record {
        id: "a\0b".to_owned(),
        payload: r#"{"Id":"a\u0000b"}"#.into(),
        ..record("1", 1)
    };
    finish(&world, scene.segments[1], &[odd]).await;
    assert_eq!(
        world.database.command("SELECT count(*) FROM raw.qbo_invoice"),
        "1"
    );
}
