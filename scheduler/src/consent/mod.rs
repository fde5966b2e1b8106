//! Consent: a person is sent to an upstream's page, comes back with a code, and the company that was chosen there is
//! connected. The one way for the command line and for HTTP.
//!
//! 1. [`Consenting::begin`] makes a state of 256 random bits, keeps its hash in the ledger with the company's name, and
//!    answers the page's address.
//! 2. The person comes back to the redirect address; what came with it is read strictly ([`Returned`]).
//! 3. [`Consenting::complete`] takes the state, which is used once; refuses another company than the name has; and only
//!    then exchanges the code, and stores what was granted.
//! 4. The company is asked who it is: the realm that came with the code is no more than a parameter. What does not open
//!    that realm's books waits for a person, before anything is read.

mod asked;
pub(crate) mod listener;
mod page;
mod returned;

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use ledgerfleet_access::{Code, patiently};
use ledgerfleet_connectors::OAuth;
use ledgerfleet_ledger::{Consent, ConsentOutcome, ConsentProgress, ConsentTaken, NewConnection};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment};
use ledgerfleet_planning::sync::sync_at_once;
use ledgerfleet_planning::{connection_named, ring};
use ledgerfleet_wiring::Parts;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::commands::connection::add::{Added, add_or_reconnect, existing};
use crate::commands::model;
use crate::exit::{Exit, Problem, explained};
use crate::output::Talk;
pub(crate) use page::{said, shown};
pub(crate) use returned::{Answer, Returned, Stray, of_pasted};

/// A person has so long for the upstream's page.
pub(crate) const LIVES: Duration = Duration::from_mins(10);

/// Who comes with the same redirect a second time within this time is told the same: a name that resolves to two addresses
/// makes a browser come twice.
const SAME: Duration = Duration::from_secs(5);

/// Which company is to be connected.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) connector: String,
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) time_zone: Tz,
    /// Where the person comes back to.
    pub(crate) redirect_url: String,
}

/// A consent that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The upstream's page.
    pub(crate) address: String,
    /// What the ledger knows it by.
    pub(crate) state_hash: String,
}

/// What became of a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connected {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) added: Added,
    /// As its upstream calls it; none where it could not be asked at that moment.
    pub(crate) company: Option<String>,
}

impl Connected {
    /// For people.
    pub(crate) fn told(&self) -> String {
        let Self {
            name,
            account,
            added,
            company,
        } = self;
        let told = match added {
            Added::New => format!("{name} is connected: realm {account}"),
            Added::Again(_) => {
                format!("{name} is connected again: realm {account}, with its records, coverage and history")
            }
            Added::Updated => format!("{name} is authorised again: realm {account}; what waited goes on"),
        };
        match company {
            Some(company) => format!("{told}; it answers: it is {company}"),
            None => format!(
                "{told}; it could not be asked now whose books it opens: scheduler connection test {name}"
            ),
        }
    }
}

/// Connects companies. Cloning shares what is under way.
#[derive(Debug, Clone)]
pub(crate) struct Consenting {
    parts: Parts,
    talk: Talk,
    /// The last redirect that was answered: held while one is, so that a second one waits for the first.
    last: Arc<Mutex<Option<Last>>>,
}

#[derive(Debug)]
struct Last {
    of: String,
    at: Instant,
    ended: Result<Connected, Problem>,
}

impl Consenting {
    pub(crate) fn new(parts: &Parts, talk: &Talk) -> Self {
        Self {
            parts: parts.clone(),
            talk: talk.clone(),
            last: Arc::default(),
        }
    }

    /// Begins a consent.
    pub(crate) async fn begin(&self, wish: &Wish) -> anyhow::Result<Begun> {
        let state = random_state();
        let page = self.oauth(&wish.connector)?;
        let page = page
            .0
            .oauth()
            .map(|oauth| oauth.consent_page(&wish.redirect_url, &state));
        let address = match page {
            Some(Ok(address)) => address,
            Some(Err(error)) => {
                let next = "set them (https://developer.intuit.com/ shows them), then begin anew";
                return Err(Problem::new(Exit::NeedsAuthorisation, error.to_string(), next).into());
            }
            None => return Err(without_consent(&wish.connector).into()),
        };
        let consent = Consent {
            state_hash: hash(&state),
            connector: wish.connector.clone(),
            name: wish.name.clone(),
            environment: wish.environment,
            time_zone: wish.time_zone,
            redirect_url: wish.redirect_url.clone(),
        };
        self.parts.ledger.begin_consent(&consent, LIVES).await?;
        Ok(Begun {
            address,
            state_hash: consent.state_hash,
        })
    }

