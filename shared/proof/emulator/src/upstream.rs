//! The upstream: everything that the pretended API holds while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::books::Books;
use crate::books::blueprint::Draft;
use crate::books::book::Book;
use crate::books::entity::Removal;
use crate::books::mutation::{Mutation, Occasion};
use crate::books::mutation_error::MutationError;
use crate::books::mutation_kind::MutationKind;
use crate::clock::Clock;
use crate::contifico::{ContificoMutation, ContificoMutationError, Firm, Firms};
use crate::dice::{Dice, topic};
use crate::faults::{Facts, FaultBoard, Surface};
use crate::locks::{Lock, RwLock};
use crate::options::{CompanySpec, Connector, EmulatorOptions, Environment, Rate};
use crate::server::traffic::Traffic;
use crate::switches::Switches;
use crate::tokens::TokenStore;
use crate::webhooks::{Event, Verb, Webhooks};

/// The state behind every route.
pub(crate) struct Upstream {
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// Those of QuickBooks.
    pub(crate) companies: Vec<Company>,
    /// Those of Contífico.
    pub(crate) firms: Firms,
    pub(crate) tokens: TokenStore,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) faults: FaultBoard,
    pub(crate) clock: Clock,
    pub(crate) latency: Duration,
    pub(crate) webhooks: Arc<Webhooks>,
    switches: RwLock<Switches>,
    recurring: Lock<Vec<Recurring>>,
    mutations: AtomicU64,
    answers: AtomicU64,
    draws: AtomicU64,
    tid_seed: u64,
}

/// One company of the upstream.
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) realm: String,
    pub(crate) environment: Environment,
    pub(crate) refresh_token: String,
    pub(crate) books: Books,
}

/// A mutation that happens at every k-th request.
struct Recurring {
    company: usize,
    mutation: Mutation,
    every: u64,
    left: Option<u64>,
}

/// The keys and companies of an emulator, as `GET /__emulator/info` gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// Everything that can be connected.
    pub companies: Vec<CompanyInfo>,
}

/// One company of [`Info`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyInfo {
    /// Its name.
    pub name: String,
    /// Whose API it speaks: `quickbooks` or `contifico`.
    pub connector: String,
    /// Its id upstream: the realm, or the RUC.
    pub realm: String,
    /// Where it lives.
    pub environment: Environment,
    /// The token that consent gave; used tokens rotate away from it. Empty where keys are used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refresh_token: String,
    /// The key of a company of Contífico.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The token of its point of sale, which opens nothing by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_token: Option<String>,
}

impl Upstream {
    pub(crate) fn new(options: &EmulatorOptions, url: String) -> Self {
        let of = |connector| {
            options
                .companies
                .iter()
                .filter(move |spec| spec.connector == connector)
        };
        let companies: Vec<Company> = of(Connector::QuickBooks)
            .map(|spec| Company::new(options, spec))
            .collect();
        let firms = Firms::open(options, of(Connector::Contifico));
        let tokens = TokenStore::new(options.seed, options.clock.now().timestamp());
        for (index, company) in companies.iter().enumerate() {
            tokens.found_family(
                index,
                company.refresh_token.clone(),
                options.clock.now().timestamp(),
            );
        }
        let faults = FaultBoard::default();
        for spec in &options.faults {
            faults.set(spec.clone());
        }
        let mut keys = Dice::new(options.seed, topic("app keys"), 0);
        Self {
            url,
            client_id: format!("AB{}", keys.letters(48)),
            client_secret: keys.letters(40),
            tokens,
            traffic: Arc::new(Traffic::new(
                &rates(options, &companies, &firms),
                options.clock.clone(),
            )),
            faults,
            clock: options.clock.clone(),
            latency: options.latency,
            webhooks: Arc::new(Webhooks::new(options.seed)),
            switches: RwLock::new(options.switches),
            recurring: Lock::default(),
            mutations: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            draws: AtomicU64::new(0),
            tid_seed: keys.next(),
            companies,
            firms,
        }
    }

    pub(crate) fn switches(&self) -> Switches {
        *self.switches.read()
    }

    pub(crate) fn set_switches(&self, switches: Switches) {
        *self.switches.write() = switches;
    }

    /// The company of that name or realm.
    pub(crate) fn company(&self, name: &str) -> Option<usize> {
        self.companies
            .iter()
            .position(|company| company.name == name || company.realm == name)
    }

    /// The place of a firm among all whose traffic is counted.
    pub(crate) fn firm_traffic(&self, place: usize) -> usize {
        self.companies.len() + place
    }

