//! Runner: the running role of an embedded ledger, inside this process.
//!
//! Whoever holds the file's lock dispatches, claims and calls upstream; nobody else does. Taking the lock proves
//! that no other process runs anything, so whatever the ledger still calls running is taken back at once.

use ledgerfleet_config::Settings;
use ledgerfleet_duties::DutyError;
use ledgerfleet_ledger::RescueScope;
use ledgerfleet_model::WorkerName;
use ledgerfleet_wiring::{Parts, RunnerLock, RunnerLockError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Duties and worker at work. Dropping it without [`Runner::stop`] is what a crash does.
#[derive(Debug)]
pub(crate) struct Runner {
    lock: Option<RunnerLock>,
    leading: JoinHandle<()>,
    working: JoinHandle<Result<(), WorkFailed>>,
    stop_working: CancellationToken,
    stop_leading: CancellationToken,
    ended: CancellationToken,
}

/// Why there is no runner, or no longer one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunnerError {
    #[error("segments of the last runner could not be taken back")]
    Rescue(#[source] DutyError),
    #[error("the worker stopped")]
    Work(#[from] WorkFailed),
    #[error("the worker panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

/// The role of this process on its file, taken before anything is run.
pub(crate) fn take_lock(settings: &Settings) -> Result<Option<RunnerLock>, RunnerLockError> {
    settings.shape.embedded_path().map(RunnerLock::take).transpose()
}

impl Runner {
    /// With a file's lock: takes back what the last runner left, then dispatches and works until it is stopped. Without
    /// one, in a fleet: stands for leader, and leaves the work to workers.
    pub(crate) async fn start(
        lock: Option<RunnerLock>,
        parts: &Parts,
        settings: &Settings,
        name: WorkerName,
    ) -> Result<Self, RunnerError> {
        let works = lock.is_some();
        if works {
            let (ledger, bell) = (&*parts.ledger, &*parts.bell);
            let rescued = ledgerfleet_duties::rescue(ledger, bell, RescueScope::All, &parts.timings);
            rescued.await.map_err(RunnerError::Rescue)?;
        }
        let (stop_working, stop_leading) = (CancellationToken::new(), CancellationToken::new());
        let ended = CancellationToken::new();
        let leading = ledgerfleet_duties::lead(parts.duties(), name.clone(), stop_leading.clone());
        let options = Options {
            concurrency: settings.worker.concurrency,
            name,
        };
        let working = work(parts.clone(), options, stop_working.clone());
        let (ended_by_work, idle) = (ended.clone(), stop_working.clone());
        let working = async move {
            let _told = ended_by_work.drop_guard();
            if works {
                return working.await;
            }
            idle.cancelled().await;
            Ok(())
        };
        let (leading, working) = (tokio::spawn(leading), tokio::spawn(working));
        Ok(Self {
            lock,
            leading,
            working,
            stop_working,
            stop_leading,
            ended,
        })
    }

    /// Returns when the worker has stopped without being told to.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Finishes pages in progress, hands the rest back, then gives the role away.
    pub(crate) async fn stop(self) -> Result<(), RunnerError> {
        self.stop_working.cancel();
        let worked = self.working.await;
        self.stop_leading.cancel();
        let led = self.leading.await;
        drop(self.lock);
        worked.map_err(RunnerError::Panicked)??;
        led.map_err(RunnerError::Panicked)
    }
}

#[cfg(feature = "embedded")]
pub(crate) use worker::WorkerError as WorkFailed;

#[cfg(feature = "embedded")]
use worker::WorkerOptions as Options;

#[cfg(feature = "embedded")]
async fn work(parts: Parts, options: Options, shutdown: CancellationToken) -> Result<(), WorkFailed> {
    worker::run(&parts, options, shutdown).await
}

/// Why nothing works here.
#[cfg(not(feature = "embedded"))]
#[derive(Debug, thiserror::Error)]
#[error("this program was built without its worker (feature `embedded`)")]
pub(crate) struct WorkFailed;

#[cfg(not(feature = "embedded"))]
#[expect(dead_code, reason = "the same shape as where there is a worker")]
struct Options {
    concurrency: usize,
    name: WorkerName,
}

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "the same shape as where there is a worker")]
async fn work(_: Parts, _: Options, _: CancellationToken) -> Result<(), WorkFailed> {
    Err(WorkFailed)
}
