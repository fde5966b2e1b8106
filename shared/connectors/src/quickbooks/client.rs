//! Client: the connector. Every method but the constructor is one request.

use std::sync::Arc;

use async_trait::async_trait;
use ledgerfleet_model::{Environment, Failure, FailureKind, Position};
use ledgerfleet_telemetry::traces;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

use super::auth::{Issuer, PLAYGROUND};
use super::faults::transaction_id;
use super::pages::{Asked, read_company_name, read_count, read_page};
use super::paging::{Part, Place};
use super::query::{Query, part_of};
use super::source::{Source, source};
use crate::http::{Answer, HttpClient};
use crate::{
    AccessGrant, AuthenticationError, Changes, Connector, CountRequest, Counting, Dialect, Endpoints,
    EntitySpec, FindRequest, FirstDays, Identity, LookUp, OAuth, Page, PageRequest, Revocation, Target,
};

/// The version of the payloads. Since August 2025 a lower one is served as 75 (Intuit's blog, 2025-01-21).
const MINOR_VERSION: &str = "75";

/// Custom fields beyond the third are answered only to those who ask for them so.
const INCLUDE: &str = "enhancedAllCustomFields";

/// Statements longer than this are posted: how long an address may be is not documented.
const LONGEST_IN_ADDRESS: usize = 1_500;

/// QuickBooks Online.
#[derive(Debug)]
pub struct QuickBooks {
    pub(super) http: HttpClient,
    api: Option<String>,
    issuer: Issuer,
}

/// Where the API is.
pub(super) const fn api_address(environment: Environment) -> &'static str {
    match environment {
        Environment::Sandbox => "https://sandbox-quickbooks.api.intuit.com",
        Environment::Production => "https://quickbooks.api.intuit.com",
    }
}

/// Makes the connector.
pub(super) fn build(endpoints: Endpoints, http: HttpClient) -> Arc<dyn Connector> {
    Arc::new(QuickBooks::new(endpoints, http))
}

#[async_trait]
impl Connector for QuickBooks {
    async fn page(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure> {
        let place = place_of(request)?;
        let statement = Query::page(request, place).to_string();
        let answer = self.query(target, &statement).await?;
        let page = Asked {
            place,
            size: request.size,
            in_order: source(request.entity).orderable && request.dialect.order,
        };
        page_of(answer, request.entity, page)
            .map_err(|failure| asked(failure, &statement))
            .map_err(|failure| of_rows(failure, request.entity))
    }

    async fn identify(&self, target: &Target<'_>) -> Result<Identity, Failure> {
        let url = self.address(target, &["companyinfo", target.account])?;
        let answer = self.send(target, self.http.get(url), "GET companyinfo").await?;
        let name = read_company_name(&answer);
        name.map(Identity::named)
            .map_err(|failure| asked(failure, "GET companyinfo"))
    }

    fn describe(&self, request: &PageRequest<'_>) -> String {
        let place = place_of(request).unwrap_or_default();
        Query::page(request, place).to_string()
    }

    fn is_in_order(&self, from: &Position) -> bool {
        Place::of(from).is_ok_and(|place| !place.by_offset)
    }

    fn past_one(&self, from: &Position) -> Option<Position> {
        Some(Place::of(from).ok()?.past_one().position())
    }

    fn words(&self, entity: &EntitySpec) -> Dialect {
        let Source {
            orderable,
            countable,
            hides_inactive,
            ..
        } = *source(entity);
        Dialect {
            order: orderable,
            count: countable,
            several_ids: true,
            active_in: hides_inactive,
        }
    }

    fn oauth(&self) -> Option<&dyn OAuth> {
        Some(self)
    }

    fn counting(&self) -> Option<&dyn Counting> {
        Some(self)
    }

    fn first_days(&self) -> Option<&dyn FirstDays> {
        Some(self)
    }

    fn look_up(&self) -> Option<&dyn LookUp> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl OAuth for QuickBooks {
    async fn authenticate(&self, credential: &SecretString) -> Result<AccessGrant, AuthenticationError> {
        self.issuer.refresh(&self.http, credential).await
    }

    fn consent_page(&self, redirect_url: &str, state: &str) -> Result<String, AuthenticationError> {
        self.issuer.consent_page(redirect_url, state)
    }

    fn playground(&self) -> Option<&'static str> {
        Some(PLAYGROUND)
    }

    async fn redeem(
        &self,
        code: &SecretString,
        redirect_url: &str,
    ) -> Result<AccessGrant, AuthenticationError> {
        self.issuer.redeem(&self.http, code, redirect_url).await
    }

    async fn revoke(&self, credential: &SecretString) -> Result<Revocation, AuthenticationError> {
        self.issuer.revoke(&self.http, credential).await
    }
}

#[async_trait]
impl Counting for QuickBooks {
    fn parts(&self, entity: &EntitySpec, dialect: Dialect) -> u32 {
        match part_of(entity, dialect, Part::All) {
            Part::All => 1,
            Part::Active | Part::Inactive => 2,
        }
    }

