//! Client: the connector. Every method that asks is one request, but for [`Connector::identify`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ledgerfleet_model::{Failure, FailureKind, Position, Served};
use ledgerfleet_telemetry::traces;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION};

use super::faults::refused;
use super::key::Key;
use super::pages::{find_one, read_company, read_one, read_page};
use super::paging::{Place, rows_of_reading};
use super::request::{Parameters, described, list_address, parameters, record_address};
use super::source::{Paging, source};
use crate::http::{Answer, HttpClient};
use crate::{
    Connector, Dialect, Endpoints, EntitySpec, Identity, LookUp, Page, PageRequest, RecordRequest,
    RecordsRequest, Target,
};

/// How long an id of the API is; everything else is a name that stands for one.
const ID: usize = 16;

/// Contífico.
#[derive(Debug)]
struct Contifico {
    http: HttpClient,
    api: Option<String>,
    /// Whether lists that have another path were last found there.
    elsewhere: AtomicBool,
}

/// Makes the connector.
pub(super) fn build(endpoints: Endpoints, http: HttpClient) -> Arc<dyn Connector> {
    Arc::new(Contifico {
        http,
        api: endpoints.api_url,
        elsewhere: AtomicBool::new(false),
    })
}

#[async_trait]
impl Connector for Contifico {
    async fn page(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure> {
        let place = Place::of(request.from)?;
        let request = &fitting(request, place);
        let path = self.list_of(request.entity);
        let parameters = parameters(request, place);
        let answer = self.list(target, path, &parameters).await?;
        let page = read_page(&answer, request, place)
            .map_err(|failure| self.of_list(failure, request.entity, path))
            .map_err(|failure| asked(failure, &described(path, &parameters)))?;
        Ok(Page {
            held: answer.held,
            ..page
        })
    }

    async fn identify(&self, target: &Target<'_>) -> Result<Identity, Failure> {
        let answer = self.list(target, "v2/pos", &Parameters::new()).await?;
        if let Some((ruc, name)) = read_company(&answer) {
            return Ok(Identity {
                name: format!("{name}, RUC {ruc}"),
                account: Some(ruc),
            });
        }
        // Not every company has points of sale with a tax number, or version 2. Every one answers this.
        let answer = self.list(target, "v1/bodega", &Parameters::new()).await?;
        if answer.status != 200 {
            return Err(asked(refused(&answer), "GET v1/bodega/"));
        }
        let name = "a company of which Contífico tells no RUC".to_owned();
        Ok(Identity::named(name))
    }

    fn describe(&self, request: &PageRequest<'_>) -> String {
        let place = Place::of(request.from).unwrap_or_default();
        let request = &fitting(request, place);
        described(self.list_of(request.entity), &parameters(request, place))
    }

    fn is_in_order(&self, from: &Position) -> bool {
        *from == Position::start()
    }

    fn rows_of_reading(&self, entity: &EntitySpec, rows: u32, reading: u32) -> u32 {
        match source(entity).paging {
            Paging::Pages => rows_of_reading(rows, reading),
            Paging::Whole | Paging::Results => rows,
        }
    }

    fn may_serve_fewer(&self, failure: &Failure) -> bool {
        failure.kind == FailureKind::Timeout || failure.status.is_some_and(|status| status >= 500)
    }

    fn look_up(&self) -> Option<&dyn LookUp> {
        Some(self)
    }
}

#[async_trait]
impl LookUp for Contifico {
    fn goes_with_others(&self, _: &EntitySpec, _: &str, _: Dialect) -> bool {
        false
    }

