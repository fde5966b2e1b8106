//! Link: one connection to Redis, and another one as soon as it is known to be bad.
//!
//! A connection may live and be of no use: after a failover it leads to what is a replica now, or to a machine that is
//! gone without a word. A new process would work at once, because it resolves the name and connects; so does a link, when
//! its connection says so itself, or says nothing several times in a row.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value,
};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::{Instant, sleep};

/// How long an answer may take. It must be longer than the longest blocking wait, which is bounded by
/// [`LONGEST_BLOCK`], or a quiet bell would look like a broken connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one blocking command may wait on the server.
pub(crate) const LONGEST_BLOCK: Duration = Duration::from_secs(2);

/// How long a connection may take to be made.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection on which so many answers in a row did not come leads nowhere.
const SILENCES: u32 = 2;

/// A server that reads its data back for longer is not waited for: by now its name may lead to another one.
const LOADING: Duration = Duration::from_secs(10);

/// A server that cannot be reached is tried again for this long before callers are told.
const DIALLING: Duration = Duration::from_secs(3);

/// The longest pause between two attempts to connect, and the shortest time between two connections of a link: where all
/// are bad, nobody is flooded with new ones.
const PAUSE: Duration = Duration::from_secs(1);

/// A connection under way, which all who need it wait for.
type Dialled = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// A connection that renews itself. Its clones share it.
#[derive(Clone)]
pub(crate) struct Link(Arc<Shareable>);

struct Shareable {
    client: Client,
    current: Mutex<Current>,
}

/// The connection that is in use, and what speaks against it.
#[derive(Default)]
struct Current {
    /// Told apart by it from those before: what happened to them says nothing about this one.
    number: u64,
    dialled: Option<Dialled>,
    dialled_at: Option<Instant>,
    silences: u32,
    loading_since: Option<Instant>,
}

/// What an answer tells of the connection that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It works, whatever it answers.
    Good,
    /// It is of no use any more, or never was.
    Bad,
    /// Nothing came.
    Silence,
    /// The server is there, and cannot be used yet.
    Loading,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client knows the password.
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Prepares a link; it connects when it is first needed.
    pub(crate) fn new(client: Client) -> Self {
        Self(Arc::new(Shareable {
            client,
            current: Mutex::default(),
        }))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection in use, or a new one, and its number.
    async fn connected(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let (dialled, number) = {
            let mut current = self.current();
            let dialled = current.dialled.take().unwrap_or_else(|| self.dial(&mut current));
            current.dialled = Some(dialled.clone());
            (dialled, current.number)
        };
        match dialled.await {
            Ok(connection) => Ok((connection, number)),
            Err(error) => {
                self.current().give_up(number);
                Err(error)
            }
        }
    }

    fn dial(&self, current: &mut Current) -> Dialled {
        let wait = current
            .dialled_at
            .map(|at| (at + PAUSE).saturating_duration_since(Instant::now()))
            .unwrap_or_default();
        current.dialled_at = Some(Instant::now() + wait);
        let client = self.0.client.clone();
        let dialled = async move {
            sleep(wait).await;
            dial(&client).await
        };
        let dialled = dialled.boxed().shared();
        // Whoever waits for it may be impatient; the connection is made all the same.
        tokio::spawn(dialled.clone().map(drop));
        dialled
    }

    fn note(&self, number: u64, error: Option<&RedisError>) {
        self.current().note(number, error.map_or(Sign::Good, sign));
    }
}

/// Resolves the server's name and connects.
async fn dial(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT));
    let began = Instant::now();
    let mut pause = PAUSE / 10;
    loop {
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Err(error) if error.is_io_error() && began.elapsed() + pause < DIALLING => {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE);
            }
            dialled => return dialled,
        }
    }
}

impl Current {
    fn note(&mut self, number: u64, sign: Sign) {
        if number != self.number {
            return;
        }
        match sign {
            Sign::Good => (self.silences, self.loading_since) = (0, None),
            Sign::Bad => self.give_up(number),
            Sign::Silence => {
                self.silences += 1;
                if self.silences >= SILENCES {
                    self.give_up(number);
                }
            }
            Sign::Loading => {
                self.silences = 0;
                let since = *self.loading_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= LOADING {
                    self.give_up(number);
                }
            }
        }
    }