    async fn count(&self, target: &Target<'_>, request: &CountRequest<'_>) -> Result<u64, Failure> {
        let statement = Query::count(request).to_string();
        let answer = self.query(target, &statement).await?;
        read_count(&answer)
            .map_err(|failure| asked(failure, &statement))
            .map_err(|failure| of_entity(failure, request.entity))
    }
}

impl QuickBooks {
    /// Makes one.
    pub fn new(endpoints: Endpoints, http: HttpClient) -> Self {
        let Endpoints {
            api_url,
            oauth_url,
            client_id,
            client_secret,
        } = endpoints;
        Self {
            http,
            api: api_url,
            issuer: Issuer {
                base: oauth_url,
                client_id,
                client_secret,
            },
        }
    }

    /// Fetches one page of the records that fulfil all conditions, inactive names among them unless a condition says
    /// otherwise. What the API does not document is refused unsent, as a bad request. One request.
    pub async fn find(&self, target: &Target<'_>, request: &FindRequest<'_>) -> Result<Page, Failure> {
        let place = Place::of(request.from)?;
        let statement = Query::find(request, place)
            .map_err(|why| Failure::new(FailureKind::BadRequest, why))?
            .to_string();
        let answer = self.query(target, &statement).await?;
        let page = Asked {
            place,
            size: request.size,
            in_order: source(request.entity).orderable && request.dialect.order,
        };
        page_of(answer, request.entity, page)
            .map_err(|failure| asked(failure, &statement))
            .map_err(|failure| of_rows(failure, request.entity))
    }
}

/// Where a page begins, and of which part it is.
fn place_of(request: &PageRequest<'_>) -> Result<Place, Failure> {
    let place = Place::of(request.from)?;
    Ok(Place {
        part: part_of(request.entity, request.dialect, place.part),
        ..place
    })
}

/// The page in an answer.
pub(super) fn page_of(answer: Answer, entity: &EntitySpec, asked: Asked) -> Result<Page, Failure> {
    let page = read_page(&answer, entity, asked)?;
    Ok(Page {
        held: answer.held,
        ..page
    })
}

/// An entity that may be refused, and is, is one that this company does not have.
fn of_entity(failure: Failure, entity: &EntitySpec) -> Failure {
    let is_refusal = matches!(failure.upstream_code.as_deref(), Some("4001" | "5020"));
    let kind = if entity.optional && is_refusal {
        FailureKind::NotInPlan
    } else {
        failure.kind
    };
    Failure { kind, ..failure }
}

/// What a fault means where rows were asked for. One record that the API cannot serve spoils every page that holds it:
/// one with an address it refuses as 400/4002 (QuickBooks-V3-Java-SDK#47, QuickBooks-V3-DotNET-SDK#81), another one as
/// 500/10000 (QuickBooks-V3-PHP-SDK#127). Pages that are too large end as 413, or as 504/6002.
pub(super) fn of_rows(failure: Failure, entity: &EntitySpec) -> Failure {
    let kind = match (failure.status, failure.upstream_code.as_deref()) {
        (Some(400), Some("4002")) | (Some(500), Some("10000")) => FailureKind::Unservable,
        (Some(413), _) | (Some(504), Some("6002")) => FailureKind::TooLarge,
        _ => return of_entity(failure, entity),
    };
    Failure { kind, ..failure }
}

impl QuickBooks {
    pub(super) async fn query(&self, target: &Target<'_>, statement: &str) -> Result<Answer, Failure> {
        let mut url = self.address(target, &["query"])?;
        let request = if statement.len() > LONGEST_IN_ADDRESS {
            self.http
                .post(url)
                .header(CONTENT_TYPE, "application/text")
                .body(statement.to_owned())
        } else {
            url.query_pairs_mut().append_pair("query", statement);
            self.http.get(url)
        };
        self.send(target, request, statement).await
    }

