//! Sessions that live and are of no use: after each kind, a ledger works again that was not connected anew by its caller.

use std::net::SocketAddr;
use std::time::Duration;

use ledgerfleet_ledger::conformance::scene::{credential, new_connection};
use ledgerfleet_ledger::{Connections, Dispatching, LedgerError, PostgresLedger, PostgresOptions};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{FaultProxy, PrivatePostgres};
use sqlx::{Executor, PgPool};
use tokio::time::timeout;

use super::world::migrate;

/// How sessions become useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They stay on the former primary, which was fenced: it can only be read.
    Fenced,
    /// They were made while the name led to the standby, and it leads to the primary by now.
    Standby,
    /// Nothing comes back, and nobody is told.
    Silent,
    /// The same while all of them are in use, by callers who wait for a while.
    SilentInUse,
    /// By callers who wait for longer than anybody here.
    SilentForEver,
    /// They were reset.
    Cut,
}

/// A primary, a standby, and a name that leads to one of them.
struct Pair {
    primary: PrivatePostgres,
    standby: PrivatePostgres,
    name: FaultProxy,
}

fn address(postgres: &PrivatePostgres) -> SocketAddr {
    ([127, 0, 0, 1], postgres.port()).into()
}

impl Pair {
    async fn start() -> Self {
        let (primary, standby) = PrivatePostgres::start_pair();
        let name = FaultProxy::start(address(&primary)).await;
        let pair = Self {
            primary,
            standby,
            name,
        };
        migrate(pair.url()).await;
        pair
    }

    fn url(&self) -> String {
        format!(
            "postgres://postgres@{}/postgres?sslmode=disable",
            self.name.address()
        )
    }

    /// A ledger whose sessions, two at most, are all made.
    async fn ledger(&self) -> PostgresLedger {
        let options = PostgresOptions {
            connections: 2,
            ..PostgresOptions::default()
        };
        let ledger = PostgresLedger::connect(&self.url(), &options).await.unwrap();
        let (one, other) = tokio::join!(ledger.connections(), ledger.connections());
        one.and(other).unwrap();
        ledger
    }

    /// The standby is the primary from now on, new sessions lead there, and the old primary can only be read.
    fn fail_over(&self) {
        self.standby.command("SELECT pg_promote()");
        self.name.turn_to(address(&self.standby));
        self.primary
            .command("ALTER SYSTEM SET default_transaction_read_only = on");
        self.primary.command("SELECT pg_reload_conf()");
    }

    /// Swallows all sessions while each of them waits for an answer, for which its caller waits this long.
    async fn swallow_while_used(&self, ledger: &PostgresLedger, patience: Duration) {
        const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let sql = PgPool::connect(&self.primary.url("postgres")).await.unwrap();
        let mut lock = sql.begin().await.unwrap();
        lock.execute("LOCK TABLE fleet.connections").await.unwrap();
        for _ in 0..2 {
            let ledger = ledger.clone();
            tokio::spawn(async move { timeout(patience, ledger.connections()).await });
        }
        until("both wait", PATIENCE, async || {
            self.primary.command(WAITING) == "2"
        })
        .await;
        self.name.swallow_all();
        lock.rollback().await.unwrap();
    }

    /// The standby holds what the primary does.
    async fn caught_up(&self) {
        let position = self.primary.command("SELECT pg_current_wal_insert_lsn()");
        let replayed = format!("SELECT coalesce(pg_last_wal_replay_lsn() >= '{position}', true)");
        until("the standby has caught up", PATIENCE, async || {
            self.standby.command(&replayed) == "t"
        })
        .await;
    }
}

/// Fails as a caller does who waits no longer than a duty.
async fn within<T>(call: impl Future<Output = Result<T, LedgerError>>) -> Option<T> {
    timeout(Duration::from_secs(5), call).await.ok()?.ok()
}

async fn recovers_from(kind: Kind) {
    let pair = Pair::start().await;
    if kind == Kind::Standby {
        pair.caught_up().await;
        pair.name.turn_to(address(&pair.standby));
    }
    let ledger = pair.ledger().await;
    pair.caught_up().await;
    match kind {
        Kind::Fenced => pair.fail_over(),
        Kind::Standby => pair.name.turn_to(address(&pair.primary)),
        Kind::Silent => pair.name.swallow_all(),
        Kind::SilentInUse => pair.swallow_while_used(&ledger, Duration::from_secs(1)).await,
        Kind::SilentForEver => pair.swallow_while_used(&ledger, 2 * PATIENCE).await,
        Kind::Cut => pair.name.cut_all(),
    }
    // Another process writes where the name leads now.
    let other = pair.ledger().await;
    other
        .add_connection(&new_connection("Alder"), &credential(1))
        .await
        .unwrap();
    until(
        &format!("{kind:?}: it reads what is true and can write"),
        PATIENCE,
        async || {
            let (one, other) = tokio::join!(within(ledger.connections()), within(ledger.connections()));
            let read = [one, other].map(|read| read.map_or(0, |read| read.len()));
            read == [1, 1] && within(ledger.check_writable()).await.is_some()
        },
    )
    .await;
}

macro_rules! recoveries {
    ($($name:ident: $kind:expr;)+) => {
        $(#[tokio::test]
        async fn $name() {
            recovers_from($kind).await;
        })+
    };
}

recoveries! {
    sessions_on_a_former_primary_that_was_fenced_are_given_up: Kind::Fenced;
    sessions_on_a_standby_are_given_up: Kind::Standby;
    silent_sessions_are_given_up: Kind::Silent;
    sessions_that_became_silent_in_use_are_given_up: Kind::SilentInUse;
    sessions_whose_users_wait_for_ever_keep_nobody_else_waiting: Kind::SilentForEver;
    sessions_that_were_reset_are_made_again: Kind::Cut;
}
