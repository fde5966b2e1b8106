//! Runner: the running role of an embedded ledger, inside this process.
//!
//! Whoever holds the file's lock dispatches, claims and calls upstream; nobody else does. Taking the lock proves
//! that no other process runs anything, so whatever the ledger still calls running is taken back at once.

use ledgerfleet_config::Settings;
use ledgerfleet_duties::DutyError;
use ledgerfleet_ledger::{LedgerError, RescueScope};
use ledgerfleet_model::WorkerName;
use ledgerfleet_wiring::{Parts, RunnerLock};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{WorkerError, WorkerOptions};

/// Duties and worker at work. Dropping it without [`Runner::stop`] is what a crash does.
#[derive(Debug)]
pub(crate) struct Runner {
    /// Of a file: held for as long as anything of this may still run.
    lock: Option<RunnerLock>,
    leading: JoinHandle<()>,
    working: JoinHandle<Result<(), WorkerError>>,
    stop_working: CancellationToken,
    stop_leading: CancellationToken,
    ended: CancellationToken,
}

/// Why there is no runner, or no longer one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunnerError {
    #[error("segments of the last runner could not be taken back")]
    Rescue(#[source] DutyError),
    #[error("what was noted of the app's keys could not be forgotten")]
    Keys(#[source] LedgerError),
    #[error("the worker stopped")]
    Work(#[from] WorkerError),
    #[error("the worker panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

impl Runner {
    /// Of a file: takes back what the last runner left, then dispatches and works until it is stopped.
    pub(crate) async fn of_file(
        lock: RunnerLock,
        parts: &Parts,
        settings: &Settings,
        name: WorkerName,
    ) -> Result<Self, RunnerError> {
        let (ledger, bell) = (&*parts.ledger, &*parts.bell);
        let rescued = ledgerfleet_duties::rescue(ledger, bell, RescueScope::All, &parts.timings);
        rescued.await.map_err(RunnerError::Rescue)?;
        worker::try_keys_again(ledger).await.map_err(RunnerError::Keys)?;
        let options = WorkerOptions {
            concurrency: settings.worker.concurrency,
            name: name.clone(),
        };
        let (worked, stop_working) = (parts.clone(), CancellationToken::new());
        let stop = stop_working.clone();
        let working = async move { worker::run(&worked, options, stop).await };
        Ok(Self::start(parts, name, stop_working, working, Some(lock)))
    }

    /// Of a fleet: stands for leader, and leaves the work to workers.
    pub(crate) fn of_fleet(parts: &Parts, name: WorkerName) -> Self {
        let stop_working = CancellationToken::new();
        let idle = stop_working.clone();
        let idling = async move {
            idle.cancelled().await;
            Ok(())
        };
        Self::start(parts, name, stop_working, idling, None)
    }

    fn start(
        parts: &Parts,
        name: WorkerName,
        stop_working: CancellationToken,
        working: impl Future<Output = Result<(), WorkerError>> + Send + 'static,
        lock: Option<RunnerLock>,
    ) -> Self {
        let (stop_leading, ended) = (CancellationToken::new(), CancellationToken::new());
        let leading = ledgerfleet_duties::lead(parts.duties(), name, stop_leading.clone());
        let end = ended.clone().drop_guard();
        let working = async move {
            let _end = end;
            working.await
        };
        Self {
            lock,
            leading: tokio::spawn(leading),
            working: tokio::spawn(working),
            stop_working,
            stop_leading,
            ended,
        }
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
