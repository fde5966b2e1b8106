//! Connections that live and are of no use: after each kind, a process works again that was not started anew.

use std::net::SocketAddr;
use std::time::Duration;

use ledgerfleet_coordination::{Bell, Gate, LockKey, Locks, RedisParts, RedisTls};
use ledgerfleet_model::{ConnectionId, Epoch, Lane, SegmentId, Window};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{FaultProxy, PrivateRedis};

/// How a connection becomes useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its server is a replica of the new master.
    Replica,
    /// Its server is a replica that answers nothing without its master.
    Orphan,
    /// Its server, a replica by now, closes nobody's connection, and somebody waits on one.
    ReplicaWhileWaiting,
    /// Nothing comes back, and nobody is told.
    Silent,
    /// Its server reads its data back, for as long as anybody looks.
    Loading,
    /// Its user has another password, and it was ended.
    WrongPassword,
    /// It was reset.
    Cut,
}

/// How many clients wait.
const WAITING: &str =
    "EVAL \"return tonumber(redis.call('INFO', 'clients'):match('blocked_clients:(%d+)'))\" 0";

/// Two servers, and a name that leads to the first one.
struct Pair {
    old: PrivateRedis,
    new: PrivateRedis,
    name: FaultProxy,
}

fn address(redis: &PrivateRedis) -> SocketAddr {
    ([127, 0, 0, 1], redis.port()).into()
}

impl Pair {
    async fn start() -> Self {
        let slow = [
            "--enable-debug-command",
            "yes",
            "--loading-process-events-interval-bytes",
            "1024",
        ];
        let (old, new) = (PrivateRedis::start_with(&slow), PrivateRedis::start());
        for redis in [&old, &new] {
            redis.command("ACL SETUSER fleet on >first ~* &* +@all");
        }
        let name = FaultProxy::start(address(&old)).await;
        Self { old, new, name }
    }

    fn process(&self) -> RedisParts {
        RedisParts::new(
            &format!("redis://fleet:first@{}", self.name.address()),
            "test",
            RedisTls::default(),
        )
        .unwrap()
    }

    /// Makes the connections useless that are there.
    fn spoil(&self, kind: Kind) {
        if kind != Kind::WrongPassword {
            self.name.turn_to(address(&self.new));
        }
        let follow = format!("REPLICAOF 127.0.0.1 {}", self.new.port());
        match kind {
            Kind::Replica | Kind::ReplicaWhileWaiting => drop(self.old.command(&follow)),
            Kind::Orphan => {
                self.old.command("CONFIG SET replica-serve-stale-data no");
                // Nobody listens there.
                self.old.command("REPLICAOF 127.0.0.1 1");
            }
            Kind::Silent => self.name.swallow_all(),
            Kind::Loading => self.load_for_long(),
            Kind::WrongPassword => {
                self.old.command("ACL SETUSER fleet resetpass >second");
                self.old.command("CLIENT KILL USER fleet");
            }
            Kind::Cut => self.name.cut_all(),
        }
    }

    fn load_for_long(&self) {
        for key in 0..2_000 {
            self.old.command(&format!("SET filler:{key} {}", "x".repeat(200)));
        }
        self.old.command("CONFIG SET key-load-delay 100000");
        let socket = self.old.directory().join("socket");
        // Nobody waits for the answer, which comes minutes later.
        std::thread::spawn(move || {
            use std::io::Write;
            let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
            stream.write_all(b"DEBUG RELOAD\r\n").unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0]);
        });
    }
}

/// Whether everything that a process uses Redis for succeeds, on all its connections.
async fn works(parts: &RedisParts) -> bool {
    let moment = Duration::from_millis(1);
    let key = LockKey {
        connection: ConnectionId::new(),
        entity: "invoice".to_owned(),
        window: Window::Whole,
    };
    let (popped, rung, rest) = tokio::join!(parts.bell.pop(1, moment), parts.bell.rung(moment), async {
        parts.bell.replace(Lane::Live, &[]).await?;
        parts.bell.probe().await?;
        parts.gate.is_new().await?;
        parts.locks.take(&key, SegmentId::new(), Epoch(1), moment).await
    });
    popped.is_ok() && rung.is_ok() && rest.is_ok()
}

async fn recovers_from(kind: Kind) {
    let pair = Pair::start().await;
    let parts = pair.process();
    assert!(works(&parts).await, "{kind:?}: at first");
    let (waits, spoilt) = (Duration::from_secs(2), async {
        if kind == Kind::ReplicaWhileWaiting {
            until("somebody waits", PATIENCE, async || {
                pair.old.command(WAITING) == ":2"
            })
            .await;
        }
        pair.spoil(kind);
    });
    if kind == Kind::ReplicaWhileWaiting {
        let _ = tokio::join!(parts.bell.pop(1, waits), parts.bell.rung(waits), spoilt);
    } else {
        spoilt.await;
    }
    if kind == Kind::WrongPassword {
        until("it is refused", PATIENCE, async || !works(&parts).await).await;
        assert!(!works(&parts).await, "it stays refused");
        pair.old.command("ACL SETUSER fleet resetpass >first");
    }
    until(&format!("{kind:?}: it works again"), PATIENCE, async || {
        works(&parts).await
    })
    .await;
}

macro_rules! recoveries {
    ($($name:ident: $kind:expr;)+) => {
        $(#[tokio::test]
        async fn $name() {
            recovers_from($kind).await;
        })+
    };
}

recoveries! {
    a_connection_to_what_is_a_replica_now_is_given_up: Kind::Replica;
    a_connection_to_a_replica_without_its_master_is_given_up: Kind::Orphan;
    a_connection_that_waits_when_its_server_becomes_a_replica_is_given_up: Kind::ReplicaWhileWaiting;
    a_silent_connection_is_given_up: Kind::Silent;
    a_connection_to_a_server_that_loads_for_long_is_given_up: Kind::Loading;
    a_connection_is_made_again_when_its_password_is_right_again: Kind::WrongPassword;
    a_connection_that_was_reset_is_made_again: Kind::Cut;
}

/// A server that is a replica for long is not flooded with connections.
#[tokio::test]
async fn where_no_connection_is_good_few_are_made() {
    let pair = Pair::start().await;
    let parts = pair.process();
    assert!(works(&parts).await);
    pair.old
        .command(&format!("REPLICAOF 127.0.0.1 {}", pair.new.port()));
    let before = pair.name.seen().connections;
    let began = std::time::Instant::now();
    for _ in 0..200 {
        assert!(!works(&parts).await);
        if began.elapsed() > Duration::from_secs(4) {
            break;
        }
    }
    let made = pair.name.seen().connections - before;
    // Three links, one new connection a second each, and one at once.
    let seconds = began.elapsed().as_secs() + 2;
    assert!(made <= 3 * seconds, "{made} in {seconds} s");
}
