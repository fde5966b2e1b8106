//! The API: one request from its arrival to its answer.

mod call;
mod item;
mod list;
mod page;
mod periods;
mod pos;
mod refusal;
mod stock;
mod strike;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::any;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::books::Sight;
use super::books::overlay::View;
use super::firm::Firm;
use super::resource::Version;
use super::switches::{ContificoSwitches, Presence};
use crate::faults::{Facts, FaultKind, Surface};
use crate::json::spaced;
use crate::server::bend;
use crate::server::reply::{Coding, Reply};
use crate::server::traffic::{Admission, Errand};
use crate::server::wire::Cord;
use crate::switches::{Gzip, Spacing};
use crate::upstream::Upstream;
use call::{Call, Target};

pub(crate) fn routes() -> Router<Arc<Upstream>> {
    Router::new().route("/sistema/api/{*path}", any(serve))
}

/// What a request is answered with: the books of one company as they are now.
struct Setting<'run> {
    firm: &'run Firm,
    sight: &'run Sight<'run>,
    switches: ContificoSwitches,
    strikes: &'run [FaultKind],
    /// The root of the emulator, where `next` leads.
    url: &'run str,
    /// A number that no other answer has.
    answer: u64,
}

async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request,
) -> Response {
    let arrived_at = upstream.clock.now();
    let call = Call::read(&request, &upstream.switches().contifico);
    let place = call.key.as_deref().and_then(|key| upstream.firms.of_key(key));
    let firm = place.map(|place| &upstream.firms.all()[place]);
    let visit = place.map(|place| {
        upstream
            .traffic
            .arrive(upstream.firm_traffic(place), Errand::Single)
    });
    let facts = Facts {
        surface: Surface::Api,
        company: firm.map(|firm| (firm.name.as_str(), firm.ruc.as_str())),
        entity: call.entity(),
        path: &call.path,
    };
    let strikes = upstream.faults.strike(&facts);
    if let (Some(firm), Some(visit)) = (firm, &visit) {
        firm.mutate_at_request(visit.number, arrived_at.timestamp());
    }
    sleep(upstream.latency + strikes.iter().map(FaultKind::delay).sum::<Duration>()).await;
    let admission = visit.as_ref().map_or(Admission::Granted, |visit| visit.admission);
    let work = {
        let upstream = Arc::clone(&upstream);
        move || (work(&upstream, &call, place, admission, &strikes), call)
    };
    let Ok((reply, call)) = spawn_blocking(work).await else {
        return Response::new(axum::body::Body::empty());
    };
    sleep(reply.held_back).await;
    traffic::send(&upstream, &cord, reply, &call, place, (arrived_at, visit))
}

/// Works the answer out and packs it: all that takes time on a processor.
fn work(
    upstream: &Upstream,
    call: &Call,
    place: Option<usize>,
    admission: Admission,
    strikes: &[FaultKind],
) -> Reply {
    let switches = upstream.switches();
    let firm = place.map(|place| &upstream.firms.all()[place]);
    if let Some(firm) = firm.filter(|_| strike::revokes(strikes)) {
        firm.revoke();
    }
    let instead = match admission {
        Admission::Throttled => Some(refusal::throttled(&switches.contifico, None)),
        Admission::Granted => strikes
            .iter()
            .find_map(|fault| strike::instead(fault, call.key.as_deref().unwrap_or(""), &switches.contifico)),
    };
    let reply = instead.unwrap_or_else(|| answer(upstream, call, firm, strikes));
    let reply = match switches.spacing {
        Spacing::Spaced if reply.is_json() => reply.edit_body(spaced),
        _ => reply,
    };
    let zipped = call.accepts_gzip && switches.gzip == Gzip::On;
    let reply = if zipped { reply.coded(Coding::Gzip) } else { reply };
    strikes
        .iter()
        .fold(reply, |reply, fault| bend(fault, reply))
        .pack()
}

fn answer(upstream: &Upstream, call: &Call, firm: Option<&Firm>, strikes: &[FaultKind]) -> Reply {
    let switches = upstream.switches().contifico;
    let firm = match (call.key.as_deref(), firm) {
        (None, _) => return refusal::no_key(&switches),
        (Some(key), Some(firm)) if firm.opens(key) => firm,
        _ => return refusal::unknown_key(&switches),
    };
    if call.version == Some(Version::V2) && switches.v2 == Presence::Absent {
        return refusal::not_found(&switches);
    }
    if call.method != Method::GET {
        return refusal::plain(&switches, 405, "Método no permitido: el emulador solo se lee");
    }
    let sight = firm.books.look(View::At(upstream.clock.now().timestamp()));
    let setting = Setting {
        firm,
        sight: &sight,
        switches,
        strikes,
        url: &upstream.url,
        answer: upstream.next_answer(),
    };
    let Some(version) = call.version else {
        return refusal::not_found(&switches);
    };
    match &call.target {
        Target::List(resource) => list::answer(&setting, call, version, resource),
        Target::Item(resource, id) => item::answer(&setting, version, resource, id),
        Target::Pos => pos::answer(&setting),
        Target::Stock(id) => stock::answer(&setting, version, id),
        Target::Periods => periods::answer(&setting),
        Target::Refused(status) => refusal::plain(&switches, *status, "Método no permitido"),
        Target::Nowhere => refusal::not_found(&switches),
    }
}
