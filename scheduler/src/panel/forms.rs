//! Forms: what is the same in many of them.

use axum::response::{IntoResponse, Redirect, Response};
use rand::Rng;

/// Is made with a page, and comes with its form: pressed twice, or after the button *back*, it is the same again.
pub(super) fn once() -> String {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}

/// A page that is got, after something was done.
pub(super) fn go(place: &str) -> Response {
    Redirect::to(place).into_response()
}
