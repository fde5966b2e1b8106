//! The connection to Redis (7 or newer, or Valkey), shared by bell, gate and locks.
//!
//! Connections are made when they are first needed and renewed by themselves. Until then every call answers
//! [`Unreachable`], which callers wait out: no error of Redis ends a worker.

pub(crate) mod keys;

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, RedisError, TlsCertificates};

use crate::{RedisBell, RedisGate, RedisLocks, Unreachable};
use keys::Keys;

/// How long an answer may take. It must be longer than the longest blocking wait, which is bounded by
/// [`LONGEST_BLOCK`], or a quiet bell would look like a broken connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one blocking command may wait on the server.
pub(crate) const LONGEST_BLOCK: Duration = Duration::from_secs(2);

/// How long a connection may take to be made.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Bell, gate and locks on one Redis.
#[derive(Debug)]
pub struct RedisParts {
    /// What is ready now.
    pub bell: RedisBell,
    /// Rate and slots.
    pub gate: RedisGate,
    /// One reader a window.
    pub locks: RedisLocks,
}

impl RedisParts {
    /// Prepares connections to the Redis at `url`; nothing is sent yet. All keys begin with `prefix`. A private
    /// certificate authority is given in PEM; without one, the machine's own are trusted.
    pub fn new(url: &str, prefix: &str, root_certificates: Option<Vec<u8>>) -> Result<Self, Unreachable> {
        let client = client(url, root_certificates)?;
        let keys = Keys::new(prefix);
        let connect =
            || ConnectionManager::new_lazy_with_config(client.clone(), config()).map_err(unreachable);
        let commands = connect()?;
        Ok(Self {
            // Blocking commands would hold up everything else on their connection, so each waits on its own.
            bell: RedisBell::new(commands.clone(), connect()?, connect()?, keys.clone()),
            gate: RedisGate::new(commands.clone(), keys.clone()),
            locks: RedisLocks::new(commands, keys),
        })
    }
}

fn client(url: &str, root_certificates: Option<Vec<u8>>) -> Result<Client, Unreachable> {
    let opened = if url.starts_with("rediss://") {
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: root_certificates,
        };
        Client::build_with_tls(url, certificates)
    } else {
        Client::open(url)
    };
    opened.map_err(unreachable)
}

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_max_delay(LONGEST_PAUSE)
}

/// A RedisError names the command's fault, never its arguments or the URL.
#[expect(clippy::needless_pass_by_value, reason = "its callers are `map_err`")]
pub(crate) fn unreachable(error: RedisError) -> Unreachable {
    Unreachable(error.to_string())
}

/// Microseconds, as the scripts count time.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