    /// Forgets the connection of that number; who still waits for an answer of it waits on.
    fn give_up(&mut self, number: u64) {
        if number == self.number {
            *self = Self {
                number: number + 1,
                dialled_at: self.dialled_at,
                ..Self::default()
            };
        }
    }
}

/// Reads an error as a sign of what its connection is worth.
fn sign(error: &RedisError) -> Sign {
    if error.is_timeout() {
        return Sign::Silence;
    }
    match error.kind() {
        ErrorKind::Io
        | ErrorKind::Parse
        | ErrorKind::AuthenticationFailed
        // A replica, which a former master is after a failover; one that has lost its own master.
        | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => Sign::Bad,
        ErrorKind::Server(ServerErrorKind::BusyLoading) => Sign::Loading,
        // Said to who waited on a master when it became a replica, and on a session whose user is gone.
        _ if ["UNBLOCKED", "NOAUTH"].contains(&error.code().unwrap_or_default()) => Sign::Bad,
        _ => Sign::Good,
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            let (mut connection, number) = self.connected().await?;
            let answer = connection.send_packed_command(command).await;
            // What the server refuses is a value here, too.
            let answer = answer.and_then(Value::extract_error);
            self.note(number, answer.as_ref().err());
            answer
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let (mut connection, number) = self.connected().await?;
            let answers = connection.send_packed_commands(pipeline, offset, count).await;
            let first_error = |values: &Vec<Value>| {
                let refused = values
                    .iter()
                    .find(|value| matches!(value, Value::ServerError(_)))?;
                refused.clone().extract_error().err()
            };
            let refused = answers.as_ref().ok().and_then(first_error);
            self.note(number, answers.as_ref().err().or(refused.as_ref()));
            answers
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error as the server writes it.
    fn said(line: &str) -> RedisError {
        let parsed = ::redis::parse_redis_value(format!("-{line}\r\n").as_bytes());
        match parsed.and_then(Value::extract_error) {
            Err(error) => error,
            Ok(value) => panic!("no error: {value:?}"),
        }
    }

    #[test]
    fn every_error_is_read_as_a_sign_of_what_its_connection_is_worth() {
        let heard = |kind: std::io::ErrorKind| RedisError::from(std::io::Error::from(kind));
        for (error, expected) in [
            (
                said("READONLY You can't write against a read only replica."),
                Sign::Bad,
            ),
            (said("MASTERDOWN Link with MASTER is down"), Sign::Bad),
            (said("UNBLOCKED force unblock from blocking operation"), Sign::Bad),
            (said("NOAUTH Authentication required."), Sign::Bad),
            (
                said("LOADING Redis is loading the dataset in memory"),
                Sign::Loading,
            ),
            (said("OOM command not allowed"), Sign::Good),
            (said("NOPERM this user has no permissions"), Sign::Good),
            (said("NOSCRIPT No matching script"), Sign::Good),
            (said("BUSY Redis is busy running a script"), Sign::Good),
            (said("MISCONF Errors writing to the AOF file"), Sign::Good),
            (heard(std::io::ErrorKind::TimedOut), Sign::Silence),
            (heard(std::io::ErrorKind::BrokenPipe), Sign::Bad),
            (heard(std::io::ErrorKind::HostUnreachable), Sign::Bad),
        ] {
            assert_eq!(sign(&error), expected, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_given_up_once_enough_speaks_against_it() {
        use Sign::{Bad, Good, Loading, Silence};
        for (signs, given_up) in [
            (&[Bad][..], true),
            (&[Silence], false),
            (&[Silence, Silence], true),
            (&[Silence, Good, Silence], false),
            (&[Silence, Loading, Silence], false),
            (&[Loading, Loading], false),
            (&[Loading, Loading, Loading], true),
            (&[Loading, Loading, Good, Loading], false),
        ] {
            let mut current = Current::default();
            for sign in signs {
                current.note(0, *sign);
                sleep(LOADING / 2).await;
            }
            assert_eq!(current.number == 1, given_up, "{signs:?}");
        }
    }

    #[test]
    fn what_happened_to_a_connection_says_nothing_about_the_next() {
        let mut current = Current::default();
        current.give_up(0);
        current.note(0, Sign::Bad);
        current.give_up(0);
        assert_eq!(current.number, 1);
    }
}
