//! Renewed: a pool of connections to the database, and another pool as soon as this one is known to be bad.
//!
//! After a failover sessions may live and be of no use: they lead to what can only be read now, and whoever only reads
//! would believe for ever what was true once; or to a machine that is gone without a word. So every few seconds one
//! session is asked before it is used. If it is bad, all of its pool are taken to be, because they were made at the same
//! time to the same server; the next call resolves the name and connects anew.
//!
//! The driver gives nobody its sockets, so they cannot be told to end by themselves (`TCP_USER_TIMEOUT`); that every wait
//! here has an end takes its place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor, Row};

use super::PostgresOptions;
use super::session;
use super::unanswered::given_up;

/// A session that has not been used for this long is asked before it is.
const FRESH: Duration = Duration::from_secs(5);

/// However much they are used, one session is asked this often.
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// Who does not answer the simplest question within this time is gone.
const ANSWERING: Duration = Duration::from_secs(3);

/// Where all sessions are out, and none was taken or has come back for this long, none will.
const STUCK: Duration = Duration::from_secs(15);

/// A pool that renews itself. Its clones share it.
#[derive(Debug, Clone)]
pub(super) struct Renewed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    target: PgConnectOptions,
    options: PostgresOptions,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    pool: PgPool,
    doubt: Arc<Doubt>,
}

/// What speaks against the sessions of one pool.
#[derive(Debug)]
struct Doubt(Mutex<Doubts>);

#[derive(Debug)]
struct Doubts {
    bad: bool,
    /// When a session was asked last.
    asked: Instant,
    /// When a session was taken or came back last.
    moved: Instant,
    /// Calls that were given up when a session came back last.
    given_up: u64,
}

impl Renewed {
    /// Prepares sessions; they are made when they are needed.
    pub(super) fn new(target: PgConnectOptions, options: PostgresOptions) -> Self {
        let current = Mutex::new(Current::new(&target, &options));
        Self(Arc::new(Shared {
            target,
            options,
            current,
        }))
    }

    /// The pool to use for the next call.
    pub(super) fn pool(&self) -> PgPool {
        let shared = &*self.0;
        let mut current = lock(&shared.current);
        let all_out = current.pool.size() >= shared.options.connections && current.pool.num_idle() == 0;
        if current.doubt.is_bad(all_out) {
            // Who still uses the old one finishes there, or does not.
            *current = Current::new(&shared.target, &shared.options);
        }
        current.pool.clone()
    }

    pub(super) async fn close(&self) {
        let pool = lock(&self.0.current).pool.clone();
        pool.close().await;
    }
}

impl Current {
    fn new(target: &PgConnectOptions, options: &PostgresOptions) -> Self {
        let doubt = Arc::new(Doubt::none());
        let pool = pool(options, &doubt).connect_lazy_with(target.clone());
        Self { pool, doubt }
    }
}

fn pool(options: &PostgresOptions, doubt: &Arc<Doubt>) -> PgPoolOptions {
    let (made, taken, back) = (doubt.clone(), doubt.clone(), doubt.clone());
    PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.patience)
        .test_before_acquire(false)
        .after_connect(move |session, _| {
            made.lock().moved = Instant::now();
            Box::pin(async move { session.execute(session::SESSION).await.map(drop) })
        })
        .before_acquire(move |session, meta| {
            let doubt = taken.clone();
            Box::pin(async move {
                if !doubt.asks(meta.idle_for) {
                    return Ok(true);
                }
                let good = can_write(session).await;
                if !matches!(good, Ok(true)) {
                    doubt.lock().bad = true;
                }
                good
            })
        })
        .after_release(move |session, _| {
            // A connection keeps a buffer as long as the longest statement it ever sent, and a page is megabytes.
            session.shrink_buffers();
            let given_up = back.has_come_back();
            Box::pin(async move {
                if given_up {
                    // The pool itself would wait without end, and nobody could have this place.
                    answered(session.ping()).await?;
                }
                Ok(true)
            })
        })
}

/// Whether a session is with a server that can be written: not with a standby, nor with a former primary that was fenced.
async fn can_write(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let told = answered(session.fetch_one("SHOW transaction_read_only")).await?;
    Ok(told.try_get::<String, _>(0)? == "off")
}

/// What is answered in time.
async fn answered<T>(question: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(ANSWERING, question)
        .await
        .unwrap_or_else(silent)
}

impl Doubt {
    fn none() -> Self {
        let now = Instant::now();
        Self(Mutex::new(Doubts {
            bad: false,
            asked: now,
            moved: now,
            given_up: given_up(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Doubts> {
        lock(&self.0)
    }

    fn is_bad(&self, all_out: bool) -> bool {
        let doubts = self.lock();
        doubts.bad || all_out && doubts.moved.elapsed() > STUCK
    }

    /// Whether a session that is about to be taken is to be asked.
    fn asks(&self, idle: Duration) -> bool {
        let mut doubts = self.lock();
        doubts.moved = Instant::now();
        let due = idle > FRESH || doubts.asked.elapsed() > ASKED_EVERY;
        if due {
            doubts.asked = Instant::now();
        }
        due
    }

    /// A session has come back. Answers whether a call was given up since the last one.
    fn has_come_back(&self) -> bool {
        let mut doubts = self.lock();
        doubts.moved = Instant::now();
        let given_up = given_up();
        std::mem::replace(&mut doubts.given_up, given_up) != given_up
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use ledgerfleet_testkit::PrivatePostgres;

    use super::*;

    #[tokio::test]
    async fn every_session_is_bounded_and_durable_whatever_the_server_says() {
        let database = PrivatePostgres::shared().empty_database();
        assert_eq!(database.command("SHOW synchronous_commit"), "off");
        let options = PostgresOptions::default();
        let target = session::target(&database.url(), &options).unwrap();
        let pool = Renewed::new(target, options).pool();
        for (name, expected) in [
            ("application_name", "ledgerfleet"),
            ("default_transaction_isolation", "read committed"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("lock_timeout", "5s"),
            ("statement_timeout", "1min"),
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
        ] {
            let value: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(name)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(value, expected, "{name}");
        }
    }
}
