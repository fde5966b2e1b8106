//! Postgres: gone, slow, full, read-only, or in the way.

use std::time::Duration;

use ledgerfleet_emulator::{Mutation, MutationKind};
use ledgerfleet_testkit::{Cut, Direction, LineFaults};
use tokio::time::sleep;

use crate::oracle::retries;
use crate::wait::{PATIENCE, until};
use crate::{Ending, Expect, Ground, Hire, Stage, Wish, World};

/// F19: the server is killed with transactions open, and comes back.
pub(super) async fn killed(mut stage: Stage) -> Ending {
    let ground = Ground {
        durable: true,
        ..Ground::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world.submit().await;
    let times = 2;
    for _ in 0..times {
        let done = world.report(run).await.map_or(0, |report| report.done);
        world.until_done(run, done + stage.draw(5, 25)).await;
        world.postgres.kill();
        world.postgres.start_again();
    }
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!("killed {times} times"));
    Ok(facts)
}

/// F20: COMMIT arrives, its answer is lost. What took effect is neither done again nor called a failure.
pub(super) async fn answer_lost(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let line = world.postgres_proxy().await;
    let behind = Hire::default().postgres_through(&line);
    world.fleet.hire(&behind);
    world.fleet.hire(&behind);
    let run = world.submit().await;
    world.until_done(run, stage.draw(3, 20)).await;
    let upon = Cut::Upon {
        bytes: b"COMMIT".to_vec(),
        grace: Duration::from_millis(100),
    };
    line.set(Direction::ToServer, LineFaults::cut(upon));
    let wanted = stage.draw(3, 8);
    until("answers are lost", PATIENCE, async || line.seen().cut >= wanted).await;
    line.heal();
    let mut facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "a lost answer is no failure of the segment");
    facts.push(format!("{} answers lost", line.seen().cut));
    Ok(facts)
}

/// F21: the server can only be read. Nothing is fetched that could not be stored, and nothing fails.
pub(super) async fn read_only(mut stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.fleet.start(2);
    let run = world.submit().await;
    world.until_done(run, stage.draw(5, 25)).await;
    world.sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()");
    // What is in flight comes to its end.
    sleep(Duration::from_secs(3)).await;
    let before = world.emulator.summary().requests;
    sleep(Duration::from_secs(4)).await;
    let asked = world.emulator.summary().requests - before;
    world.sql(
        "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only;
         SELECT pg_reload_conf()",
    );
    assert_eq!(asked, 0, "requests whose answers could not be stored");
    let facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "a read-only ledger is nobody's failure");
    Ok(facts)
}

/// F23: transactions are undone because others were in the way, one in eight.
pub(super) async fn in_the_way(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.sql(
        "CREATE FUNCTION chaos.be_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF random() < 0.06 THEN RAISE EXCEPTION 'deadlock on purpose' USING ERRCODE = '40P01'; END IF;
             IF random() < 0.06 THEN RAISE EXCEPTION 'conflict on purpose' USING ERRCODE = '40001'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER be_in_the_way BEFORE UPDATE ON fleet.segments
             FOR EACH ROW EXECUTE FUNCTION chaos.be_in_the_way()",
    );
    world.fleet.start(2);
    world.submit().await;
    world.until_over(PATIENCE).await;
    world.sql("DROP TRIGGER be_in_the_way ON fleet.segments");
    let facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "a conflict is nobody's failure");
    Ok(facts)
}

/// F24, the worker's half: the fewest connections to the database, and transactions that take their time.
pub(super) async fn one_connection(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let narrow = Hire::failing("before_commit:delay=100").with("LEDGERFLEET_DATABASE_CONNECTIONS", "2");
    world.fleet.hire(&narrow);
    world.ask(&Wish::days(&["invoice", "journal_entry"], 10)).await;
    let facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "waiting for a connection is nobody's failure");
    Ok(facts)
}

/// F70: every table is published, as those do who copy a whole database elsewhere, and a slot keeps what changes. A table
/// without an identity could not be written to.
pub(super) async fn published(stage: Stage) -> Ending {
    let ground = Ground {
        postgres: vec![("wal_level".to_owned(), "logical".to_owned())],
        ..Ground::default()
    };
    let mut world = World::new(&stage, ground).await;
    world.sql("CREATE PUBLICATION everything FOR ALL TABLES");
    world.sql("SELECT pg_create_logical_replication_slot('reader', 'pgoutput')");
    world.fleet.start(2);
    let run = world.submit().await;
    // What is read again updates what is there.
    world.until_done(run, 40).await;
    let touch = Mutation {
        count: 20,
        ..Mutation::new("north", "customer", MutationKind::Update)
    };
    world.emulator.mutate(touch).unwrap();
    world.ask(&Wish::days(&["customer"], 20).in_one_page()).await;
    let expect = Expect {
        changing: true,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    let told = world.count(
        "SELECT count(*) FROM pg_logical_slot_peek_binary_changes('reader', NULL, NULL, 'proto_version', '1',
         'publication_names', 'everything')",
    );
    assert!(told > 0, "nothing was published");
    facts.push(format!("{told} changes were published"));
    Ok(facts)
}

