//! An emulator: starts the upstream on a socket and stops it again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::{Datelike, NaiveDate};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::books::mutation::Mutation;
use crate::books::mutation_error::MutationError;
use crate::books::truth::{TruthError, TruthFilter, TruthLine, TruthTotal};
use crate::clock::Clock;
use crate::contifico::{self, ContificoMutation, ContificoMutationError};
use crate::control::{self, Summary};
use crate::faults::FaultSpec;
use crate::options::{EmulatorOptions, is_name, name_companies};
use crate::quickbooks;
use crate::server::wire::{Cord, Door};
use crate::switches::Switches;
use crate::upstream::{Info, Upstream};
use crate::webhooks::{WebhookReport, WebhookTarget};

/// Starts emulators.
#[derive(Debug)]
pub struct Emulator;

/// An emulator that answers until it is shut down or dropped.
pub struct RunningEmulator {
    upstream: Arc<Upstream>,
    address: SocketAddr,
    stop: CancellationToken,
    connections: CancellationToken,
    server: Option<JoinHandle<()>>,
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Nothing to emulate.
    #[error("an emulator needs at least one company")]
    NoCompany,
    /// Two companies of one name, or one without a proper one.
    #[error("`{0}` cannot name one company")]
    CompanyName(String),
    /// No day, or more than a century.
    #[error("books cover 1 to {most} days, not {0}", most = EmulatorOptions::MAX_DAYS)]
    Days(u32),
    /// A year that calendars disagree about.
    #[error("books end in a year from 1900 to 9000, not on {0}")]
    AsOf(NaiveDate),
}

impl Emulator {
    /// Binds, computes the books' indexes and answers from then on. Needs a tokio runtime around it.
    pub async fn start(mut options: EmulatorOptions) -> Result<RunningEmulator, StartError> {
        name_companies(&mut options.companies);
        check(&options)?;
        let bind = |source| StartError::Bind {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let upstream = Arc::new(Upstream::new(&options, format!("http://{address}")));
        let (stop, connections) = (CancellationToken::new(), CancellationToken::new());
        let routes: Router = control::routes()
            .merge(quickbooks::routes())
            .merge(contifico::routes())
            .with_state(Arc::clone(&upstream));
        tokio::spawn(Arc::clone(&upstream.webhooks).keep_sending(connections.clone()));
        let door = Door {
            listener,
            all: connections.clone(),
        };
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let service = routes.into_make_service_with_connect_info::<Cord>();
            // It ends by the stop signal; axum has no other outcome.
            let _ = axum::serve(door, service).with_graceful_shutdown(stopped).await;
        });
        Ok(RunningEmulator {
            upstream,
            address,
            stop,
            connections,
            server: Some(server),
        })
    }
}

fn check(options: &EmulatorOptions) -> Result<(), StartError> {
    if options.companies.is_empty() {
        return Err(StartError::NoCompany);
    }
    if !(1..=EmulatorOptions::MAX_DAYS).contains(&options.days) {
        return Err(StartError::Days(options.days));
    }
    if !(1900..=9000).contains(&options.as_of.year()) {
        return Err(StartError::AsOf(options.as_of));
    }
    let mut names = BTreeSet::new();
    for company in &options.companies {
        if !is_name(&company.name) || !names.insert(&company.name) {
            return Err(StartError::CompanyName(company.name.clone()));
        }
    }
    Ok(())
}

/// How long answers under way may take when the emulator is shut down.
const DRAIN: Duration = Duration::from_secs(2);

impl RunningEmulator {
    /// Its root, without a slash at the end: API and token endpoints hang off it.
    pub fn url(&self) -> &str {
        &self.upstream.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its keys and companies.
    pub fn info(&self) -> Info {
        self.upstream.info()
    }

    /// The clock it follows.
    pub fn clock(&self) -> &Clock {
        &self.upstream.clock
    }

    /// Sends webhooks there from now on, or nowhere.
    pub fn send_webhooks(&self, target: Option<WebhookTarget>) {
        self.upstream.webhooks.aim(target);
    }

    /// What became of the webhooks.
    pub fn webhooks(&self) -> WebhookReport {
        self.upstream.webhooks.report()
    }

    /// Puts a fault in force and tells its id.
    pub fn set_fault(&self, spec: FaultSpec) -> u64 {
        self.upstream.faults.set(spec)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.upstream.faults.clear();
    }

    /// Ends the consent of a company, as its owner does inside of upstream: all its tokens are dead.
    pub fn disconnect(&self, company: &str) -> Result<(), MutationError> {
        control::disconnect::perform(&self.upstream, company)
    }

    /// Shows other ones of the doubtful behaviours.
    pub fn set_switches(&self, switches: Switches) {
        self.upstream.set_switches(switches);
    }

    /// Changes records, now or at every k-th request; the ids changed now.
    pub fn mutate(&self, mutation: Mutation) -> Result<Vec<String>, MutationError> {
        control::mutate::perform(&self.upstream, mutation)
    }

    /// Changes records of a company of Contífico's, now or at every k-th request; the ids changed now.
    pub fn mutate_contifico(
        &self,
        mutation: ContificoMutation,
    ) -> Result<Vec<String>, ContificoMutationError> {
        self.upstream.mutate_firm(mutation)
    }

    /// Issues another key of a company of Contífico's; the ones before are dead.
    pub fn issue_key(&self, company: &str) -> Option<String> {
        Some(self.upstream.firms.find(company)?.issue())
    }

    /// Ends the mutations that recur.
    pub fn stop_mutations(&self) {
        self.upstream.stop_recurring_mutations();
    }

    /// What a correct copy of a company's entity holds.
    pub fn truth(
        &self,
        company: &str,
        entity: &str,
        filter: &TruthFilter,
    ) -> Result<Vec<TruthLine>, TruthError> {
        control::truth::collect(&self.upstream, company, entity, filter)
    }

    /// The complete text of a record, which its line's hash is of.
    pub fn text(&self, company: &str, entity: &str, id: &str) -> Option<String> {
        control::truth::text(&self.upstream, company, entity, id)
    }

    /// How many records each entity of a company has and what they come to.
    pub fn totals(&self, company: &str, filter: &TruthFilter) -> Result<Vec<TruthTotal>, TruthError> {
        control::truth::totals(&self.upstream, company, filter)
    }

    /// The owner of a company consents once more; the refresh token that the new consent gives.
    pub fn consent(&self, company: &str) -> Option<String> {
        let company = self.upstream.company(company)?;
        let now = self.upstream.clock.now().timestamp();
        Some(self.upstream.tokens.consent(company, now))
    }

    /// The refresh token that opens a company now: what a client must hold that has lost nothing.
    pub fn refresh_token(&self, company: &str) -> Option<String> {
        let company = self.upstream.company(company)?;
        self.upstream.tokens.current(company)
    }

    /// Every token and key that was ever issued: none of them may be found anywhere in clear.
    pub fn issued_tokens(&self) -> Vec<String> {
        let firms = self.upstream.firms.all().iter();
        let keys = firms.flat_map(|firm| firm.issued().chain([firm.api_token.clone()]));
        self.upstream.tokens.issued().into_iter().chain(keys).collect()
    }

    /// What each company saw of its clients.
    pub fn summary(&self) -> Summary {
        control::requests::summary(&self.upstream)
    }

    /// Stops accepting, lets answers under way finish for two seconds, then ends every connection.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // What is not done by then ends with the drop of `self`.
            let _ = tokio::time::timeout(DRAIN, server).await;
        }
    }
}

impl Drop for RunningEmulator {
    fn drop(&mut self) {
        self.stop.cancel();
        self.connections.cancel();
    }
}
