//! A fault proxy: a line between a client and a server that goes wrong on request.
//!
//! It knows nothing of the protocols that it carries: delays, drips, cuts and silence are the same for Redis, Postgres
//! and HTTP.

mod carry;
mod faults;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Cut, Direction, LineFaults};

/// A proxy in front of one server. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
}

/// What all connections of a proxy share.
#[derive(Debug)]
struct Line {
    target: watch::Sender<SocketAddr>,
    to_server: watch::Sender<LineFaults>,
    to_client: watch::Sender<LineFaults>,
    refusing: watch::Sender<bool>,
    /// Raised by one to end every connection there is.
    cuts: watch::Sender<u64>,
    /// Raised by one to swallow every connection there is.
    swallows: watch::Sender<u64>,
    seen: Mutex<Seen>,
}

/// What has passed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Connections accepted.
    pub connections: u64,
    /// Bytes that arrived from clients.
    pub from_clients: u64,
    /// Bytes that arrived from the server.
    pub from_server: u64,
    /// Connections that a fault has cut.
    pub cut: u64,
}

impl FaultProxy {
    /// Listens on a free port of the loopback interface and passes everything on to `target`, faultlessly at first.
    pub async fn start(target: SocketAddr) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), target).await
    }

    /// The same on an address of one's own.
    pub async fn start_at(address: SocketAddr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Line {
            target: watch::Sender::new(target),
            to_server: watch::Sender::new(LineFaults::default()),
            to_client: watch::Sender::new(LineFaults::default()),
            refusing: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            swallows: watch::Sender::new(0),
            seen: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, line.clone()));
        Self {
            address,
            line,
            accepting,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What goes wrong in one direction from now on, on connections that are there and on those to come.
    pub fn set(&self, direction: Direction, faults: LineFaults) {
        self.line.faults(direction).send_replace(faults);
    }

    /// The same for both directions.
    pub fn set_both(&self, faults: &LineFaults) {
        self.set(Direction::ToServer, faults.clone());
        self.set(Direction::ToClient, faults.clone());
    }

    /// Ends all faults; what a blackhole has swallowed meanwhile arrives late, as after a partition.
    pub fn heal(&self) {
        self.refuse(false);
        self.set_both(&LineFaults::default());
    }

    /// Whether new connections are ended at once.
    pub fn refuse(&self, refusing: bool) {
        self.line.refusing.send_replace(refusing);
    }

    /// Ends every connection there is, as a reset would.
    pub fn cut_all(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// From now on nothing passes on the connections that there are, and nobody is told; those to come are served. So
    /// flows end whose path has changed or whose machine is gone.
    pub fn swallow_all(&self) {
        self.line.swallows.send_modify(|swallows| *swallows += 1);
    }

    /// Connections to come lead to another server, as after a failover; those there are stay where they are.
    pub fn turn_to(&self, target: SocketAddr) {
        self.line.target.send_replace(target);
    }

    /// What has passed since the start.
    pub fn seen(&self) -> Seen {
        *self.line.seen()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

impl Line {
    fn faults(&self, direction: Direction) -> &watch::Sender<LineFaults> {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, line: Arc<Line>) {
    while let Ok((client, _)) = listener.accept().await {
        line.seen().connections += 1;
        if *line.refusing.borrow() {
            continue;
        }
        tokio::spawn(join(client, line.clone()));
    }
}

/// Connects a client with the server. A server that is not there is a connection that ends at once.
async fn join(client: TcpStream, line: Arc<Line>) {
    let mut cuts = line.cuts.subscribe();
    let target = *line.target.borrow();
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    // Small messages go out as they come, or every fault would be mixed with the system's own delays.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        () = carry::both_ways(client, server, &line) => {}
        _ = cuts.changed() => {}
    }
}
