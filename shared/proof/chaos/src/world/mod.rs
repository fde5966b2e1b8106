//! World: an upstream, a Redis, a Postgres and a fleet of one row's own. All of it ends when this is dropped.

mod desk;
mod fleet;
mod ground;
mod settings;
mod work;

use std::path::PathBuf;

use ledgerfleet_emulator::{Emulator, RunningEmulator};
use ledgerfleet_ledger::{NewConnection, PostgresLedger, PostgresOptions};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment};
use ledgerfleet_testkit::{FaultProxy, PrivatePostgres, PrivateRedis, Settings as PostgresSettings};
use ledgerfleet_wiring::{Opening, Parts, assemble};
use secrecy::SecretString;

pub use fleet::{Fleet, Hire, Worker};
use fleet::{get, postgres_url};
pub use ground::{Ground, Memory};
pub(crate) use work::last_days;
pub use work::{Asked, Wish};

use crate::audit;
use crate::{Programs, Stage};

/// A password that opens nothing: whoever writes URLs into logs writes it too.
const CANARY: &str = "canary-2f61b04c";

/// Everything that a row works with. The order is that in which it ends.
pub struct World {
    /// The workers.
    pub fleet: Fleet,
    /// The harness's own way to ledger, vault and bell: around every proxy.
    pub parts: Parts,
    /// The upstream, which knows the truth.
    pub emulator: RunningEmulator,
    /// Redis.
    pub redis: PrivateRedis,
    /// Postgres.
    pub postgres: PrivatePostgres,
    /// One for each company.
    pub connections: Vec<Connection>,
    /// What was asked for so far.
    pub asked: Vec<Asked>,
    /// What it was made of.
    pub ground: Ground,
    /// The row's folder.
    pub folder: PathBuf,
    programs: Programs,
    master_key: String,
}

impl World {
    /// Makes a world without workers.
    pub async fn new(stage: &Stage, mut ground: Ground) -> Self {
        ground.emulator.seed = stage.seed;
        ground.emulator.rate = ground.rate();
        let emulator = Emulator::start(ground.emulator.clone()).await.unwrap();
        let redis = start_redis(ground.memory);
        let postgres = PrivatePostgres::start_with(&PostgresSettings {
            durable: ground.durable,
            tcp: true,
            further: ground.postgres.clone(),
            ..PostgresSettings::default()
        });
        let url = postgres_url(postgres.port());
        PostgresLedger::migrate(&url, &PostgresOptions::default())
            .await
            .unwrap();
        postgres.command(audit::INSTALL);
        let master_key = settings::new_key();
        let variables = settings::variables(&emulator, &redis, url, &master_key, ground.scale, &stage.folder);
        let loaded = settings::load(&variables, &stage.folder);
        let parts = assemble(&loaded, Opening::Existing).await.unwrap();
        let mut world = Self {
            fleet: Fleet::new(stage.programs.worker(), stage.folder.clone(), variables),
            parts,
            emulator,
            redis,
            postgres,
            connections: Vec::new(),
            asked: Vec::new(),
            ground,
            folder: stage.folder.clone(),
            programs: stage.programs.clone(),
            master_key,
        };
        world.connect_all().await;
        world
    }

    async fn connect_all(&mut self) {
        for company in self.emulator.info().companies {
            let new = NewConnection {
                id: ConnectionId::new(),
                name: company.name,
                connector: "quickbooks".to_owned(),
                account: company.realm,
                environment: Environment::Sandbox,
                time_zone: self.ground.time_zone,
                requests_per_second: Some(self.ground.pace),
                slots: self.ground.slots,
            };
            let secret = SecretString::from(company.refresh_token);
            let credential = self.parts.access.seal_first(new.id, &secret);
            let connection = self.parts.ledger.add_connection(&new, &credential).await;
            self.connections.push(connection.unwrap());
        }
    }

    /// Has the owner of a company consent once more, and stores what that gives, as a person would.
    pub async fn reconnect(&self, name: &str) {
        let secret = SecretString::from(self.emulator.consent(name).unwrap());
        let connection = self.connection(name);
        let stored = self
            .parts
            .ledger
            .credential(connection.id)
            .await
            .unwrap()
            .unwrap();
        let next = stored.version + 1;
        let sealed = self.parts.access.seal_replacement(connection.id, next, &secret);
        let replaced = self
            .parts
            .ledger
            .replace_credential(connection.id, stored.version, &sealed)
            .await;
        assert!(replaced.unwrap(), "nobody else connects a parked company");
        let active = ConnectionState::Active;
        self.parts
            .ledger
            .set_connection_state(connection.id, active, None)
            .await
            .unwrap();
        self.parts.bell.ring().await.unwrap();
    }

    /// The connection of that name.
    pub fn connection(&self, name: &str) -> &Connection {
        let found = self.connections.iter().find(|connection| connection.name == name);
        found.unwrap()
    }

    /// Runs statements behind the product's back and answers their rows, values parted by `|`.
    pub fn sql(&self, statements: &str) -> String {
        self.postgres.command(statements)
    }

    /// One number from the database.
    pub fn count(&self, query: &str) -> u64 {
        let text = self.sql(query);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("not a number: {text:?} from {query}"))
    }

    /// A proxy in front of Redis.
    pub async fn redis_proxy(&self) -> FaultProxy {
        FaultProxy::start(([127, 0, 0, 1], self.redis.port()).into()).await
    }

    /// A proxy in front of Postgres.
    pub async fn postgres_proxy(&self) -> FaultProxy {
        FaultProxy::start(([127, 0, 0, 1], self.postgres.port()).into()).await
    }

    /// A proxy in front of the upstream.
    pub async fn api_proxy(&self) -> FaultProxy {
        FaultProxy::start(self.emulator.address()).await
    }

    /// The last requests as the upstream saw them: `time`, `path`, `status` and more.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        let answer = get(self.emulator.address(), "/__emulator/requests").unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let mut answer: serde_json::Value = serde_json::from_str(body).unwrap();
        serde_json::from_value(answer["requests"].take()).unwrap()
    }

    /// Everything that must be found nowhere in clear.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.emulator.issued_tokens();
        secrets.push(self.emulator.info().client_secret);
        secrets.push(self.master_key.clone());
        secrets.push(CANARY.to_owned());
        secrets
    }
}

fn start_redis(memory: Memory) -> PrivateRedis {
    match memory {
        Memory::Forgets => PrivateRedis::start(),
        Memory::Journal => PrivateRedis::start_with(&["--save", "", "--appendonly", "yes"]),
        Memory::Snapshot => PrivateRedis::start_with(&["--save", "", "--appendonly", "no"]),
    }
}
