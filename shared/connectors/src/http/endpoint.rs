//! Endpoint: a base address that somebody configured, and whether credentials may be sent there.

use std::net::IpAddr;

use reqwest::Url;

/// Why a configured base address is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointRefused {
    /// It is not an address of the web.
    #[error("`{0}` is not an address: expected something like https://host or http://127.0.0.1:8401")]
    NotAnAddress(String),
    /// It carries more than a base address may: a user, a password, a query or a fragment.
    #[error("the address of `{0}` must not carry a user, a password, a query or a fragment")]
    TooMuch(String),
    /// It would send credentials to a host that is neither the upstream's own nor this machine.
    #[error(
        "`{0}` is neither the upstream's own address nor on this machine; \
         set LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS=true if tokens may be sent there"
    )]
    NotAllowed(String),
}

/// Whether other addresses than the upstream's own may be asked beyond this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomEndpoints {
    /// Only on the loopback of this machine.
    LoopbackOnly,
    /// Anywhere: somebody has said so.
    Allowed,
}

/// Checks a base address that replaces an upstream's own.
///
/// Tokens are sent there, so a typing error or a planted environment variable must not be enough to send them
/// to a stranger.
pub fn check_endpoint(address: &str, custom: CustomEndpoints) -> Result<(), EndpointRefused> {
    let url = Url::parse(address).map_err(|_| EndpointRefused::NotAnAddress(without_secrets(address)))?;
    let Some(host) = url
        .host_str()
        .filter(|_| matches!(url.scheme(), "http" | "https"))
    else {
        return Err(EndpointRefused::NotAnAddress(without_secrets(address)));
    };
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !bare {
        return Err(EndpointRefused::TooMuch(host.to_owned()));
    }
    match custom {
        CustomEndpoints::Allowed => Ok(()),
        CustomEndpoints::LoopbackOnly if is_loopback(host) => Ok(()),
        CustomEndpoints::LoopbackOnly => Err(EndpointRefused::NotAllowed(host.to_owned())),
    }
}

/// Whether a host, as `Url` writes it, is this machine.
fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || literal
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// What does not parse may still hold a password before an `@`.
fn without_secrets(address: &str) -> String {
    address
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .chars()
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_always_allowed() {
        for address in [
            "http://127.0.0.1:8401",
            "http://127.9.9.9",
            "http://localhost:8401/",
            "http://LOCALHOST",
            "http://[::1]:8401",
            "https://127.0.0.1",
            "http://2130706433",
        ] {
            assert_eq!(
                check_endpoint(address, CustomEndpoints::LoopbackOnly),
                Ok(()),
                "{address}"
            );
        }
    }

    #[test]
    fn every_other_host_is_refused_unless_allowed() {
        for address in [
            "https://api.example.com",
            "http://10.0.0.1",
            "http://169.254.169.254",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0",
        ] {
            let refused = check_endpoint(address, CustomEndpoints::LoopbackOnly).unwrap_err();
            assert!(
                matches!(refused, EndpointRefused::NotAllowed(_)),
                "{address}: {refused}"
            );
            assert_eq!(
                check_endpoint(address, CustomEndpoints::Allowed),
                Ok(()),
                "{address}"
            );
        }
    }

    #[test]
    fn what_is_no_base_address_is_refused_in_any_case() {
        for address in [
            "",
            "api.example.com",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "http://",
            "127.0.0.1:80",
        ] {
            let refused = check_endpoint(address, CustomEndpoints::Allowed).unwrap_err();
            assert!(
                matches!(refused, EndpointRefused::NotAnAddress(_)),
                "{address}: {refused}"
            );
        }
        for address in [
            "http://user:hunter2@127.0.0.1",
            "http://127.0.0.1/?key=hunter2",
            "http://127.0.0.1/#x",
        ] {
            let refused = check_endpoint(address, CustomEndpoints::Allowed).unwrap_err();
            assert!(
                matches!(refused, EndpointRefused::TooMuch(_)),
                "{address}: {refused}"
            );
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
        let refused = check_endpoint("http//user:hunter2@host", CustomEndpoints::Allowed).unwrap_err();
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}
