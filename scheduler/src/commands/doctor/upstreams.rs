//! `doctor` on upstreams: whether this machine gets a connection to them. Nothing is asked of them.

use std::collections::BTreeSet;
use std::time::Duration;

use ledgerfleet_config::Settings;
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_model::{Connection, ConnectionState};
use ledgerfleet_wiring::Parts;
use tokio::net::TcpStream;

use crate::views::checks::Check;

/// Less than all lines together have.
const CONNECTING: Duration = Duration::from_secs(4);

/// A line for each server that the companies are at.
pub(super) async fn upstreams(parts: &Parts, settings: &Settings) -> anyhow::Result<Vec<Check>> {
    let connections = parts.ledger.connections().await?;
    let active = connections
        .iter()
        .filter(|connection| connection.state == ConnectionState::Active);
    let servers: BTreeSet<String> = active
        .flat_map(|connection| addresses(connection, settings))
        .filter_map(|address| server(&address))
        .collect();
    let mut looked = tokio::task::JoinSet::new();
    for server in servers {
        looked.spawn(look(server));
    }
    let mut checks = looked.join_all().await;
    checks.sort_by(|one, other| one.detail.cmp(&other.detail));
    Ok(checks)
}

/// Where a company is asked, and where its tokens are: as configured, else the upstream's own.
fn addresses(connection: &Connection, settings: &Settings) -> Vec<String> {
    let Some(entry) = connector_entry(&connection.connector) else {
        return Vec::new();
    };
    let configured = settings.connector(entry.name);
    let [api, oauth] = (entry.addresses)(connection.environment);
    vec![
        configured.api_url.unwrap_or_else(|| api.to_owned()),
        configured.oauth_url.unwrap_or_else(|| oauth.to_owned()),
    ]
}

/// `host:port` of an address.
fn server(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let port = if scheme == "https" { 443 } else { 80 };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    })
}

async fn look(server: String) -> Check {
    let next = "see whether this machine gets out: name server, firewall. Behind a proxy this cannot be told: \
                scheduler connection test NAME";
    let connecting = tokio::time::timeout(CONNECTING, TcpStream::connect(&server));
    match connecting.await {
        Ok(Ok(_)) => Check::good("upstream", format!("{server} takes connections")),
        Ok(Err(error)) => Check::doubtful("upstream", format!("{server} cannot be reached: {error}"), next),
        Err(_) => Check::doubtful("upstream", format!("{server} does not answer"), next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_an_address_has_a_port() {
        for (address, expected) in [
            (
                "https://oauth.platform.intuit.com",
                "oauth.platform.intuit.com:443",
            ),
            ("http://127.0.0.1:8401/", "127.0.0.1:8401"),
            ("http://user:word@proxy/v3?x=1", "proxy:80"),
            ("http://[::1]:8401", "[::1]:8401"),
            ("https://[::1]/v3", "[::1]:443"),
        ] {
            assert_eq!(server(address).as_deref(), Some(expected), "{address}");
        }
        assert_eq!(server("nonsense"), None);
    }
}
