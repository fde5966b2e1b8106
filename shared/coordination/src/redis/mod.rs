//! The connection to Redis (7 or newer, or Valkey), shared by bell, gate and locks.
//!
//! Connections are made when they are first needed and renewed by themselves. Until then every call answers
//! [`Unreachable`], which callers wait out: no error of Redis ends a worker.

pub(crate) mod keys;
mod server;

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, ClientTlsConfig, RedisError, TlsCertificates};

use crate::{RedisBell, RedisGate, RedisLocks, Unreachable};
use keys::Keys;

pub use server::{Examination, RedisServer};

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
    /// What they are on.
    pub server: RedisServer,
}

/// Certificates for a Redis that speaks TLS, each in PEM.
#[derive(Debug, Clone, Default)]
pub struct RedisTls {
    /// A private authority; without one, the machine's own are trusted.
    pub root_certificate: Option<Vec<u8>>,
    /// What this program shows to a server that asks who it is: a certificate and its key.
    pub client: Option<ClientTls>,
}

/// A certificate of this program's, and its key.
#[derive(Clone)]
pub struct ClientTls {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls")
    }
}

impl RedisParts {
    /// Prepares connections to the Redis at `url`; nothing is sent yet. All keys begin with `prefix`.
    pub fn new(url: &str, prefix: &str, tls: RedisTls) -> Result<Self, Unreachable> {
        let client = client(url, tls)?;
        let keys = Keys::new(prefix);
        let connect =
            || ConnectionManager::new_lazy_with_config(client.clone(), config()).map_err(unreachable);
        let commands = connect()?;
        Ok(Self {
            // Blocking commands would hold up everything else on their connection, so each waits on its own.
            bell: RedisBell::new(commands.clone(), connect()?, connect()?, keys.clone()),
            gate: RedisGate::new(commands.clone(), keys.clone()),
            server: RedisServer::new(commands.clone()),
            locks: RedisLocks::new(commands, keys),
        })
    }
}

fn client(url: &str, tls: RedisTls) -> Result<Client, Unreachable> {
    let opened = if url.starts_with("rediss://") {
        let certificates = TlsCertificates {
            client_tls: tls.client.map(|client| ClientTlsConfig {
                client_cert: client.certificate,
                client_key: client.key,
            }),
            root_cert: tls.root_certificate,
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
    // A server that sends its clients elsewhere; so may any one of a cluster do at any time.
    if matches!(error.code(), Some("MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN")) {
        return Unreachable(server::CLUSTER.to_owned());
    }
    Unreachable(error.to_string())
}

/// Microseconds, as the scripts count time.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
