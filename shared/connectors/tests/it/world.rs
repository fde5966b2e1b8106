//! A world: an emulator and the connector that asks it.

use std::sync::{Arc, LazyLock};

use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::quickbooks::QuickBooks;
use ledgerfleet_connectors::{Charges, Connector, Connectors, Endpoints, EntitySpec, PageRequest, Target};
use ledgerfleet_emulator::{
    CompanyInfo, Emulator, EmulatorOptions, OrderTies, Rate, RunningEmulator, Switches,
};
use ledgerfleet_model::{Environment, Failure, Position, Record, Timings, Window};
use secrecy::SecretString;

/// The company of every test that needs only one.
pub(crate) const COMPANY: &str = "demo-us";

pub(crate) struct World {
    pub(crate) emulator: RunningEmulator,
    pub(crate) quickbooks: Arc<dyn Connector>,
    /// The same, as what it is.
    pub(crate) finder: QuickBooks,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(EmulatorOptions {
            days: 40,
            rate: Rate::Off,
            ..EmulatorOptions::default()
        })
        .await
    }

    pub(crate) async fn with(options: EmulatorOptions) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        // One pass over pages sees all only where rows that share an instant lie as they lay.
        emulator.set_switches(Switches {
            order_ties: OrderTies::Settled,
            ..Switches::default()
        });
        let endpoints = endpoints(&emulator);
        Self {
            quickbooks: connector(&endpoints),
            finder: QuickBooks::new(endpoints, HttpClient::new(&Timings::default()).unwrap()),
            emulator,
        }
    }

    pub(crate) fn company(&self, name: &str) -> CompanyInfo {
        self.emulator
            .info()
            .companies
            .into_iter()
            .find(|company| company.name == name)
            .unwrap()
    }

    /// A fresh access token of that company.
    pub(crate) async fn access(&self, name: &str) -> SecretString {
        let refresh_token = SecretString::from(self.company(name).refresh_token);
        let grant = self
            .quickbooks
            .oauth()
            .unwrap()
            .authenticate(&refresh_token)
            .await
            .unwrap();
        grant.access.unwrap()
    }

    /// Every record of a window, page by page, in the order served.
    pub(crate) async fn read_all(
        &self,
        entity: &'static EntitySpec,
        window: &Window,
        size: u32,
    ) -> Vec<Record> {
        let (realm, access) = (self.company(COMPANY).realm, self.access(COMPANY).await);
        let (mut records, mut from) = (Vec::new(), Position::start());
        loop {
            let request = PageRequest {
                from: &from,
                ..PageRequest::first(entity, window, size)
            };
            let answer = self
                .quickbooks
                .page(&target(&realm, &access), &request)
                .await
                .unwrap();
            append(&mut records, answer.records);
            if !answer.more {
                break;
            }
            assert_ne!(answer.next, from, "pages go on");
            from = answer.next;
        }
        records
    }

    /// What a request for a page of all invoices fails with.
    pub(crate) async fn failure(&self, realm: &str, access: &SecretString) -> Failure {
        self.refusal(entity("invoice"), realm, access).await
    }

    /// What a request for a page of all of an entity fails with.
    pub(crate) async fn refusal(
        &self,
        entity: &'static EntitySpec,
        realm: &str,
        access: &SecretString,
    ) -> Failure {
        let request = PageRequest::of_all(entity, 50);
        self.quickbooks
            .page(&target(realm, access), &request)
            .await
            .unwrap_err()
    }
}

pub(crate) fn target<'a>(realm: &'a str, access: &'a SecretString) -> Target<'a> {
    Target {
        account: realm,
        environment: Environment::Sandbox,
        access,
        charges: &CHARGES,
    }
}

/// What no test looks at.
static CHARGES: LazyLock<Charges> = LazyLock::new(Charges::default);

pub(crate) fn endpoints(emulator: &RunningEmulator) -> Endpoints {
    let info = emulator.info();
    Endpoints {
        api_url: Some(emulator.url().to_owned()),
        oauth_url: Some(format!("{}/", emulator.url())),
        client_id: Some(info.client_id),
        client_secret: Some(SecretString::from(info.client_secret)),
    }
}

pub(crate) fn connector(endpoints: &Endpoints) -> Arc<dyn Connector> {
    let http = HttpClient::new(&Timings::default()).unwrap();
    let connectors = Connectors::build(&http, |_| endpoints.clone());
    Arc::clone(connectors.get("quickbooks").unwrap())
}

/// The entity of that name.
pub(crate) fn entity(name: &str) -> &'static ledgerfleet_connectors::EntitySpec {
    ledgerfleet_connectors::find_entity(&ledgerfleet_connectors::quickbooks::ENTRY, name).unwrap()
}

/// Appends a page: it begins with rows of the one before, the last of which is among them.
pub(crate) fn append(records: &mut Vec<Record>, page: Vec<Record>) {
    let is_known = |record: &Record| records.iter().any(|known| known.id == record.id);
    if let Some(last) = records.last() {
        assert!(page.iter().any(|record| record.id == last.id), "pages join");
    }
    let new: Vec<Record> = page.into_iter().filter(|record| !is_known(record)).collect();
    records.extend(new);
}