    /// Answers a person who has come back with a state.
    pub(crate) async fn complete(&self, returned: &Returned) -> Result<Connected, Problem> {
        let of = returned.fingerprint();
        let mut last = self.last.lock().await;
        if let Some(known) = &*last
            && known.of == of
            && known.at.elapsed() < SAME
        {
            return known.ended.clone();
        }
        // It goes on when the browser has gone away: what was granted must be stored.
        let (this, returned) = (self.clone(), returned.clone());
        let ended = tokio::spawn(async move { this.take_and_connect(&returned).await }).await;
        let ended = ended.unwrap_or_else(|_| {
            Err(Problem::new(
                Exit::Failed,
                "connecting the company was stopped",
                "begin anew",
            ))
        });
        *last = Some(Last {
            of,
            at: Instant::now(),
            ended: ended.clone(),
        });
        ended
    }

    async fn take_and_connect(&self, returned: &Returned) -> Result<Connected, Problem> {
        let state_hash = hash(&returned.state);
        let taken = self.parts.ledger.take_consent(&state_hash).await;
        let consent = match taken.map_err(|error| explained(&error.into()))? {
            ConsentTaken::Now(consent) => consent,
            ConsentTaken::Used => return Err(self.used(&state_hash).await),
            ConsentTaken::Expired => {
                return Err(stale("its ten minutes are over"));
            }
            ConsentTaken::Unknown => return Err(stale("nobody here has given it out")),
        };
        let ended = match &returned.answer {
            Answer::Granted { code, realm } => self
                .connect(&wish_of(&consent), code, realm)
                .await
                .map_err(|error| explained(&error)),
            Answer::Refused(why) => Err(Problem::new(
                Exit::NeedsAuthorisation,
                format!("{} was not connected: {why}", consent.name),
                format!("scheduler connection authorize --name {}", consent.name),
            )),
        };
        let (outcome, told) = match (&ended, &returned.answer) {
            (Ok(connected), _) => (ConsentOutcome::Connected, connected.told()),
            (Err(problem), Answer::Refused(_)) => (ConsentOutcome::Refused, problem.what.clone()),
            (Err(problem), _) => (ConsentOutcome::Failed, whole(problem)),
        };
        let written = self.parts.ledger.end_consent(&state_hash, outcome, &told).await;
        if let Err(error) = written {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "how a consent ended could not be written down"
            );
        }
        ended
    }

    /// Connects the company of that realm under a name, or authorises it again.
    pub(crate) async fn connect(
        &self,
        wish: &Wish,
        code: &SecretString,
        realm: &str,
    ) -> anyhow::Result<Connected> {
        let wanted = NewConnection {
            id: ConnectionId::new(),
            name: wish.name.clone(),
            connector: wish.connector.clone(),
            account: realm.to_owned(),
            environment: wish.environment,
            time_zone: wish.time_zone,
            requests_per_second: None,
            slots: None,
        };
        let code = Code {
            code,
            redirect_url: &wish.redirect_url,
        };
        let all = self.parts.ledger.connections().await?;
        refuse_another_company(&all, &wanted)?;
        let (added, company) = match existing(&all, &wanted)? {
            Some(connection) => self.authorise_again(connection, &code).await?,
            None => self.connect_new(wanted, &code).await?,
        };
        model::follow(&*self.parts.ledger, &self.talk).await;
        Ok(Connected {
            name: wish.name.clone(),
            account: realm.to_owned(),
            added,
            company,
        })
    }

    /// What is told of a state that was used. Whoever took it may have ended with the code exchanged and nothing stored.
    async fn used(&self, state_hash: &str) -> Problem {
        let progress = self.parts.ledger.consent_progress(state_hash).await;
        match progress {
            Ok(ConsentProgress::Taken) => stale(
                "it was used before, and how that ended was not written down: either it is still under way, or the process \
                 that took it has ended. A code is good for one exchange, and no company has lost anything: if \
                 `scheduler connection list` does not show the company, or shows that it waits, consent once more",
            ),
            _ => stale("it was used before: each is good for one return"),
        }
    }

    /// All that is stored of the company stays; what waited for a person goes on. A company that somebody has paused stays
    /// paused.
    async fn authorise_again(
        &self,
        connection: &Connection,
        code: &Code<'_>,
    ) -> anyhow::Result<(Added, Option<String>)> {
        self.parts.access.reauthorise(connection, code).await?;
        let company = asked::company(&self.parts, connection).await?;
        let ledger = &self.parts.ledger;
        // A worker that met the old credential while the code was exchanged may have stopped the company meanwhile.
        let now = patiently(|| ledger.connection(connection.id)).await?;
        if now.is_some_and(|now| now.state == ConnectionState::NeedsReauthorisation) {
            patiently(|| ledger.set_connection_state(connection.id, ConnectionState::Active, None)).await?;
        }
        sync_at_once(&**ledger, connection.id).await?;
        let subject = connection.id.to_string();
        let detail = serde_json::json!({ "name": connection.name });
        ledger
            .note_audit("connection.authorise", Some(&subject), detail)
            .await?;
        ring(&*self.parts.bell).await;
        Ok((Added::Updated, company))
    }

    async fn connect_new(
        &self,
        wanted: NewConnection,
        code: &Code<'_>,
    ) -> anyhow::Result<(Added, Option<String>)> {
        let access = &self.parts.access;
        let fresh = access.redeem(&wanted.connector, code).await?;
        let seal = |id, version| access.seal_fresh(id, version, &fresh);
        let name = wanted.name.clone();
        let added = add_or_reconnect(&self.parts, wanted, &seal).await?;
        let connection = connection_named(&*self.parts.ledger, &name).await?;
        let company = asked::company(&self.parts, &connection).await?;
        Ok((added, company))
    }

    fn oauth(&self, connector: &str) -> Result<Consents, Problem> {
        let known = self.parts.connectors.get(connector).cloned();
        let known = known.filter(|connector| connector.oauth().is_some());
        known.map(Consents).ok_or_else(|| without_consent(connector))
    }

    /// The redirect address of the upstream's own tool for developers.
    pub(crate) fn playground(&self, connector: &str) -> Option<&'static str> {
        let known = self.oauth(connector).ok()?;
        known.0.oauth().and_then(OAuth::playground)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// A connector whose companies are connected by consent.