    pub(super) async fn send(
        &self,
        target: &Target<'_>,
        request: RequestBuilder,
        what: &str,
    ) -> Result<Answer, Failure> {
        let request = request
            .bearer_auth(target.access.expose_secret())
            .header(ACCEPT, "application/json");
        let answer = self.http.send(request).await;
        let answer = answer.map_err(|error| asked(error.into(), what))?;
        traces::answered(answer.status, transaction_id(&answer).as_deref());
        target.charges.note(answer.status);
        Ok(answer)
    }

    /// The address of something of the company. Each part is encoded, so that none of them can leave the company.
    pub(super) fn address(&self, target: &Target<'_>, parts: &[&str]) -> Result<Url, Failure> {
        let base = self.api.as_deref().unwrap_or(api_address(target.environment));
        let wrong = || {
            Failure::new(
                FailureKind::BadRequest,
                "the configured QuickBooks address is no address",
            )
        };
        let mut url = Url::parse(base).map_err(|_| wrong())?;
        url.path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .extend(["v3", "company", target.account])
            .extend(parts);
        url.query_pairs_mut()
            .append_pair("minorversion", MINOR_VERSION)
            .append_pair("include", INCLUDE);
        Ok(url)
    }
}

/// The failure with what was asked. What the upstream said has been through the scrubber of its answer.
pub(super) fn asked(failure: Failure, what: &str) -> Failure {
    Failure {
        request: Some(what.to_owned()),
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use ledgerfleet_emulator::{Emulator, EmulatorOptions, Rate};
    use ledgerfleet_model::Timings;

    use super::*;
    use crate::Charges;
    use crate::quickbooks::entities::entity;

    #[tokio::test]
    async fn a_long_statement_is_posted_and_means_the_same() {
        let options = EmulatorOptions {
            days: 5,
            rate: Rate::Off,
            ..EmulatorOptions::default()
        };
        let emulator = Emulator::start(options).await.unwrap();
        let info = emulator.info();
        let quickbooks = QuickBooks {
            http: HttpClient::new(&Timings::default()).unwrap(),
            api: Some(emulator.url().to_owned()),
            issuer: Issuer {
                base: Some(emulator.url().to_owned()),
                client_id: Some(info.client_id),
                client_secret: Some(SecretString::from(info.client_secret)),
            },
        };
        let company = &info.companies[0];
        let token = SecretString::from(company.refresh_token.clone());
        let access = quickbooks
            .oauth()
            .unwrap()
            .authenticate(&token)
            .await
            .unwrap()
            .access
            .unwrap();
        let target = Target {
            account: &company.realm,
            environment: Environment::Sandbox,
            access: &access,
            charges: &Charges::default(),
        };

        let ids = (1..=10)
            .chain(100_000..100_200)
            .map(|id| format!("'{id}'"))
            .collect::<Vec<_>>();
        let statement = |ids: &[String]| format!("SELECT * FROM Invoice WHERE Id IN ({})", ids.join(", "));
        assert!(statement(&ids).len() > LONGEST_IN_ADDRESS);
        let mut read = Vec::new();
        for statement in [statement(&ids[..10]), statement(&ids)] {
            let answer = quickbooks.query(&target, &statement).await.unwrap();
            let page = read_page(
                &answer,
                entity("invoice"),
                Asked {
                    size: 1_000,
                    ..Asked::default()
                },
            );
            let mut records = page.unwrap().records;
            records.sort_by(|one, other| one.id.cmp(&other.id));
            read.push(records);
        }
        assert_eq!(read[0].len(), 10);
        assert_eq!(read[0], read[1]);
    }
}