    /// A number that no other answer has.
    pub(crate) fn next_answer(&self) -> u64 {
        self.draws.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The id that every answer carries and that support would ask for.
    pub(crate) fn next_tid(&self) -> String {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let noise = Dice::new(self.tid_seed, topic("tid"), number).next();
        format!("1-{:08x}-{number:08x}{noise:016x}", self.clock.now().timestamp())
    }

    pub(crate) fn info(&self) -> Info {
        let info = |company: &Company| CompanyInfo {
            name: company.name.clone(),
            connector: "quickbooks".to_owned(),
            realm: company.realm.clone(),
            environment: company.environment,
            refresh_token: company.refresh_token.clone(),
            api_key: None,
            api_token: None,
        };
        let of_firm = |firm: &Firm| CompanyInfo {
            name: firm.name.clone(),
            connector: "contifico".to_owned(),
            realm: firm.ruc.clone(),
            environment: Environment::Production,
            refresh_token: String::new(),
            api_key: Some(firm.api_key()),
            api_token: Some(firm.api_token.clone()),
        };
        Info {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            companies: self
                .companies
                .iter()
                .map(info)
                .chain(self.firms.all().iter().map(of_firm))
                .collect(),
        }
    }

    /// Does a mutation once; the ids it touched.
    pub(crate) fn mutate(&self, mutation: &Mutation) -> Result<Vec<String>, MutationError> {
        let index = self.company_of(mutation)?;
        let company = &self.companies[index];
        let book = company
            .books
            .book(&mutation.entity)
            .ok_or_else(|| MutationError::Entity(mutation.entity.clone()))?;
        let now = self.clock.now().timestamp();
        let facts = Facts {
            surface: Surface::Api,
            company: Some((&company.name, &company.realm)),
            entity: Some(book.entity.name),
            path: "",
        };
        let occasion = Occasion {
            now,
            visible_at: now + i64::from(self.faults.visibility_delay(&facts)),
            number: self.mutations.fetch_add(1, Ordering::Relaxed),
        };
        let deposits = company.books.deposits_of(book.entity);
        let ids = mutation.apply(&company.books.blueprint, book, deposits, occasion)?;
        self.tell(company, book, mutation.kind, &ids);
        Ok(ids)
    }

    /// Sends webhooks of what was done, where anything tells of it.
    fn tell(&self, company: &Company, book: &Book, kind: MutationKind, ids: &[String]) {
        let verb = match kind {
            MutationKind::Create => Verb::Create,
            MutationKind::Delete if book.entity.removal == Removal::Vanishes => Verb::Delete,
            MutationKind::Void => Verb::Void,
            MutationKind::Delete
            | MutationKind::Update
            | MutationKind::Touch
            | MutationKind::Redate
            | MutationKind::LateChange
            | MutationKind::Odd => Verb::Update,
            MutationKind::Link | MutationKind::Spoil | MutationKind::Mend => return,
        };
        let at = self.clock.now();
        self.webhooks.tell(ids.iter().map(|id| Event {
            realm: company.realm.clone(),
            entity: book.entity.api,
            id: id.clone(),
            verb,
            at,
            number: self.draws.fetch_add(1, Ordering::Relaxed),
        }));
    }

    /// Plans a mutation for every k-th request of its company.
    pub(crate) fn mutate_every(&self, mutation: Mutation, every: u64) -> Result<(), MutationError> {
        let company = self.company_of(&mutation)?;
        let book = self.companies[company].books.book(&mutation.entity);
        let book = book.ok_or_else(|| MutationError::Entity(mutation.entity.clone()))?;
        mutation.check(book.entity)?;
        let left = mutation.times;
        self.recurring.lock().push(Recurring {
            company,
            mutation,
            every,
            left,
        });
        Ok(())
    }

    /// Does or plans a mutation of a firm; the ids it touched.
    pub(crate) fn mutate_firm(
        &self,
        mutation: ContificoMutation,
    ) -> Result<Vec<String>, ContificoMutationError> {
        let unknown = || ContificoMutationError::Company(mutation.company.clone());
        let firm = self.firms.find(&mutation.company).ok_or_else(unknown)?;
        let facts = Facts {
            surface: Surface::Api,
            company: Some((&firm.name, &firm.ruc)),
            entity: None,
            path: "",
        };
        let hidden = self.faults.visibility_delay(&facts);
        firm.mutate(mutation, self.clock.now().timestamp(), hidden)
    }

    pub(crate) fn stop_recurring_mutations(&self) {
        self.firms.stop_recurring_mutations();
        self.recurring.lock().clear();
    }

    /// Does what is planned for the n-th request of a company.
    pub(crate) fn mutate_at_request(&self, company: usize, number: u64) {
        let due: Vec<Mutation> = {
            let mut recurring = self.recurring.lock();
            let due = recurring
                .iter_mut()
                .filter_map(|plan| plan.due(company, number))
                .collect();
            recurring.retain(|plan| plan.left != Some(0));
            due
        };
        for mutation in due {
            // It was checked when it was planned; later only the records can run out, and then nothing changes.
            let _ = self.mutate(&mutation);
        }
    }

    fn company_of(&self, mutation: &Mutation) -> Result<usize, MutationError> {
        self.company(&mutation.company)
            .ok_or_else(|| MutationError::Company(mutation.company.clone()))
    }
}

/// What each company admits. Contífico announces no limit, so that upstream's own are those of QuickBooks.
fn rates(options: &EmulatorOptions, companies: &[Company], firms: &Firms) -> Vec<Rate> {
    let unlimited = match options.rate {
        Rate::Enforce => Rate::Off,
        rate => rate,
    };
    let of_companies = companies.iter().map(|_| options.rate);
    of_companies
        .chain(firms.all().iter().map(|_| unlimited))
        .collect()
}

impl Recurring {
    fn due(&mut self, company: usize, number: u64) -> Option<Mutation> {
        if self.company != company || !number.is_multiple_of(self.every) {
            return None;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(self.mutation.clone())
    }
}

impl Company {
    fn new(options: &EmulatorOptions, spec: &CompanySpec) -> Self {
        // Drawn from the name and not from the place in the list: another company beside it changes nothing.
        let mut dice = Dice::new(options.seed, topic("company"), topic(&spec.name));
        let realm = format!("9341{:012}", dice.below(1_000_000_000_000));
        Self {
            name: spec.name.clone(),
            realm: realm.clone(),
            environment: spec.environment,
            refresh_token: format!("AB11{}", dice.letters(46)),
            books: Books::open(Draft {
                seed: dice.next(),
                company: spec.name.clone(),
                realm,
                plan: spec.plan,
                currencies: spec.currencies,
                size: spec.size,
                region: spec.region,
                days: options.days,
                as_of: options.as_of,
            }),
        }
    }
}
