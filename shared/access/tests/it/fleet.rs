//! Several processes of a fleet, each with its own connections to one Postgres.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ledgerfleet_emulator::{DropMoment, FaultKind};
use ledgerfleet_ledger::{Ledger, PostgresLedger, PostgresOptions, RefreshIntent, RefreshOutcome};
use ledgerfleet_model::{ConnectionState, FailureKind, Timings, WorkerName};
use ledgerfleet_testkit::{Database, PrivatePostgres, Settings};

use crate::world::{World, text};

async fn migrate(url: String) {
    PostgresLedger::migrate(&url, &PostgresOptions::default())
        .await
        .unwrap();
}

async fn database() -> Database<'static> {
    PrivatePostgres::shared().database(migrate).await
}

async fn ledger(url: &str) -> Arc<dyn Ledger> {
    let options = PostgresOptions::default();
    Arc::new(PostgresLedger::connect(url, &options).await.unwrap())
}

/// A lease of five seconds, and everything else in proportion.
fn hasty() -> Timings {
    Timings::default().scaled(0.05)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_in_ten_processes_cause_one_refresh() {
    let database = database().await;
    let world = World::on(ledger(&database.url()).await).await;
    world.rotate_at_every_refresh();
    let first = world.process().token(&world.connection).await.unwrap();
    world.pass(Duration::from_hours(1));
    // All of them ask while the first is being answered.
    world.token_fault(FaultKind::Delay { millis: 300 }, None);
    let mut processes = Vec::new();
    for _ in 0..10 {
        processes.push(world.process_over(ledger(&database.url()).await, &Timings::default()));
    }
    let callers = (0..50).map(|number| {
        let (access, connection) = (processes[number % 10].clone(), world.connection.clone());
        tokio::spawn(async move { access.token(&connection).await.unwrap() })
    });
    let tokens: Vec<_> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
    assert_ne!(text(&tokens[0]), text(&first));
    assert!(tokens.iter().all(|token| text(token) == text(&tokens[0])));
    assert!(world.works(&tokens[0]).await);
    let traffic = world.traffic();
    assert_eq!(
        (traffic.refreshes, traffic.superseded_uses, traffic.refused),
        (2, 0, 0)
    );
    assert_eq!(world.story().await, [RefreshOutcome::Rotated; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_between_the_answer_and_the_commit_loses_no_token() {
    // The commit waits for a lock that the test holds.
    const WAIT: &str = "
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
        CREATE TRIGGER wait BEFORE UPDATE OF version ON fleet.credentials FOR EACH ROW EXECUTE FUNCTION wait()";
    const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    let mut postgres = PrivatePostgres::start_with(&Settings {
        durable: true,
        ..Settings::default()
    });
    let url = postgres.url("postgres");
    migrate(url.clone()).await;
    let world = World::on(ledger(&url).await).await;
    world.rotate_at_every_refresh();
    postgres.command(WAIT);
    let holder = sqlx::PgPool::connect(&url).await.unwrap();
    let mut held = holder.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(1)")
        .execute(&mut *held)
        .await
        .unwrap();
    let access = world.process();
    let (caller, connection) = (access.clone(), world.connection.clone());
    let call = tokio::spawn(async move { caller.token(&connection).await });
    while postgres.command(WAITING) == "0" {
        tokio::task::yield_now().await;
    }
    postgres.kill();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), FailureKind::LedgerUnavailable, "{error}");
    drop(access);
    assert_eq!(world.spooled().len(), 1);

    postgres.start_again();
    postgres.command("DROP TRIGGER wait ON fleet.credentials");
    let next = world.process_over(ledger(&url).await, &Timings::default());
    next.recover().await;
    assert!(world.works(&next.token(&world.connection).await.unwrap()).await);
    assert_eq!(world.spooled().len(), 0);
    let traffic = world.traffic();
    assert_eq!((traffic.refreshes, traffic.superseded_uses), (1, 0));
    world.pass(Duration::from_hours(1));
    next.token(&world.connection).await.unwrap();
    assert_eq!(world.traffic().superseded_uses, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_dies_is_followed_when_its_lease_is_over() {
    let database = database().await;
    let world = World::on(ledger(&database.url()).await).await;
    let (dead, lease) = (WorkerName("dead".to_owned()), Duration::from_secs(1));
    let began = Instant::now();
    let intent = world
        .ledger
        .intend_refresh(world.connection.id, 1, &dead, lease, Duration::ZERO)
        .await;
    assert_eq!(intent.unwrap(), Some(RefreshIntent::Taken));
    let processes = [world.process(), world.process(), world.process()];
    let calls = processes.iter().map(|access| access.token(&world.connection));
    for token in join_all(calls).await {
        assert!(world.works(&token.unwrap()).await);
    }
    assert!(began.elapsed() >= lease);
    assert_eq!(world.traffic().refreshes, 1);
    assert_eq!(
        world.story().await,
        [RefreshOutcome::Granted, RefreshOutcome::Abandoned]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_answer_is_uncertain_nobody_else_sends_the_value() {
    let database = database().await;
    let world = World::on(ledger(&database.url()).await).await;
    world.rotate_at_every_refresh();
    world.token_fault(
        FaultKind::Drop {
            moment: DropMoment::After,
        },
        Some(2),
    );
    let one = world.process_over(ledger(&database.url()).await, &hasty());
    let other = world.process_over(ledger(&database.url()).await, &hasty());
    let began = Instant::now();
    let error = world.refusal(&one).await;
    assert_eq!(error.kind(), FailureKind::Network, "{error}");
    let error = world.refusal(&other).await;
    assert!(began.elapsed() >= hasty().refresh_intent());
    assert!(error.to_string().contains("uncertain"), "{error}");
    assert_eq!(
        world.story().await,
        [RefreshOutcome::Refused, RefreshOutcome::Lost]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_waits_keeps_no_connection_to_the_ledger() {
    let database = database().await;
    let world = World::on(ledger(&database.url()).await).await;
    let held = WorkerName("held".to_owned());
    world
        .ledger
        .intend_refresh(
            world.connection.id,
            1,
            &held,
            Duration::from_secs(2),
            Duration::ZERO,
        )
        .await
        .unwrap();
    let small = PostgresOptions {
        connections: 1,
        ..PostgresOptions::default()
    };
    let own: Arc<dyn Ledger> = Arc::new(PostgresLedger::connect(&database.url(), &small).await.unwrap());
    let access = world.process_over(own.clone(), &Timings::default());
    let (waits, connection) = (access.clone(), world.connection.clone());
    let waiting = tokio::spawn(async move { waits.token(&connection).await });
    // The only connection of its pool serves others all the while.
    let mut served = 0;
    while !waiting.is_finished() {
        let state = own.connection(world.connection.id).await.unwrap().unwrap().state;
        assert_eq!(state, ConnectionState::Active);
        served += 1;
    }
    assert!(served > 10, "{served}");
    waiting.await.unwrap().unwrap();
}
