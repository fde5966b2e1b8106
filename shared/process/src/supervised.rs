//! Supervised: tells the service manager that this process is ready, that it lives, and that it stops (systemd's
//! `Type=notify` and `WatchdogSec=`). Without one that asks, nothing is told.

use std::ffi::OsString;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::Stop;

/// Where the service manager listens, and how often it wants to hear.
#[derive(Debug)]
struct Supervisor {
    socket: UnixDatagram,
    every: Option<Duration>,
}

/// Tells that this process is ready, and goes on telling that it lives: a runtime in which no task gets its turn falls silent,
/// and is restarted. Also while it stops, which takes its time.
pub fn tell_ready(stop: &Stop) {
    let Some(supervisor) = Supervisor::of_this_process() else {
        return;
    };
    let told_to_stop = stop.token().clone();
    supervisor.tell("READY=1");
    tokio::spawn(async move {
        let stopping = async {
            told_to_stop.cancelled().await;
            supervisor.tell("STOPPING=1");
        };
        tokio::join!(stopping, supervisor.keep_telling());
    });
}

impl Supervisor {
    fn of_this_process() -> Option<Self> {
        let place = told("NOTIFY_SOCKET")?;
        let microseconds = told("WATCHDOG_USEC").and_then(|text| text.to_str()?.parse().ok());
        match connect(&place) {
            Ok(socket) => Some(Self {
                socket,
                every: microseconds.map(|each: u64| Duration::from_micros(each) / 3),
            }),
            Err(error) => {
                tracing::warn!(%error, place = %place.to_string_lossy(), "the service manager cannot be told anything");
                None
            }
        }
    }

    /// A manager that is gone needs no word.
    fn tell(&self, what: &str) {
        if let Err(error) = self.socket.send(what.as_bytes()) {
            tracing::debug!(%error, what, "the service manager did not hear");
        }
    }

    async fn keep_telling(&self) {
        let Some(every) = self.every else {
            return;
        };
        let mut turns = tokio::time::interval(every);
        loop {
            turns.tick().await;
            self.tell("WATCHDOG=1");
        }
    }
}

/// What the manager that started this process tells it: a protocol with it, and no setting of a person's.
#[expect(clippy::disallowed_methods, reason = "not configuration")]
fn told(name: &str) -> Option<OsString> {
    std::env::var(name)
        .ok()
        .filter(|text| !text.is_empty())
        .map(OsString::from)
}

/// The address is a path, or behind an `@` a name that is in no directory.
fn connect(place: &OsString) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = place.to_str().and_then(|place| place.strip_prefix('@')) {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        socket.connect_addr(&address)?;
        return Ok(socket);
    }
    socket.connect(place)?;
    Ok(socket)
}
