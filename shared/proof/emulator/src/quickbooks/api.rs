//! The API: one request from its arrival to its answer.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::Method;
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::answer::{Note, send};
use super::call::{Call, entity_named};
use super::echo::Sent;
use super::query::{Distortion, QueryError, Setting, Unservable};
use super::{batch, cdc, fault_body, query, strike};
use crate::books::entity::Entity;
use crate::books::overlay::View;
use crate::books::{served, text};
use crate::faults::{Facts, FaultKind, Surface};
use crate::json::{Json, spaced};
use crate::pacific::answer_time;
use crate::server::bend;
use crate::server::reply::{Coding, Reply};
use crate::server::traffic::{Admission, Errand};
use crate::server::wire::Cord;
use crate::switches::{Acceptance, Gzip, Spacing, Switches};
use crate::tokens::AccessDenied;
use crate::upstream::{Company, Upstream};

pub(super) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    Path((realm, resource)): Path<(String, String)>,
    request: Request,
) -> Response {
    let arrived_at = upstream.clock.now();
    let company = upstream
        .companies
        .iter()
        .position(|company| company.realm == realm);
    let errand = if resource == "batch" {
        Errand::Batch
    } else {
        Errand::Single
    };
    let visit = company.map(|company| upstream.traffic.arrive(company, errand));
    let call = Call::read(company, resource, request).await;
    let facts = Facts {
        surface: Surface::Api,
        company: company.map(|index| (upstream.companies[index].name.as_str(), realm.as_str())),
        entity: call.entity,
        path: &call.path,
    };
    let strikes = upstream.faults.strike(&facts);
    if let (Some(company), Some(visit)) = (company, &visit) {
        upstream.mutate_at_request(company, visit.number);
    }
    sleep(upstream.latency + strikes.iter().map(FaultKind::delay).sum()).await;

    let admission = visit.as_ref().map_or(Admission::Granted, |visit| visit.admission);
    let work = {
        let upstream = Arc::clone(&upstream);
        move || (work(&upstream, &call, admission, &strikes), call)
    };
    let Ok((reply, call)) = spawn_blocking(work).await else {
        return Response::new(axum::body::Body::empty());
    };
    sleep(reply.held_back).await;
    if let Some(visit) = &visit {
        visit.answered(reply.status.as_u16(), reply.charges());
    }
    let note = Note {
        method: call.method.as_str(),
        path: &call.path,
        query: call.statement.clone(),
        company,
        arrived_at,
        visit,
    };
    send(&upstream, &cord, reply, note)
}

