//! Listener: the command line waits on loopback for a person to come back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use ledgerfleet_ledger::{ConsentOutcome, ConsentProgress};
use ledgerfleet_process::Listening;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use super::{Begun, Consenting, LIVES, Returned, Stray, said, shown};
use crate::exit::{Exit, Problem};

/// Between two looks into the ledger, where another process may have answered the person.
const LOOK: Duration = Duration::from_millis(250);

/// Where a redirect address is answered by this command: every address that its name has here. None where it leads
/// elsewhere.
pub(crate) fn places(redirect_url: &str) -> Vec<SocketAddr> {
    let Ok(url) = Url::parse(redirect_url) else {
        return Vec::new();
    };
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let addresses = match (url.scheme(), url.host()) {
        ("http", Some(Host::Domain("localhost"))) => vec![v4, v6],
        ("http", Some(Host::Ipv4(address))) if address.is_loopback() => vec![address.into()],
        ("http", Some(Host::Ipv6(address))) if address.is_loopback() => vec![address.into()],
        _ => Vec::new(),
    };
    let port = url.port_or_known_default().unwrap_or(80);
    let places = addresses
        .into_iter()
        .map(|address| SocketAddr::new(address, port));
    places.collect()
}

/// Routes that answer whoever comes back to the redirect address, and nobody else.
pub(crate) fn routes(consenting: Consenting, redirect_url: &str) -> Router {
    let path = Url::parse(redirect_url).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
    Router::new()
        .route(&path, get(answer))
        .with_state(consenting)
        .fallback(async || {
            said(
                StatusCode::NOT_FOUND,
                "Nothing here",
                "Nothing is at this address.",
            )
        })
}

/// Answers a person who has come back.
pub(crate) async fn answer(State(consenting): State<Consenting>, RawQuery(query): RawQuery) -> Response {
    match Returned::of_query(query.as_deref().unwrap_or_default()) {
        Ok(returned) => shown(&consenting.complete(&returned).await),
        Err(Stray(why)) => {
            tracing::debug!(why, "a stray has come to the redirect address");
            let text = format!("This is not a return from a consent page: {why}.");
            said(StatusCode::BAD_REQUEST, "Not a return", &text)
        }
    }
}

/// Listens at these places, as far as they are free: not every machine has an IPv6, and where `scheduler serve` listens,
/// that one answers.
pub(crate) async fn open(places: &[SocketAddr]) -> Vec<Listening> {
    let mut open = Vec::new();
    for place in places {
        match Listening::on(*place).await {
            Ok(listening) => open.push(listening),
            Err(error) => tracing::info!(%place, %error, "not listened on"),
        }
    }
    open
}

/// Who comes back in the last second is answered, too: a code that was exchanged is spent.
const LAST_EXCHANGE: Duration = Duration::from_mins(1);

/// Waits until the person was answered, here or by another process of this ledger. Answers what was told.
pub(crate) async fn wait(
    consenting: &Consenting,
    begun: &Begun,
    redirect_url: &str,
    open: Vec<Listening>,
) -> anyhow::Result<String> {
    let over = CancellationToken::new();
    let _ends = over.clone().drop_guard();
    let serve = |listening: Listening| {
        let routes = routes(consenting.clone(), redirect_url);
        tokio::spawn(listening.serve(routes, over.clone()))
    };
    let serving: Vec<_> = open.into_iter().map(serve).collect();
    let ended = tokio::time::timeout(LIVES + LAST_EXCHANGE, until_ended(consenting, begun)).await;
    over.cancel();
    for served in serving {
        // The page is brought to the browser before the program ends.
        let _ = served.await;
    }
    match ended {
        Ok(ended) => ended,
        Err(_) => Err(Problem::new(
            Exit::NeedsAuthorisation,
            "nobody has come back from the consent page within ten minutes",
            "run it again; on a machine without a browser: scheduler connection authorize --redirected-to 'ADDRESS'",
        )
        .into()),
    }
}

async fn until_ended(consenting: &Consenting, begun: &Begun) -> anyhow::Result<String> {
    loop {
        let progress = consenting
            .parts()
            .ledger
            .consent_progress(&begun.state_hash)
            .await;
        match progress {
            Ok(ConsentProgress::Ended(ConsentOutcome::Connected, told)) => return Ok(told),
            Ok(ConsentProgress::Ended(_, told)) => {
                let (what, next) = told.rsplit_once("; ").unwrap_or((&told, "run it again"));
                return Err(Problem::new(Exit::NeedsAuthorisation, what, next).into());
            }
            Ok(_) => {}
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(LOOK).await;
    }
}
