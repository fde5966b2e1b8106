//! OAuth 2.0: the authorization server, with tokens that rotate, expire and die as upstream's do.

pub(crate) mod authorize;
pub(crate) mod bearer;
pub(crate) mod discovery;
pub(crate) mod revoke;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::upstream::Upstream;

/// What the header `Authorization` holds after its scheme.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let (_, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(credentials)
}

/// Whether a request carries the app's own id and secret.
fn knows_keys(upstream: &Upstream, headers: &HeaderMap) -> bool {
    let basic = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, encoded)) = basic.and_then(|value| value.split_once(' ')) else {
        return false;
    };
    let decoded = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let expected = format!("{}:{}", upstream.client_id, upstream.client_secret);
    scheme.eq_ignore_ascii_case("basic") && decoded.is_some_and(|decoded| decoded == expected)
}
