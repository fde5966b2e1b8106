//! Pool: the sessions of this process with the database, and why there is none where there is none.
//!
//! A pool tries again and again to connect, and in the end only tells that it has waited. So whoever gets no session
//! connects once more, outside of it, and is told the cause: nobody listens, no room for another session, a server that
//! starts, a network that swallows everything; or that all sessions are in use.

use std::io::ErrorKind;
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{SinkExt, StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    ConnectOptions, Connection, Describe, Either, Error, Execute, Executor, Postgres, SqlStr, Transaction,
};

use super::PostgresOptions;
use super::renewed::Renewed;
use super::session::SESSION;
use crate::dispatching::Sessions;

/// How long to look for the cause.
const LOOKING: Duration = Duration::from_secs(3);

/// Answers of a server that wait to be read.
const AHEAD: usize = 64;

/// The sessions of one process.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    sessions: Renewed,
    target: PgConnectOptions,
}

impl Pool {
    pub(super) fn new(options: &PostgresOptions, target: PgConnectOptions) -> Self {
        Self {
            sessions: Renewed::new(target.clone(), options.clone()),
            target,
        }
    }

    /// A session for several statements.
    pub(super) async fn acquire(&self) -> Result<PoolConnection<Postgres>, Error> {
        match self.sessions.pool().acquire().await {
            Err(Error::PoolTimedOut) => Err(self.cause().await),
            other => other,
        }
    }

    /// A transaction. Dropping it undoes it.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        match self.sessions.pool().begin().await {
            Err(Error::PoolTimedOut) => Err(self.cause().await),
            other => other,
        }
    }

    /// The same, begun with these words.
    pub(super) async fn begin_with(
        &self,
        words: &'static str,
    ) -> Result<Transaction<'static, Postgres>, Error> {
        match self.sessions.pool().begin_with(words).await {
            Err(Error::PoolTimedOut) => Err(self.cause().await),
            other => other,
        }
    }

    /// Ends all sessions.
    pub(super) async fn close(&self) {
        self.sessions.close().await;
    }

    /// How many there are, and how many of them are used.
    pub(super) fn state(&self) -> Sessions {
        let sessions = self.sessions.pool();
        let (all, idle) = (sessions.size(), sessions.num_idle());
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(all);
        Sessions {
            idle,
            in_use: all - idle,
            most: sessions.options().get_max_connections(),
        }
    }

    /// Why no session could be had.
    async fn cause(&self) -> Error {
        let looking = async {
            let mut connection = self.target.connect().await?;
            connection.execute(SESSION).await?;
            connection.close().await
        };
        match tokio::time::timeout(LOOKING, looking).await {
            Ok(Err(cause)) => cause,
            // One can be made, so those of the pool are all taken.
            Ok(Ok(())) => Error::PoolTimedOut,
            Err(_) => Error::Io(std::io::Error::new(
                ErrorKind::TimedOut,
                "the server does not answer",
            )),
        }
    }
}

/// A single statement takes a session for itself.
impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        let (mut answers, received) = mpsc::channel(AHEAD);
        let asking = async move {
            let mut session = pool.acquire().await?;
            let mut answered = session.fetch_many(query);
            while let Some(answer) = answered.try_next().await? {
                if answers.send(answer).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let failure =
            stream::once(asking).filter_map(|asked: Result<(), Error>| async { asked.err().map(Err) });
        stream::select(received.map(Ok), failure).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.describe(sql).await })
    }
}