/// Works the answer out and packs it: all that takes time on a processor.
fn work(upstream: &Upstream, call: &Call, admission: Admission, strikes: &[FaultKind]) -> Reply {
    let (now, switches) = (upstream.clock.now(), upstream.switches());
    if strikes.contains(&FaultKind::RevokeAccess {})
        && let Some(company) = call.company
    {
        upstream.tokens.revoke_access(company);
    }
    if strikes.contains(&FaultKind::Disconnect {})
        && let Some(company) = call.company
    {
        upstream.tokens.disconnect(company);
    }
    let instead = match admission {
        Admission::Throttled => Some(fault_body::throttled(&switches, now)),
        Admission::Granted => {
            let token = call.bearer.as_deref().unwrap_or_default();
            let sent = Sent {
                token,
                authorization: token,
            };
            strikes
                .iter()
                .find_map(|fault| strike::instead(fault, &switches, &sent, now))
        }
    };
    let instead = instead.or_else(|| unread_version(call, &switches, now));
    let reply = instead
        .unwrap_or_else(|| answer(upstream, call, distortion(strikes)))
        .uncached();
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

/// The refusal of a request that names a minor version where none may be named.
fn unread_version(call: &Call, switches: &Switches, now: DateTime<Utc>) -> Option<Reply> {
    let refused = switches.minor_version == Acceptance::Refused && call.parameters.minorversion.is_some();
    let detail = "Property Name:minorversion specified is unsupported or invalid";
    refused.then(|| fault_body::validation(2010, "Request has invalid or unsupported property", detail, now))
}

/// What the faults that strike make of a page.
fn distortion(strikes: &[FaultKind]) -> Distortion {
    strikes.iter().fold(Distortion::default(), |distortion, fault| {
        strike::distort(fault, distortion)
    })
}

fn answer(upstream: &Upstream, call: &Call, distortion: Distortion) -> Reply {
    let now = upstream.clock.now();
    let company = match authorize(upstream, call) {
        Ok(company) => company,
        Err(refusal) => return refusal,
    };
    if !call.accepts_json {
        return fault_body::not_json(now);
    }
    let switches = upstream.switches();
    let setting = Setting {
        now,
        switches,
        answer: upstream.next_answer(),
        distortion,
        fields: call.parameters.fields(&switches),
    };
    let segments: Vec<&str> = call
        .resource
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let known = segments.first().and_then(|resource| entity_named(resource));
    match (segments.as_slice(), &call.method, known) {
        (["query"], &Method::GET | &Method::POST, _) => run_query(upstream, company, call, setting),
        (_, &Method::GET, Some(entity)) => match read_id(company, entity, &segments, call) {
            Some(id) => read(company, entity, &id, setting),
            None => fault_body::object_not_found(now),
        },
        (["cdc"], &Method::GET, _) => match cdc::answer(&company.books, &call.parameters, setting) {
            Ok(body) => Reply::json(200, body),
            Err(fault) => fault.reply(now),
        },
        (["batch"], &Method::POST, _) => batch::answer(upstream, company, &call.body, setting),
        ([_], &Method::POST, Some(_)) => fault_body::no_writing().reply(now),
        _ => fault_body::no_such_path(now),
    }
}

/// Which record a path means: the company is named by its realm or as the first, its preferences by nothing, and rates by
/// what they are rates of.
fn read_id(company: &Company, entity: &Entity, segments: &[&str], call: &Call) -> Option<String> {
    match (segments, entity.name) {
        ([_, id], "company_info") if *id == company.realm => Some("1".to_owned()),
        ([_], "preferences") => Some("1".to_owned()),
        ([_], "exchange_rate") => {
            let currency = call.parameters.sourcecurrencycode.as_deref()?.to_uppercase();
            Some(format!("{currency}:{}", call.parameters.asofdate.as_deref()?))
        }
        ([_, id], _) => Some((*id).to_owned()),
        _ => None,
    }
}

/// Whether an entity's records are numbered but for a few, of which this is one.
fn is_word(entity: &Entity, id: &str) -> bool {
    entity.name == "tax_code" && !id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The company that the token opens, if it is the one asked for in the world asked for.
fn authorize<'run>(upstream: &'run Upstream, call: &Call) -> Result<&'run Company, Reply> {
    let now = upstream.clock.now();
    let token = call
        .bearer
        .as_deref()
        .ok_or_else(|| fault_body::malformed_token(now))?;
    let opened = upstream.tokens.check(token, now.timestamp());
    let opened = opened.map_err(|denied| match denied {
        AccessDenied::Unknown => fault_body::malformed_token(now),
        AccessDenied::Expired => fault_body::expired(now),
        AccessDenied::Revoked => fault_body::revoked(now),
    })?;
    let company = &upstream.companies[opened];
    let wrong_world = call
        .environment
        .is_some_and(|environment| environment != company.environment);
    if call.company != Some(opened) || wrong_world {
        return Err(fault_body::not_authorized(now));
    }
    Ok(company)
}

fn run_query(upstream: &Upstream, company: &Company, call: &Call, setting: Setting) -> Reply {
    let statement = call.statement.as_deref().unwrap_or("");
    match query::answer(&company.books, statement, setting) {
        Ok(answered) => Reply::json(200, answered.body).held_back(answered.takes),
        Err(QueryError::Unservable(instead)) => instead.reply(upstream.clock.now()),
        Err(error) => fault_body::of_query(&error).reply(upstream.clock.now()),
    }
}

fn read(company: &Company, entity: &Entity, id: &str, setting: Setting) -> Reply {
    let books = &company.books;
    if let Some(code) = served::refusal(&books.blueprint, entity, &setting.switches) {
        return fault_body::refused(code).reply(setting.now);
    }
    let view = View::At(setting.now.timestamp());
    if setting.switches.word_ids == Acceptance::Refused && is_word(entity, id) {
        return fault_body::invalid_id(id, setting.now);
    }
    let sight = books
        .book(entity.name)
        .map(|book| book.look(&books.blueprint, view));
    let Some(head) = sight.and_then(|sight| sight.find(id)) else {
        return fault_body::object_not_found(setting.now);
    };
    if let Some(spoilt) = head.spoilt {
        return Unservable::from(spoilt).reply(setting.now);
    }
    let mut json = Json::with_capacity(4096);
    json.element(|json| {
        json.key(entity.rows_key());
        text::serve(&books.blueprint, entity, &head, setting.showing(), json);
        json.text("time", &answer_time(setting.now));
    });
    Reply::json(200, json.into_string())
}
