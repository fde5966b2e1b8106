//! Postgres: gone, slow, full, read-only, or in the way.

use std::time::Duration;

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
