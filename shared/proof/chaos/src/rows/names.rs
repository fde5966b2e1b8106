//! Names: the upstream is a name, and what it means goes wrong. Each worker has a `resolv.conf` of its own, in a view of
//! the file system of its own, that names a name server of the row's on an address of its own.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use ledgerfleet_model::RunId;
use ledgerfleet_testkit::{FaultProxy, LineFaults, NameServer, Naming};
use tokio::time::sleep;

use crate::oracle::retries;
use crate::verdict::Skip;
use crate::{Ending, Expect, Ground, Hire, Stage, World};

/// What the upstream is called.
const NAME: &str = "upstream.chaos.test";

/// How long a name is wrong: at this scale a quarter of a minute, in which hardly a segment fails six times.
const WRONG: Duration = Duration::from_millis(1_500);

/// How late a name may come within the time for a connection.
const LATE: Duration = Duration::from_millis(150);

/// The requests that end with their connections: as many as can be in flight.
const CUT: u64 = 20;

/// Becomes a command that sees these two files instead of the machine's.
const WITH_OWN_NAMES: &str = r#"mount --bind "$1" /etc/resolv.conf && { [ ! -e /etc/nsswitch.conf ] \
    || mount --bind "$2" /etc/nsswitch.conf; } && shift 2 && exec "$@""#;

/// A world whose workers know the upstream by its name.
struct Town {
    world: World,
    names: NameServer,
    /// Where the name leads at first, and what is there.
    upstream: Ipv4Addr,
    first: FaultProxy,
    hire: Hire,
}

/// F29: there is no such name.
pub(super) async fn unknown(stage: Stage) -> Ending {
    wrong(stage, Naming::Unknown).await
}

/// F29b: the name server says that it has failed.
pub(super) async fn failing(stage: Stage) -> Ending {
    wrong(stage, Naming::Failing).await
}

/// F29c: the name server says nothing.
pub(super) async fn silent(stage: Stage) -> Ending {
    wrong(stage, Naming::Silent).await
}

/// Lets a name be wrong for a while. Whoever needs it then fails and is tried again.
async fn wrong(mut stage: Stage, way: Naming) -> Ending {
    let mut town = Town::new(&stage).await?;
    let run = town.begin(&mut stage).await;
    town.all_ask(way).await;
    town.names.tell(Naming::At(town.upstream));
    let back = town.goes_on(run).await;
    town.judge(back).await
}

/// F29d: the name server takes its time, and goes on doing so. Nothing fails.
pub(super) async fn late(mut stage: Stage) -> Ending {
    let mut town = Town::new(&stage).await?;
    let run = town.begin(&mut stage).await;
    town.all_ask(Naming::Late(LATE, town.upstream)).await;
    let back = town.goes_on(run).await;
    let facts = town.judge(back).await?;
    assert!(
        retries(&town.world) <= CUT,
        "a name that comes late is no failure"
    );
    Ok(facts)
}

/// F29e: the upstream moves. Where it was, nobody answers any more.
pub(super) async fn moved(mut stage: Stage) -> Ending {
    let mut town = Town::new(&stage).await?;
    let run = town.begin(&mut stage).await;
    town.first.set_both(&LineFaults::blackhole());
    town.names.tell(Naming::At(Ipv4Addr::LOCALHOST));
    let back = town.goes_on(run).await;
    town.judge(back).await
}

impl Town {
    async fn new(stage: &Stage) -> Result<Self, Skip> {
        let (resolver, upstream) = own_addresses();
        let names = NameServer::start((resolver, 53).into(), Naming::At(upstream))
            .await
            .map_err(|error| {
                Skip(format!(
                    "no name server can be had on {resolver}, port 53: {error}"
                ))
            })?;
        let own = own_names(&stage.folder, resolver);
        if !can_become(&own) {
            return Err(Skip("no rights to give a process names of its own".to_owned()));
        }
        let world = World::new(stage, Ground::default()).await;
        let target = world.emulator.address();
        let first = FaultProxy::start_at((upstream, target.port()).into(), target).await;
        let url = format!("http://{NAME}:{}", target.port());
        let hire = Hire::default()
            .with("LEDGERFLEET_QUICKBOOKS_API_URL", &url)
            .with("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", &url)
            .with("LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS", "true")
            .by(own);
        Ok(Self {
            world,
            names,
            upstream,
            first,
            hire,
        })
    }

    async fn begin(&mut self, stage: &mut Stage) -> RunId {
        self.world.fleet.hire(&self.hire);
        self.world.fleet.hire(&self.hire);
        let run = self.world.submit().await;
        self.world.until_done(run, stage.draw(5, 20)).await;
        run
    }

    /// Says something else about the name from now on, for so long that everybody hears it.
    async fn all_ask(&self, naming: Naming) {
        let asked = self.names.asked();
        self.names.tell(naming);
        // Connections that are there need no name.
        self.first.cut_all();
        sleep(WRONG).await;
        assert!(self.names.asked() > asked, "nobody asked for the name");
    }

    /// Waits until work goes on, which it must within a minute of the product's time.
    async fn goes_on(&self, run: RunId) -> String {
        let done = self.world.report(run).await.unwrap().done;
        let took = self.world.until_done(run, done + 5).await;
        let bound = self.world.ground.scaled(Duration::from_mins(1)) + Duration::from_secs(5);
        assert!(took <= bound, "work went on only after {took:?}");
        format!("five more segments after {:.1} s", took.as_secs_f64())
    }

    async fn judge(&mut self, back: String) -> Ending {
        let mut facts = self.world.judge(Expect::default()).await;
        facts.push(back);
        Ok(facts)
    }
}

/// Two addresses of the loopback network that nobody else uses: of the name server and of the upstream. A row of this
/// process that has just ended may not have left its own yet.
fn own_addresses() -> (Ipv4Addr, Ipv4Addr) {
    static ROWS: AtomicU8 = AtomicU8::new(0);
    let row = ROWS.fetch_add(1, Ordering::Relaxed) % 32;
    let [_, _, high, low] = std::process::id().to_be_bytes();
    (
        Ipv4Addr::new(127, 64 + row, high, low),
        Ipv4Addr::new(127, 96 + row, high, low),
    )
}

/// The command that becomes another one with names of its own.
fn own_names(folder: &Path, resolver: Ipv4Addr) -> Vec<String> {
    let (resolving, switch) = (folder.join("resolv.conf"), folder.join("nsswitch.conf"));
    let lines = format!("nameserver {resolver}\noptions timeout:1 attempts:2\n");
    std::fs::write(&resolving, lines).unwrap();
    std::fs::write(&switch, "hosts: files dns\n").unwrap();
    let shell = ["unshare", "--mount", "--", "sh", "-c", WITH_OWN_NAMES, "names"].map(str::to_owned);
    let files = [resolving, switch].map(|file| file.display().to_string());
    shell.into_iter().chain(files).collect()
}

fn can_become(command: &[String]) -> bool {
    let mut attempt = Command::new(&command[0]);
    attempt.args(&command[1..]).arg("true");
    attempt.status().is_ok_and(|status| status.success())
}
