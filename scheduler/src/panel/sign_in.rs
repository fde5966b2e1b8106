//! Sign-in: a key is shown once, and a session is given for it.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ledgerfleet_process::Peer;

use super::Panel;
use super::forms::go;
use super::inside::Trouble;
use super::shell::{Shell, page};
use super::texts::Language;
use super::visit::{Sent, Theme, Visit};
use crate::http::guard::limited;
use crate::http::keys::holder_of;
use crate::http::sessions::{Session, no_cookie};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    s: Shell,
    back: String,
    is_here: bool,
    refused: Option<String>,
}

pub(super) async fn ask(Extension(visit): Extension<Visit>, uri: Uri) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let back = own_place(sent.value("back"));
    if visit.caller.is_some() {
        return Ok(go(&back));
    }
    door(&visit, back, None)
}

fn door(visit: &Visit, back: String, refused: Option<&Trouble>) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, "sign_in.title");
    let refused = refused.map(|trouble| format!("{} ({})", shell.t("sign_in.refused"), trouble.detail));
    page(&SignIn {
        s: shell,
        back,
        is_here: visit.is_here,
        refused,
    })
}

pub(super) async fn check(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let back = own_place(sent.value("back"));
    let address = peer.map(|Extension(peer)| peer.0.ip());
    let judging = holder_of(&panel.api, sent.value("key").unwrap_or_default());
    let holder = match limited(&panel.api, address, judging).await.map_err(Trouble::from) {
        Ok((holder, _)) => holder,
        Err(trouble) if trouble.status == StatusCode::UNAUTHORIZED => {
            let mut response = door(&visit, back, Some(&trouble))?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        Err(trouble) => return Err(trouble),
    };
    // Whatever session there was is not gone on with: a new one has a new name.
    if let Some(known) = &visit.session {
        panel.api.sessions.end(known, panel.api.parts.clock.now());
    }
    let session = Session::begin(holder, panel.api.parts.clock.now());
    Ok(with_cookie(go(&back), &session.cookie(&panel.api, &headers)?))
}

pub(super) async fn leave(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    if let Some(session) = &visit.session {
        panel.api.sessions.end(session, panel.api.parts.clock.now());
    }
    with_cookie(go("/sign-in?told=signed_out"), &no_cookie(&headers))
}

/// Language and theme: no secrets, so they are kept in cookies of their own.
pub(super) async fn choose(Extension(sent): Extension<Sent>) -> Response {
    const YEAR: &str = "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
    let mut response = go(&own_place(sent.value("back")));
    let language = sent.value("language").and_then(Language::of_code);
    let theme = sent.value("theme").map(Theme::of_word);
    let language = language.map(|language| format!("panel_language={}; {YEAR}", language.code()));
    let theme = theme.map(|theme| format!("panel_theme={}; {YEAR}", theme.as_str()));
    for cookie in [language, theme].into_iter().flatten() {
        response = with_cookie(response, &cookie);
    }
    response
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response.into_response()
}

/// A place of the panel to go back to; its first page instead of any other place.
fn own_place(place: Option<&str>) -> String {
    let is_own = |place: &&str| {
        place.starts_with('/') && !place.starts_with("//") && !place.contains(['\\', '\r', '\n', '\t'])
    };
    place.filter(is_own).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_signed_in_goes_back_to_the_panel_alone() {
        for (place, expected) in [
            (Some("/runs?limit=5"), "/runs?limit=5"),
            (Some("https://evil.example"), "/"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("/\t/evil.example"), "/"),
            (None, "/"),
        ] {
            assert_eq!(own_place(place), expected);
        }
    }
}
