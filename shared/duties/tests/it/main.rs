//! Who leads: only a process that can use both the database and Redis.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set up has failed"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_access::{Access, AccessOptions, Spool};
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::{Connectors, Endpoints};
use ledgerfleet_coordination::{RedisParts, RedisTls};
use ledgerfleet_duties::{Context, Leading, lead};
use ledgerfleet_ledger::{Allowances, Budget, Dispatching, Ledger, PostgresLedger, PostgresOptions};
use ledgerfleet_model::{SystemClock, Timings, WorkerName};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{Database, FaultProxy, LineFaults, PrivatePostgres, PrivateRedis};
use ledgerfleet_vault::{MasterKey, Vault};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How one process of a fleet loses Redis, and the others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nothing passes between them.
    Partition,
    /// Its connections are refused.
    Refused,
    /// Its password was changed, and its connections were ended.
    Password,
    /// Its user may do all that a probe does, and cannot ring for work.
    Rights,
}

/// A database, a Redis, and the line of one process, north, to it.
struct Fleet {
    database: Database<'static>,
    redis: PrivateRedis,
    line: FaultProxy,
}

/// A process that stands for leader until it is dropped.
struct Candidate {
    stop: CancellationToken,
    leading: JoinHandle<()>,
}

impl Drop for Candidate {
    fn drop(&mut self) {
        self.stop.cancel();
        self.leading.abort();
    }
}

impl Fleet {
    async fn start() -> Self {
        let migrate = async |url: String| {
            PostgresLedger::migrate(&url, &PostgresOptions::default())
                .await
                .unwrap();
        };
        let database = PrivatePostgres::shared().database(migrate).await;
        let redis = PrivateRedis::start();
        for user in ["north", "south"] {
            redis.command(&format!("ACL SETUSER {user} on >word ~* &* +@all"));
        }
        let line = FaultProxy::start(([127, 0, 0, 1], redis.port()).into()).await;
        Self {
            database,
            redis,
            line,
        }
    }

    async fn ledger(&self) -> PostgresLedger {
        PostgresLedger::connect(&self.database.url(), &PostgresOptions::default())
            .await
            .unwrap()
    }

    /// North's way to Redis is the line, south's is short.
    async fn candidate(&self, name: &str) -> Candidate {
        let direct = format!("127.0.0.1:{}", self.redis.port());
        let place = if name == "north" {
            self.line.address().to_string()
        } else {
            direct
        };
        let redis = RedisParts::new(
            &format!("redis://{name}:word@{place}"),
            "test",
            RedisTls::default(),
        )
        .unwrap();
        let ledger = self.ledger().await;
        let timings = Timings::default().scaled(0.25);
        let leadership = ledger.leadership();
        let ledger: Arc<dyn Ledger> = Arc::new(ledger);
        let options = AccessOptions {
            name: WorkerName(name.to_owned()),
            timings,
            spool: Spool::at(std::env::temp_dir().join("nobody-is-asked")),
            reread: None,
        };
        // There is no company, so nobody is asked.
        let connectors = Arc::new(Connectors::build(&HttpClient::new(&timings).unwrap(), |_| {
            Endpoints::default()
        }));
        let vault = Arc::new(Vault::new(MasterKey::generate()));
        let access = Access::new(
            ledger.clone(),
            vault,
            connectors.clone(),
            Arc::new(SystemClock),
            options,
        );
        let budget = Budget::new(ledger.clone(), Allowances::default(), timings.heartbeat);
        let duties = Context {
            leadership: Some(leadership),
            ledger,
            budget: Arc::new(budget),
            access: Arc::new(access),
            bell: Arc::new(redis.bell),
            gate: Arc::new(redis.gate),
            slots: HashMap::new(),
            leading: Leading::default(),
            clock: Arc::new(SystemClock),
            timings,
            connectors,
            sync: None,
        };
        let stop = CancellationToken::new();
        let leading = tokio::spawn(lead(duties, WorkerName(name.to_owned()), stop.clone()));
        Candidate { stop, leading }
    }

    fn take_redis_from_north(&self, loss: Loss) {
        match loss {
            Loss::Partition => self.line.set_both(&LineFaults {
                blackhole: true,
                ..LineFaults::default()
            }),
            Loss::Refused => {
                self.line.refuse(true);
                self.line.cut_all();
            }
            Loss::Password => {
                self.redis.command("ACL SETUSER north resetpass >another");
                self.redis.command("CLIENT KILL USER north");
            }
            // The lanes' sets, which a dispatch replaces.
            Loss::Rights => drop(
                self.redis
                    .command("ACL SETUSER north resetkeys ~*probe ~*gate* ~*ring"),
            ),
        }
    }
}

async fn leader(ledger: &PostgresLedger) -> String {
    let leader = ledger.leader().await.unwrap();
    leader.map(|leader| leader.holder.0).unwrap_or_default()
}

async fn another_leads_after(loss: Loss) {
    let fleet = Fleet::start().await;
    let ledger = fleet.ledger().await;
    let _north = fleet.candidate("north").await;
    until("north leads", PATIENCE, async || leader(&ledger).await == "north").await;
    let _south = fleet.candidate("south").await;
    until("it tells of its dispatches", PATIENCE, async || {
        ledger.last_dispatch().await.unwrap().is_some()
    })
    .await;
    fleet.take_redis_from_north(loss);
    until(&format!("{loss:?}: south leads"), PATIENCE, async || {
        leader(&ledger).await == "south"
    })
    .await;
    until("south dispatches", PATIENCE, async || {
        let ago = ledger.last_dispatch().await.unwrap();
        leader(&ledger).await == "south" && ago.is_some_and(|ago| ago < Duration::from_secs(2))
    })
    .await;
}

macro_rules! losses {
    ($($name:ident: $loss:expr;)+) => {
        $(#[tokio::test]
        async fn $name() {
            another_leads_after($loss).await;
        })+
    };
}

losses! {
    a_leader_that_is_cut_off_from_redis_resigns: Loss::Partition;
    a_leader_whom_redis_refuses_resigns: Loss::Refused;
    a_leader_whose_password_was_changed_resigns: Loss::Password;
    a_leader_who_may_not_dispatch_resigns: Loss::Rights;
}

#[tokio::test]
async fn who_cannot_use_redis_does_not_stand_and_stands_when_it_can() {
    let fleet = Fleet::start().await;
    let ledger = fleet.ledger().await;
    fleet.take_redis_from_north(Loss::Password);
    let _north = fleet.candidate("north").await;
    until("it has been refused twice", PATIENCE, async || {
        fleet.line.seen().connections >= 2
    })
    .await;
    assert_eq!(leader(&ledger).await, "");
    fleet.redis.command("ACL SETUSER north resetpass >word");
    until("north leads", PATIENCE, async || leader(&ledger).await == "north").await;
}
