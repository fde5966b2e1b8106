//! Reading: what came with a request, strictly; and answers that are polled.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Query;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ledgerfleet_model::{Connection, ConnectionId, SegmentId};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use super::problem::{Cause, Refusal};

/// The most rows of a list.
pub(crate) const MOST: u32 = 1_000;

/// Rows of a list where nothing is said.
pub(crate) const USUAL: u32 = 100;

/// The parameters of a query.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    let read = Query::<T>::try_from_uri(uri);
    read.map(|Query(query)| query)
        .map_err(|error| Refusal::new(Cause::InvalidRequest, error.body_text()))
}

/// A JSON body.
pub(crate) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| Refusal::new(Cause::MalformedBody, format!("the body cannot be read: {error}")))
}

/// How many rows are wanted.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Refusal> {
    match asked {
        None => Ok(USUAL),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(Refusal::new(
            Cause::InvalidRequest,
            format!("limit is a whole number from 1 to {MOST}"),
        )),
    }
}

/// A list of names with commas between, which is empty where it is left out. An empty name was meant to be one: a variable that
/// is not set is not to mean everything.
pub(crate) fn names(text: Option<&str>) -> Result<Vec<String>, Refusal> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        let detail = format!("`{}` has an empty name; `all` means all", text.escape_debug());
        return Err(Refusal::new(Cause::InvalidRequest, detail));
    }
    Ok(names)
}

/// A list of a body that has something in it, where it is not left out, for the reason of [`names`].
pub(crate) fn some<'de, D, T>(reader: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Named,
{
    let list = Vec::<T>::deserialize(reader)?;
    if list.is_empty() || list.iter().any(Named::is_blank) {
        return Err(D::Error::custom(
            "a list names at least one, and nothing empty; `all` means all",
        ));
    }
    Ok(list)
}

/// What a list of a body names.
pub(crate) trait Named {
    fn is_blank(&self) -> bool;
}

impl Named for String {
    fn is_blank(&self) -> bool {
        self.trim().is_empty()
    }
}

impl Named for SegmentId {
    fn is_blank(&self) -> bool {
        false
    }
}

/// An answer that is asked for again and again: 304 while it is what the client knows.
pub(crate) fn polled<T: Serialize>(headers: &HeaderMap, value: &T) -> Result<Response, Refusal> {
    let text = serde_json::to_string(value)?;
    Ok(polled_as(headers, value, &text))
}

/// The same for an answer that tells time: it is what the client knows while this text is, which leaves out what only grows
/// old.
pub(crate) fn polled_as<T: Serialize>(headers: &HeaderMap, value: &T, text: &str) -> Response {
    let hash = blake3::hash(text.as_bytes()).to_hex();
    // Weak, because proxies compress.
    let tag = format!("W/\"{}\"", &hash[..16]);
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|known| matches(known, &tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(value).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Accept-Encoding"));
    response
}

/// Whether a header names the tag, by the weak comparison.
fn matches(header: &HeaderValue, tag: &str) -> bool {
    let text = header.to_str().unwrap_or_default();
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    text.split(',')
        .any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// The ids of companies.
pub(super) fn ids(companies: &[Connection]) -> Vec<ConnectionId> {
    companies.iter().map(|company| company.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_answer_is_not_sent_again_in_any_form_of_its_tag() {
        let first = polled(&HeaderMap::new(), &"text").unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        let strong = tag.trim_start_matches("W/").to_owned();
        for (known, status) in [
            (tag.clone(), 304),
            (strong, 304),
            ("*".to_owned(), 304),
            (format!("\"x\", {tag}"), 304),
            ("\"x\"".to_owned(), 200),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(&known).unwrap());
            let answered = polled(&headers, &"text").unwrap();
            assert_eq!(answered.status().as_u16(), status, "{known}");
        }
    }
}