struct Consents(Arc<dyn ledgerfleet_connectors::Connector>);

fn wish_of(consent: &Consent) -> Wish {
    Wish {
        connector: consent.connector.clone(),
        name: consent.name.clone(),
        environment: consent.environment,
        time_zone: consent.time_zone,
        redirect_url: consent.redirect_url.clone(),
    }
}

/// A person who chooses the wrong company on the page would mix two companies' books. The code is not exchanged: it ends by
/// itself.
fn refuse_another_company(all: &[Connection], wanted: &NewConnection) -> Result<(), Problem> {
    let named = all.iter().find(|connection| connection.name == wanted.name);
    let Some(other) = named.filter(|connection| connection.account != wanted.account) else {
        return Ok(());
    };
    let (name, realm, chosen) = (&wanted.name, &other.account, &wanted.account);
    Err(Problem::new(
        Exit::NeedsAuthorisation,
        format!("{name} is the company of realm {realm}, and on the page the company of realm {chosen} was chosen"),
        format!(
            "scheduler connection authorize --name {name}, and choose the company of realm {realm}; or another --name for \
             the one of realm {chosen}"
        ),
    )
    .because("nothing was changed: two companies under one name would mix their books"))
}

fn without_consent(connector: &str) -> Problem {
    Problem::usage(
        format!("a company of `{connector}` is not connected by consent"),
        "scheduler connection add --help",
    )
}

fn stale(why: &str) -> Problem {
    Problem::new(
        Exit::NeedsAuthorisation,
        "this return from the consent page is not accepted",
        "begin anew: scheduler connection authorize --name NAME",
    )
    .because(format!("of its state is known: {why}"))
}

/// All that is told of a problem, in one text.
pub(crate) fn whole(problem: &Problem) -> String {
    let why = problem
        .why
        .as_deref()
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    format!("{}{why}; {}", problem.what, problem.next)
}

fn random_state() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Returned {
    /// Tells one return from another, without its code.
    fn fingerprint(&self) -> String {
        let answer = match &self.answer {
            Answer::Granted { code, realm } => format!("{}\n{realm}", code.expose_secret()),
            Answer::Refused(why) => why.clone(),
        };
        hash(&format!("{}\n{answer}", self.state))
    }
}
