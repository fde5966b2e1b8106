//! Signals: the first asks to stop, the second ends the process at once.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The wish to stop, passed to everything that runs long.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    exit: Arc<OnceLock<Exit>>,
}

impl Stop {
    /// Listens from now on. Before, signals end the process as usual.
    pub(crate) fn on_signals() -> std::io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals::listen()?;
        let heard = stop.clone();
        tokio::spawn(async move {
            let first = signals.next().await;
            heard.exit.get_or_init(|| first);
            heard.token.cancel();
            let second = signals.next().await;
            std::process::exit(second.code().into());
        });
        Ok(stop)
    }

    /// Cancelled at the first signal.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The code of the signal that came, if one did.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit.get().copied()
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

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
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

    async fn next(&mut self) -> Exit {
        // An error means that nothing can ever be heard.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
