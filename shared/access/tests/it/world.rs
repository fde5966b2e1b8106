//! A world: an emulator, a ledger, one connection, and as many processes as a test wants.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_access::{Access, AccessError, AccessOptions, AccessToken, Reread, Spool};
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::{Charges, Connectors, Endpoints, Target};
use ledgerfleet_emulator::{
    Clock as UpstreamClock, CompanyInfo, DropMoment, Emulator, EmulatorOptions, FaultKind, FaultSpec, Rate,
    Rotation, RunningEmulator, Surface, Switches, TokenTraffic,
};
use ledgerfleet_ledger::sqlite::SqliteLedger;
use ledgerfleet_ledger::{Ledger, NewConnection, RefreshOutcome, SealedCredential};
use ledgerfleet_model::{Clock, Connection, ConnectionId, Environment, ManualClock, Timings, WorkerName};
use ledgerfleet_vault::{MasterKey, Place, Vault};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

/// The company that is connected.
const COMPANY: &str = "demo-us";

pub(crate) struct World {
    pub(crate) emulator: RunningEmulator,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) connection: Connection,
    clock: ManualClock,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let clock = ManualClock::at(start());
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = SqliteLedger::open(&path, Arc::new(clock.clone())).await.unwrap();
        Self::over(Arc::new(ledger), clock, folder).await
    }

    /// A world with that ledger.
    pub(crate) async fn on(ledger: Arc<dyn Ledger>) -> Self {
        Self::over(ledger, ManualClock::at(start()), TempDir::new().unwrap()).await
    }

    async fn over(ledger: Arc<dyn Ledger>, clock: ManualClock, folder: TempDir) -> Self {
        let options = EmulatorOptions {
            days: 2,
            rate: Rate::Off,
            clock: UpstreamClock::frozen_at(start()),
            ..EmulatorOptions::default()
        };
        let emulator = Emulator::start(options).await.unwrap();
        let vault = Arc::new(Vault::new(MasterKey::generate()));
        let company = emulator
            .info()
            .companies
            .into_iter()
            .find(|company| company.name == COMPANY)
            .unwrap();
        let connection = connect(&ledger, &vault, &company).await;
        Self {
            emulator,
            ledger,
            vault,
            connection,
            clock,
            folder,
        }
    }

    /// Every refresh gives another refresh token, and the old one is dead at once.
    pub(crate) fn rotate_at_every_refresh(&self) {
        self.emulator.set_switches(Switches {
            rotation: Rotation::EveryRefresh,
            ..Switches::default()
        });
    }

    /// What one process of the fleet has.
    pub(crate) fn process(&self) -> Access {
        self.process_with(&self.endpoints(), Arc::clone(&self.vault))
    }

    pub(crate) fn process_with(&self, endpoints: &Endpoints, vault: Arc<Vault>) -> Access {
        self.access(Arc::clone(&self.ledger), endpoints, vault, options(&self.spool()))
    }

    /// A process that has these keys, and reads them anew so.
    pub(crate) fn process_with_keys(&self, vault: Arc<Vault>, reread: Option<Reread>) -> Access {
        let options = AccessOptions {
            reread,
            ..options(&self.spool())
        };
        self.access(Arc::clone(&self.ledger), &self.endpoints(), vault, options)
    }

    /// A process with connections of its own to the ledger, and times of its own.
    pub(crate) fn process_over(&self, ledger: Arc<dyn Ledger>, timings: &Timings) -> Access {
        let options = AccessOptions {
            timings: *timings,
            ..options(&self.spool())
        };
        self.access(ledger, &self.endpoints(), Arc::clone(&self.vault), options)
    }

    /// A process whose spool is elsewhere.
    pub(crate) fn process_with_spool(&self, spool: &Path) -> Access {
        let ledger = Arc::clone(&self.ledger);
        self.access(ledger, &self.endpoints(), Arc::clone(&self.vault), options(spool))
    }

    fn access(
        &self,
        ledger: Arc<dyn Ledger>,
        endpoints: &Endpoints,
        vault: Arc<Vault>,
        options: AccessOptions,
    ) -> Access {
        let http = HttpClient::new(&Timings::default()).unwrap();
        let connectors = Arc::new(Connectors::build(&http, |_| endpoints.clone()));
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Access::new(ledger, vault, connectors, clock, options)
    }

    /// The folder that the processes of this world share.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// What lies in it.
    pub(crate) fn spooled(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.spool()).into_iter().flatten();
        files.map(|file| file.unwrap().path()).collect()
    }

    /// How the refreshes of the connection have ended, newest first. What the upstream has answered is told by its name.
    pub(crate) async fn story(&self) -> Vec<RefreshOutcome> {
        let story = self.ledger.refreshes(self.connection.id, 99).await.unwrap();
        for refresh in &story {
            use RefreshOutcome::{Granted, Recovered, Refused, Rotated, WrongKeys};
            let is_answered = [Granted, Rotated, Refused, WrongKeys, Recovered].contains(&refresh.outcome);
            assert!(!is_answered || refresh.transaction_id.is_some(), "{refresh:?}");
        }
        story.into_iter().map(|refresh| refresh.outcome).collect()
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let info = self.emulator.info();
        Endpoints {
            api_url: Some(self.emulator.url().to_owned()),
            oauth_url: Some(self.emulator.url().to_owned()),
            client_id: Some(info.client_id),
            client_secret: Some(SecretString::from(info.client_secret)),
        }
    }

    /// Lets time pass for everybody.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.emulator.clock().step(time);
    }

    /// Makes the token endpoint fail `times` times.
    pub(crate) fn token_fault(&self, fault: FaultKind, times: Option<u64>) {
        self.emulator.set_fault(FaultSpec {
            on: Some(Surface::Token),
            times,
            ..FaultSpec::always(fault)
        });
    }

    /// Makes the next token answer get lost after it took effect.
    pub(crate) fn lose_next_answer(&self) {
        self.token_fault(
            FaultKind::Drop {
                moment: DropMoment::After,
            },
            Some(1),
        );
    }

    /// What the token endpoint saw of the connection.
    pub(crate) fn traffic(&self) -> TokenTraffic {
        self.emulator.summary().company(COMPANY).unwrap().tokens.clone()
    }

    /// The stored credential, and the JSON that is sealed in it.
    pub(crate) async fn stored(&self) -> (SealedCredential, String) {
        let stored = self.ledger.credential(self.connection.id).await.unwrap().unwrap();
        let place = Place {
            table: "fleet.credentials",
            connection: self.connection.id,
            column: "sealed",
            version: stored.version,
        };
        let text = self.vault.open(&place, &stored.sealed).unwrap();
        (stored, text.expose_secret().to_owned())
    }

    /// The refresh token in the ledger.
    pub(crate) async fn stored_secret(&self) -> SecretString {
        let (_, text) = self.stored().await;
        let (_, rest) = text.split_once(r#""secret":""#).unwrap();
        SecretString::from(rest.split_once('"').unwrap().0)
    }

    /// Stores `secret` as a person or a sibling would, on top of what is stored.
    pub(crate) async fn replace(&self, secret: &SecretString) {
        let (stored, _) = self.stored().await;
        let new = self
            .process()
            .seal_replacement(self.connection.id, stored.version + 1, secret);
        assert!(
            self.ledger
                .replace_credential(self.connection.id, stored.version, &new)
                .await
                .unwrap()
        );
    }

    /// From now on the ledger refuses to store credentials, or no longer does.
    pub(crate) async fn refuse_to_store(&self, refuse: bool) {
        const REFUSE: &str = "CREATE TRIGGER refuse BEFORE UPDATE OF version ON fleet_credentials
            BEGIN SELECT RAISE(ABORT, 'no'); END";
        let mut file = self.file().await;
        let statement = if refuse { REFUSE } else { "DROP TRIGGER refuse" };
        sqlx::query(statement).execute(&mut file).await.unwrap();
    }

    /// Whether some process intends to refresh.
    pub(crate) async fn is_intended(&self) -> bool {
        const INTENDED: &str = "SELECT count(*) FROM fleet_credentials WHERE intent_worker IS NOT NULL";
        let mut file = self.file().await;
        let intended: i64 = sqlx::query_scalar(INTENDED).fetch_one(&mut file).await.unwrap();
        intended > 0
    }

    async fn file(&self) -> SqliteConnection {
        let path: PathBuf = self.folder.path().join("ledger.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Whether the upstream lets a token in.
    pub(crate) async fn works(&self, token: &AccessToken) -> bool {
        let http = HttpClient::new(&Timings::default()).unwrap();
        let connectors = Connectors::build(&http, |_| self.endpoints());
        let target = Target {
            account: &self.connection.account,
            environment: self.connection.environment,
            access: token.secret(),
            charges: &Charges::default(),
        };
        connectors
            .get("quickbooks")
            .unwrap()
            .identify(&target)
            .await
            .is_ok()
    }

    /// What a process that cannot get a token says.
    pub(crate) async fn refusal(&self, access: &Access) -> AccessError {
        let error = access.token(&self.connection).await.unwrap_err();
        let secret = self.stored_secret().await;
        assert!(
            !format!("{error} {error:?}").contains(secret.expose_secret()),
            "{error}"
        );
        error
    }
}

/// When every world begins.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_782_900_000, 0).unwrap()
}

fn options(spool: &Path) -> AccessOptions {
    AccessOptions {
        name: WorkerName::of_this_process("test"),
        timings: Timings::default(),
        spool: Spool::at(spool.to_owned()),
        reread: None,
    }
}

async fn connect(ledger: &Arc<dyn Ledger>, vault: &Arc<Vault>, company: &CompanyInfo) -> Connection {
    let http = HttpClient::new(&Timings::default()).unwrap();
    let connectors = Arc::new(Connectors::build(&http, |_| Endpoints::default()));
    let access = Access::new(
        Arc::clone(ledger),
        Arc::clone(vault),
        connectors,
        Arc::new(ledgerfleet_model::SystemClock),
        options(Path::new("never-used")),
    );
    let new = NewConnection {
        id: ConnectionId::new(),
        name: company.name.clone(),
        connector: company.connector.clone(),
        account: company.realm.clone(),
        environment: Environment::Sandbox,
        time_zone: chrono_tz::UTC,
        requests_per_second: None,
        slots: None,
    };
    let credential = access.seal_first(new.id, &SecretString::from(company.refresh_token.clone()));
    ledger.add_connection(&new, &credential).await.unwrap()
}

/// The text of a token, to compare.
pub(crate) fn text(token: &AccessToken) -> &str {
    token.secret().expose_secret()
}