/// Refuses what would be stored of an entity, with that SQLSTATE.
fn refuse(world: &World, table: &str, code: &str) {
    world.sql(&format!(
        "CREATE OR REPLACE FUNCTION chaos.refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused on purpose' USING ERRCODE = '{code}'; END $$;
         CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON raw.{table}
             FOR EACH ROW EXECUTE FUNCTION chaos.refuse()"
    ));
}

/// How often the upstream was asked for an entity.
fn asked_for(world: &World, entity: &str) -> usize {
    let requests = world.requests();
    let of_it = |line: &&serde_json::Value| {
        let query = line["query"].as_str().unwrap_or_default();
        query.to_ascii_lowercase().contains(entity)
    };
    requests.iter().filter(of_it).count()
}

/// F68: statements fail every time. Pages that cannot be stored are hardly bought, other entities go on, and nothing is
/// called a failure of a segment.
pub(super) async fn failing_statements(stage: Stage) -> Ending {
    const MOST: f64 = 4.0;
    let mut world = World::new(&stage, Ground::default()).await;
    refuse(&world, "qbo_customer", "53400");
    world.fleet.start(1);
    let run = world
        .ask(&Wish::days(&["invoice", "customer"], 10).in_one_page())
        .await;
    let minute = world.ground.scaled(Duration::from_mins(1));
    let began = tokio::time::Instant::now();
    world.until_done(run, 20).await;
    until("two minutes have passed", PATIENCE, async || {
        began.elapsed() >= minute * 2
    })
    .await;
    let bought = asked_for(&world, "customer");
    let minutes = began.elapsed().as_secs_f64() / minute.as_secs_f64();
    let per_minute = f64::from(u32::try_from(bought).unwrap()) / 2.0 / minutes;
    assert!(
        per_minute <= MOST,
        "{bought} lists were bought in {minutes:.1} minutes"
    );
    world.sql("DROP TRIGGER refuse ON raw.qbo_customer");
    let mut facts = world.judge(Expect::default()).await;
    assert_eq!(
        retries(&world),
        0,
        "what the database refuses is no failure of a segment"
    );
    facts.push(format!(
        "{bought} lists bought in {minutes:.1} minutes of the product's time"
    ));
    Ok(facts)
}

/// F69: the rights on the records are taken away and given back. No attempt is burnt, and every process says why it
/// stands.
pub(super) async fn without_rights(mut stage: Stage) -> Ending {
    const RIGHTS: &str = "INSERT, UPDATE ON ALL TABLES IN SCHEMA raw";
    let mut world = World::new(&stage, Ground::default()).await;
    world.sql(
        "CREATE ROLE clerk LOGIN;
         GRANT USAGE ON SCHEMA fleet, raw, chaos TO clerk;
         GRANT ALL ON ALL TABLES IN SCHEMA fleet, raw, chaos TO clerk;
         GRANT ALL ON ALL SEQUENCES IN SCHEMA fleet, raw, chaos TO clerk",
    );
    let clerk = format!("postgres://clerk@127.0.0.1:{}/postgres", world.postgres.port());
    let hire = Hire::default().with("LEDGERFLEET_DATABASE_URL", clerk);
    world.fleet.hire(&hire);
    let run = world.submit().await;
    world.until_done(run, stage.draw(3, 15)).await;
    world.sql(&format!("REVOKE {RIGHTS} FROM clerk"));
    let said = |world: &World| world.fleet.workers[0].ready();
    until("the worker is not ready", PATIENCE, async || {
        said(&world).contains(" 503 ")
    })
    .await;
    let why = said(&world);
    assert!(why.contains("permission denied"), "it says why: {why}");
    let minute = world.ground.scaled(Duration::from_mins(1));
    sleep(minute * 2 / 3).await;
    let before = world.emulator.summary().requests;
    sleep(minute).await;
    let asked = world.emulator.summary().requests - before;
    assert!(asked <= 12, "{asked} requests whose answers could not be stored");
    world.sql(&format!("GRANT {RIGHTS} TO clerk"));
    let mut facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "missing rights are no failure of a segment");
    facts.push(format!("{asked} requests in a minute without rights"));
    Ok(facts)
}

/// F79: every commit of one day is lost with its session, so that nobody can finish it and nobody is to blame. It is dead
/// in the end, and its calls are bounded.
pub(super) async fn lost_for_ever(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    world.sql(
        "CREATE FUNCTION chaos.lose() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON raw.qbo_customer DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION chaos.lose()",
    );
    world.fleet.start(1);
    let wish = Wish::days(&["customer"], 1).of("north").in_one_page();
    world.ask(&wish).await;
    world.until_over(PATIENCE).await;
    let dead = world.sql("SELECT reason FROM fleet.segments WHERE state = 'dead'");
    assert_eq!(dead, "no_progress", "dead of {dead:?}");
    let calls = asked_for(&world, "customer");
    assert!(calls <= 60, "{calls} calls were made for it");
    world.sql("DROP TRIGGER lose ON raw.qbo_customer");
    world.replay_all().await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "dead as no_progress after {calls} calls, then sent again"
    ));
    Ok(facts)
}
