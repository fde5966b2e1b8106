//! Assets: style sheet, scripts and icon, each under a name that holds its hash: a browser keeps it for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Something that pages refer to.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "panel.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("assets/panel.css"),
    },
    Asset {
        name: "panel.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("assets/panel.js"),
    },
    Asset {
        name: "map.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("assets/map.js"),
    },
    Asset {
        name: "icon.svg",
        kind: "image/svg+xml",
        text: include_str!("assets/icon.svg"),
    },
];

/// Addresses with hash, beside what is there.
static PLACES: LazyLock<Vec<(String, &'static Asset)>> = LazyLock::new(|| {
    let place = |asset: &'static Asset| {
        let hash = blake3::hash(asset.text.as_bytes()).to_hex();
        (format!("{}.{}", &hash[..16], asset.name), asset)
    };
    ASSETS.iter().map(place).collect()
});

/// The address of an asset.
pub(super) fn address(name: &str) -> String {
    let found = PLACES.iter().find(|(_, asset)| asset.name == name);
    found
        .map(|(place, _)| format!("/panel/{place}"))
        .unwrap_or_default()
}

pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let Some((_, asset)) = PLACES.iter().find(|(place, _)| *place == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    let mut response = (headers, asset.text).into_response();
    super::protect::protect(response.headers_mut());
    response
}
