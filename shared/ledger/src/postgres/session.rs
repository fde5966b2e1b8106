//! Session: where and how the database is reached, and what every session is told.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

use super::PostgresOptions;
use super::error::failed;
use crate::LedgerError;

/// How long to wait for a connection.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);

/// What every session is told. Locks are waited for and statements run for a bounded time, an abandoned transaction
/// does not stay open, a server notices that its client is gone, and a commit is on the disk when it returns, whatever
/// the server's defaults are. Plans of these statements are never worth compiling.
pub(super) const SESSION: &str = "
    SET lock_timeout = '5s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '30s';
    SET tcp_keepalives_idle = '30s';
    SET tcp_keepalives_interval = '10s';
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '30s';
    SET default_transaction_isolation = 'read committed';
    SET timezone = 'UTC';
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Begins a transaction whose statements are planned each for its own table of records. A plan that serves every table
/// locks all of them, and waits if somebody holds one of the others.
pub(super) const PLANNED_FOR_ONE_TABLE: &str = "BEGIN; SET LOCAL plan_cache_mode = force_custom_plan";

/// Where and how to connect.
pub(super) fn target(url: &str, options: &PostgresOptions) -> Result<PgConnectOptions, LedgerError> {
    let target = PgConnectOptions::from_str(url).map_err(LedgerError::Url)?;
    // The driver keeps the brackets of an IPv6 address, with which it is no name that a certificate could hold.
    let host = target.get_host().trim_matches(['[', ']']).to_owned();
    let target = target
        .host(&host)
        .application_name(&options.application_name)
        // Poolers refuse sessions that begin with it, and since Postgres 12 the default shows every digit.
        .extra_float_digits(None)
        // Statements carry records; they are reported by whoever handles their errors.
        .disable_statement_logging();
    Ok(with_certificates(target, options))
}

fn with_certificates(mut target: PgConnectOptions, options: &PostgresOptions) -> PgConnectOptions {
    if let Some(certificate) = &options.root_certificate {
        // These two are said on purpose; what else a URL says or leaves out is less than the authority is given for.
        let said = target.get_ssl_mode();
        if !matches!(said, PgSslMode::Disable | PgSslMode::VerifyCa) {
            target = target.ssl_mode(PgSslMode::VerifyFull);
        }
        target = target.ssl_root_cert(certificate);
    }
    if let Some(client) = &options.client {
        target = target
            .ssl_client_cert(&client.certificate)
            .ssl_client_key(&client.key);
    }
    target
}

/// A connection outside the pool. Its errors tell why there is none, where a pool only tells that it waited.
pub(super) async fn connect(target: &PgConnectOptions) -> Result<PgConnection, LedgerError> {
    let connected = tokio::time::timeout(CONNECTING, target.connect()).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(failed("connect"))
}
