//! The connection to Redis (7 or newer, or Valkey), shared by bell, gate and locks.
//!
//! Connections are made when they are first needed and renewed by themselves, see [`link`]. Until then every call answers
//! [`Unreachable`], which callers wait out: no error of Redis ends a worker.

pub(crate) mod keys;
pub(crate) mod link;
pub(crate) mod reply;
mod server;

use std::time::Duration;

use ::redis::io::tcp::{TcpSettings, socket2};
use ::redis::{Client, ClientTlsConfig, ConnectionInfo, IntoConnectionInfo, RedisError, TlsCertificates};

use crate::{RedisBell, RedisGate, RedisLocks, Unreachable};
use keys::Keys;
use link::Link;
use reply::unreachable;

pub use server::{Examination, RedisServer};

/// A connection that was quiet for this long is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How often it is asked, and how often in vain before it is over.
const KEEP_ALIVE_AGAIN: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TRIES: u32 = 3;

/// What was sent and is not even received within this time is sent nowhere.
#[cfg(target_os = "linux")]
const UNRECEIVED: Duration = Duration::from_secs(15);

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
        let link = || Link::new(client.clone());
        let commands = link();
        Ok(Self {
            // Blocking commands would hold up everything else on their connection, so each waits on its own.
            bell: RedisBell::new(commands.clone(), link(), link(), keys.clone()),
            gate: RedisGate::new(commands.clone(), keys.clone()),
            server: RedisServer::new(commands.clone()),
            locks: RedisLocks::new(commands, keys),
        })
    }
}

fn client(url: &str, tls: RedisTls) -> Result<Client, Unreachable> {
    let target = target(url).map_err(unreachable)?;
    let opened = if url.starts_with("rediss://") {
        let certificates = TlsCertificates {
            client_tls: tls.client.map(|client| ClientTlsConfig {
                client_cert: client.certificate,
                client_key: client.key,
            }),
            root_cert: tls.root_certificate,
        };
        Client::build_with_tls(target, certificates)
    } else {
        Client::open(target)
    };
    opened.map_err(unreachable)
}

/// Where Redis is, and how the system watches over connections to it: one whose other end vanished without a word ends
/// within half a minute. Commands are small and wait for nothing.
fn target(url: &str) -> Result<ConnectionInfo, RedisError> {
    let keep_alive = socket2::TcpKeepalive::new()
        .with_time(KEEP_ALIVE)
        .with_interval(KEEP_ALIVE_AGAIN)
        .with_retries(KEEP_ALIVE_TRIES);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keep_alive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNRECEIVED);
    Ok(url.into_connection_info()?.set_tcp_settings(settings))
}