    async fn record(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure> {
        let RecordRequest { entity, id, .. } = *request;
        if !source(entity).names.is_empty() && !is_id(id) {
            return self.named(target, entity, id).await;
        }
        let what = format!("GET {} {id}", entity.upstream);
        let key = self.key(target);
        let answer = self.send(&key, record_address(&key, entity, id)?, &what).await?;
        read_one(&answer, entity, id).map_err(|failure| asked(failure, &what))
    }

    async fn records(&self, _: &Target<'_>, _: &RecordsRequest<'_>) -> Result<Page, Failure> {
        let message = "Contífico takes one id at a time";
        Err(Failure::new(FailureKind::BadRequest, message))
    }
}

impl Contifico {
    /// The record of a name that stands for an id: by the parameter that takes it, else in the list, if one answer is all
    /// of it.
    async fn named(
        &self,
        target: &Target<'_>,
        entity: &'static EntitySpec,
        name: &str,
    ) -> Result<Option<Served>, Failure> {
        let parameters = match (source(entity).find_by, source(entity).paging) {
            (Some(parameter), _) => vec![(parameter, name.to_owned())],
            (None, Paging::Whole) => Parameters::new(),
            (None, Paging::Results | Paging::Pages) => {
                let message = format!("no request tells whether there is a {} {name}", entity.name);
                return Err(Failure::new(FailureKind::Unservable, message));
            }
        };
        let path = self.list_of(entity);
        let answer = self.list(target, path, &parameters).await?;
        find_one(&answer, entity, name).map_err(|failure| asked(failure, &described(path, &parameters)))
    }

    fn key<'a>(&'a self, target: &'a Target<'_>) -> Key<'a> {
        Key::of(target.access, self.api.as_deref())
    }

    fn list_of(&self, entity: &EntitySpec) -> &'static str {
        let source = source(entity);
        let other = source
            .other_list
            .filter(|_| self.elsewhere.load(Ordering::Relaxed));
        other.unwrap_or(source.list)
    }

    async fn list(
        &self,
        target: &Target<'_>,
        path: &str,
        parameters: &Parameters,
    ) -> Result<Answer, Failure> {
        let key = self.key(target);
        let what = described(path, parameters);
        self.send(&key, list_address(&key, path, parameters)?, &what)
            .await
    }

    async fn send(&self, key: &Key<'_>, url: Url, what: &str) -> Result<Answer, Failure> {
        let request = self
            .http
            .get(url)
            .header(AUTHORIZATION, key.header()?)
            .header(ACCEPT, "application/json");
        let answer = self.http.send(request).await;
        let answer = answer.map_err(|error| asked(error.into(), what))?;
        traces::answered(answer.status, None);
        if answer.status == 401 {
            return Err(asked(of_key(refused(&answer), key), what));
        }
        Ok(answer)
    }

    /// What it means that a list is refused.
    fn of_list(&self, failure: Failure, entity: &EntitySpec, path: &str) -> Failure {
        let source = source(entity);
        match failure.kind {
            FailureKind::NotFound if source.other_list.is_some() => {
                self.elsewhere.fetch_xor(true, Ordering::Relaxed);
                let message = format!(
                    "{}; {path} is not there, so its other path is asked next",
                    failure.message
                );
                Failure {
                    kind: FailureKind::UpstreamError,
                    message,
                    ..failure
                }
            }
            FailureKind::NotFound | FailureKind::Forbidden if entity.optional => Failure {
                kind: FailureKind::NotInPlan,
                ..failure
            },
            FailureKind::NotFound if source.paging == Paging::Pages => {
                let message = format!(
                    "{}; the API has no version 2 for this company, and no other list of {}",
                    failure.message, entity.name
                );
                Failure { message, ..failure }
            }
            _ => failure,
        }
    }
}

/// The same with the rows a page that its list can have.
fn fitting<'a>(request: &PageRequest<'a>, place: Place) -> PageRequest<'a> {
    let size = match source(request.entity).paging {
        Paging::Pages => rows_of_reading(request.size, 1),
        Paging::Whole | Paging::Results => request.size,
    };
    let size = place.rows(size);
    PageRequest { size, ..*request }
}

fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A refused key, and what may be wrong with it.
fn of_key(failure: Failure, key: &Key<'_>) -> Failure {
    let hint = if key.looks_like_a_token() {
        "this looks like the API token, and requests are made with the API key"
    } else {
        "no company has this API key (any more)"
    };
    let message = format!("{}; {hint}", failure.message);
    Failure { message, ..failure }
}

/// A failure with what was asked.
fn asked(failure: Failure, what: &str) -> Failure {
    Failure {
        request: Some(what.to_owned()),
        ..failure
    }
}
