//! Addresses: where upstreams are, read by the parser that the HTTP client uses, so that both see the same host.

use url::{Host, Url};

use crate::ConfigError;
use crate::typed::{check, invalid};
use crate::values::Values;

/// A text as the base of an API: http or https, without user, query or fragment.
pub fn base_address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_base = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_base.then_some(url)
}

/// Whether an address leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A base URL. It is read by the parser that the HTTP client uses, so that both see the same host.
pub(crate) fn endpoint(
    values: &Values,
    key: &'static str,
    allow_custom: bool,
) -> Result<Option<String>, ConfigError> {
    let expected = "it takes an http:// or https:// URL without user, query or fragment";
    let Some(given) = values.get(key) else {
        return Ok(None);
    };
    let url = base_address(&given.text).ok_or_else(|| invalid(key, given, expected))?;
    if !is_loopback(&url) && !allow_custom {
        let host = url.host_str().unwrap_or_default().to_owned();
        return Err(ConfigError::CustomEndpoint {
            key,
            host,
            origin: given.origin.clone(),
        });
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// Kept as it is written: upstreams compare it letter by letter.
pub(crate) fn redirect_url(values: &Values) -> Result<Option<String>, ConfigError> {
    let key = "quickbooks.redirect_url";
    let expected = "it takes an http:// or https:// URL without blanks, user, query or fragment";
    let text = values.text(key);
    let is_one = |text: &String| base_address(text).is_some() && !text.contains(char::is_whitespace);
    check(values, key, text.as_ref().is_none_or(is_one), expected)?;
    Ok(text)
}
