//! Signals: the first asks to stop, the second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// A signal that asks to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The code that a process ends with because of it: 128 and its number.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The wish to stop, passed to everything that runs long.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    signal: Arc<OnceLock<Signal>>,
    heeded: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from now on. Before, signals end the process as usual.
    pub fn on_signals() -> std::io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals::listen()?;
        let heard = stop.clone();
        tokio::spawn(async move {
            let first = signals.next().await;
            heard.signal.get_or_init(|| first);
            heard.token.cancel();
            let second = signals.next().await;
            std::process::exit(second.exit_code().into());
        });
        Ok(stop)
    }

    /// Cancelled at the first signal.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// From now on whoever asks the token ends by itself; until then [`Stop::unheeded`] tells of signals.
    pub fn heed(&self) -> &Self {
        self.heeded.store(true, Ordering::Release);
        self
    }

    /// Returns when a signal has come that nobody [heeds](Stop::heed).
    pub async fn unheeded(&self) -> Signal {
        self.token.cancelled().await;
        match self.signal() {
            Some(signal) if !self.heeded.load(Ordering::Acquire) => signal,
            _ => std::future::pending().await,
        }
    }

    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        self.signal.get().copied()
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the same shape as where signals can fail"
    )]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // An error means that nothing can ever be heard.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
