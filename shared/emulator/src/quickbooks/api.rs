//! The API: one request from its arrival to its answer.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::answer::{Note, send};
use super::oauth::tokens::AccessDenied;
use super::{fault_body, query};
use crate::books::entities;
use crate::books::entity::Entity;
use crate::books::overlay::View;
use crate::faults::{Facts, FaultKind, Surface};
use crate::json::{Json, spaced};
use crate::options::{Environment, Region};
use crate::pacific::{Pacific, answer_time};
use crate::server::reply::{Coding, Reply};
use crate::server::traffic::{Admission, Metering};
use crate::server::upstream::{Company, Upstream};
use crate::server::wire::Cord;
use crate::switches::{Gzip, Spacing};

/// What a request asks for, with all that is needed of its head and body.
#[derive(Debug)]
struct Call {
    method: Method,
    path: String,
    company: Option<usize>,
    environment: Option<Environment>,
    /// What follows the realm.
    resource: String,
    statement: Option<String>,
    entity: Option<&'static str>,
    bearer: Option<String>,
    accepts_json: bool,
    accepts_gzip: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    query: Option<String>,
}

/// Statements are short; this only keeps a mad client from filling the memory.
const LONGEST_BODY: usize = 1 << 20;

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
    let visit = company.map(|company| upstream.traffic.arrive(company));
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
    if let Some(visit) = &visit {
        visit.answered(reply.status.as_u16(), metering(&reply));
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

/// Upstream charges for every read that it answers with 2xx, whatever the answer holds.
fn metering(reply: &Reply) -> Metering {
    if reply.status.is_success() {
        Metering::Charged
    } else {
        Metering::Free
    }
}

/// Works the answer out and packs it: all that takes time on a processor.
fn work(upstream: &Upstream, call: &Call, admission: Admission, strikes: &[FaultKind]) -> Reply {
    let (now, switches) = (upstream.clock.now(), upstream.switches());
    if strikes.contains(&FaultKind::RevokeAccess {})
        && let Some(company) = call.company
    {
        upstream.tokens.revoke_access(company);
    }
    let instead = match admission {
        Admission::Throttled => Some(fault_body::throttled(&switches, now)),
        Admission::Granted => strikes.iter().find_map(|fault| fault.instead(&switches, now)),
    };
    let reply = instead.unwrap_or_else(|| answer(upstream, call)).uncached();
    let reply = match switches.spacing {
        Spacing::Spaced if reply.is_json() => reply.edit_body(spaced),
        _ => reply,
    };
    let zipped = call.accepts_gzip && switches.gzip == Gzip::On;
    let reply = if zipped { reply.coded(Coding::Gzip) } else { reply };
    strikes
        .iter()
        .fold(reply, |reply, fault| fault.bend(reply))
        .pack()
}

fn answer(upstream: &Upstream, call: &Call) -> Reply {
    let now = upstream.clock.now();
    let company = match authorize(upstream, call) {
        Ok(company) => company,
        Err(refusal) => return refusal,
    };
    if !call.accepts_json {
        return fault_body::not_json(now);
    }
    let segments: Vec<&str> = call
        .resource
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    match (segments.as_slice(), &call.method) {
        (["query"], &Method::GET | &Method::POST) => run_query(upstream, company, call),
        ([resource, id], &Method::GET) if resource.eq_ignore_ascii_case("companyinfo") => {
            if *id == company.realm {
                company_info(upstream, company)
            } else {
                fault_body::object_not_found(now)
            }
        }
        ([resource, id], &Method::GET) => read(upstream, company, resource, id),
        ([resource], &Method::POST) if entity_named(resource).is_some() => {
            fault_body::unsupported_operation(now)
        }
        _ => fault_body::no_such_path(now),
    }
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

fn run_query(upstream: &Upstream, company: &Company, call: &Call) -> Reply {
    let now = upstream.clock.now();
    let statement = call.statement.as_deref().unwrap_or("");
    match query::answer(&company.books, statement, now, upstream.switches()) {
        Ok(body) => Reply::json(200, body),
        Err(error) => {
            let (code, message) = match error {
                query::QueryError::Parse(_) => (4000, "Error parsing query"),
                query::QueryError::Validation(_) => (4001, "Invalid query"),
            };
            fault_body::validation(code, message, &error.to_string(), now)
        }
    }
}

fn read(upstream: &Upstream, company: &Company, resource: &str, id: &str) -> Reply {
    let now = upstream.clock.now();
    let Some(entity) = entity_named(resource) else {
        return fault_body::no_such_path(now);
    };
    let books = &company.books;
    let ordinal = id.parse::<u64>().ok().and_then(|id| id.checked_sub(1));
    let sight = books
        .book(entity.name)
        .map(|book| book.look(&books.blueprint, View::At(now.timestamp())));
    let head = sight
        .zip(ordinal)
        .and_then(|(sight, ordinal)| sight.head(ordinal));
    let Some(head) = head else {
        return fault_body::object_not_found(now);
    };
    let mut json = Json::with_capacity(4096);
    json.element(|json| {
        json.object(entity.answer_key, |json| {
            (entity.write)(&books.blueprint, &head, json);
        });
        json.text("time", &answer_time(now));
    });
    Reply::json(200, json.into_string())
}

/// Paths spell an entity in lower case and without separators.
fn entity_named(resource: &str) -> Option<&'static Entity> {
    entities::ALL
        .iter()
        .copied()
        .find(|entity| entity.api.eq_ignore_ascii_case(resource))
}

fn company_info(upstream: &Upstream, company: &Company) -> Reply {
    let plan = &company.books.blueprint;
    let opened = Pacific(plan.lists_from);
    let mut json = Json::default();
    json.element(|json| {
        json.object("CompanyInfo", |json| {
            json.text("CompanyName", &company.name);
            json.text("LegalName", &company.name);
            json.text("Country", if company.region == Region::Ca { "CA" } else { "US" });
            json.text(
                "SupportedLanguages",
                if company.region == Region::Ca {
                    "fr,en"
                } else {
                    "en"
                },
            );
            json.raw_member(
                r#""FiscalYearStartMonth":"January","domain":"QBO","sparse":false,"Id":"1","SyncToken":"4""#,
            );
            json.object("MetaData", |json| {
                json.quoted("CreateTime", opened);
                json.quoted("LastUpdatedTime", opened);
            });
        });
        json.text("time", &answer_time(upstream.clock.now()));
    });
    Reply::json(200, json.into_string())
}

impl Call {
    async fn read(company: Option<usize>, resource: String, request: Request) -> Self {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
        let parameters = Query::<Parameters>::try_from_uri(&head.uri)
            .map(|Query(read)| read)
            .unwrap_or_default();
        let statement = statement(&head.method, &resource, parameters, &body);
        let named = statement
            .as_deref()
            .and_then(query::entity_of)
            .unwrap_or(&resource);
        let entity = entity_named(named.split('/').next().unwrap_or(named)).map(|entity| entity.name);
        let path = head.uri.path().to_owned();
        Self {
            company,
            environment: environment(&path, &head.headers),
            resource,
            statement,
            entity,
            bearer: bearer(&head.headers),
            accepts_json: says(&head.headers, ACCEPT.as_str(), "json"),
            accepts_gzip: says(&head.headers, ACCEPT_ENCODING.as_str(), "gzip"),
            method: head.method,
            path,
        }
    }
}

fn statement(method: &Method, resource: &str, parameters: Parameters, body: &Bytes) -> Option<String> {
    if resource != "query" {
        return None;
    }
    if *method == Method::POST && !body.is_empty() {
        return Some(String::from_utf8_lossy(body).into_owned());
    }
    parameters.query
}

/// The world that the path's prefix or the host's name says; none where neither does.
fn environment(path: &str, headers: &HeaderMap) -> Option<Environment> {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    if path.starts_with("/sandbox/") || host.starts_with("sandbox-quickbooks.") {
        Some(Environment::Sandbox)
    } else if path.starts_with("/production/") || host.starts_with("quickbooks.") {
        Some(Environment::Production)
    } else {
        None
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

fn says(headers: &HeaderMap, name: &str, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains(word)))
}
