//! Patience: whoever waits for a run waits for its ledger, too.
//!
//! A run takes hours, and in hours a database stands still, fails over or has no session to spare. None of this is the end
//! of the run, so it is not the end of waiting for it: it is said once, and asked again.

use std::time::{Duration, Instant};

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_planning::SelectionError;
use ledgerfleet_wiring::WiringError;

use crate::output::Talk;

/// A question that takes longer is given up and asked again: the ledger ends its statements not much later, and only a
/// connection that leads nowhere lasts longer.
const LONGEST_QUESTION: Duration = Duration::from_secs(45);

/// The same for storing a run. A million segments take some seconds, behind an equal request as many again.
const LONGEST_SUBMISSION: Duration = Duration::from_mins(10);

/// How long to wait before the same is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long an outage may last for who carries the run itself: then nobody else ends it.
const OUTAGE_HERE: Duration = Duration::from_secs(30);

/// How long a database may stand still that is only about to be opened. Who waits for a run that is there may well wait
/// longer; but of this one nobody knows yet whether there is a ledger behind it.
const OPENING: Duration = Duration::from_mins(2);

/// How long the ledger is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    in_all: Option<Duration>,
    each: Option<Duration>,
}

impl Patience {
    /// Of who follows a run that others carry: for as long as it takes.
    pub(crate) const FOLLOWING: Self = Self {
        in_all: None,
        each: Some(LONGEST_QUESTION),
    };

    /// Of who carries the run: half a minute.
    pub(crate) const CARRYING: Self = Self {
        in_all: Some(OUTAGE_HERE),
        each: Some(LONGEST_QUESTION),
    };

    /// Of who is about to follow and opens the ledger: two minutes.
    pub(crate) const OPENING: Self = Self {
        in_all: Some(OPENING),
        each: Some(LONGEST_QUESTION),
    };

    /// Of who hands over a run and follows it: for as long as it takes, and a million segments take theirs.
    pub(crate) const SUBMITTING: Self = Self {
        in_all: None,
        each: Some(LONGEST_SUBMISSION),
    };

    /// Of who waits for nothing else: none.
    pub(crate) const NONE: Self = Self {
        in_all: Some(Duration::ZERO),
        each: None,
    };

    /// Does `doing`, and again while the ledger is away, for as long as this patience lasts.
    pub(crate) async fn with<T, E: OfTheLedger>(
        self,
        talk: &Talk,
        doing: impl AsyncFn() -> Result<T, E>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let mut told = false;
        loop {
            match self.once(&doing).await {
                Err(error) if self.lasts(began) && error.away().is_some() => {
                    if let Some(away) = error.away().filter(|_| !told) {
                        talk.warn(format!("{away}; still waiting"));
                        told = true;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                done => {
                    if told && done.is_ok() {
                        talk.say("the database answers again");
                    }
                    return done;
                }
            }
        }
    }

    async fn once<T, E: OfTheLedger>(self, doing: &impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
        let Some(each) = self.each else {
            return doing().await;
        };
        let silent = |_| Err(LedgerError::Unavailable("it does not answer".to_owned(), None).into());
        tokio::time::timeout(each, doing()).await.unwrap_or_else(silent)
    }

    fn lasts(self, began: Instant) -> bool {
        self.in_all.is_none_or(|in_all| began.elapsed() < in_all)
    }
}

/// An answer for people's comfort: without one in time there is none.
pub(crate) async fn in_passing<T>(question: impl Future<Output = Result<T, LedgerError>>) -> Option<T> {
    const TIME: Duration = Duration::from_secs(5);
    tokio::time::timeout(TIME, question).await.ok()?.ok()
}

/// An error that may be one of the ledger.
pub(crate) trait OfTheLedger: From<LedgerError> {
    /// What is wrong with the ledger, where the same may succeed when it is back.
    fn away(&self) -> Option<&LedgerError>;
}

impl OfTheLedger for LedgerError {
    fn away(&self) -> Option<&LedgerError> {
        Some(self).filter(|error| error.is_passing())
    }
}

impl OfTheLedger for SelectionError {
    fn away(&self) -> Option<&LedgerError> {
        match self {
            Self::Ledger(error) => error.away(),
            _ => None,
        }
    }
}

impl OfTheLedger for anyhow::Error {
    fn away(&self) -> Option<&LedgerError> {
        self.chain()
            .find_map(|cause| cause.downcast_ref::<LedgerError>())?
            .away()
    }
}

/// A ledger that is being opened is waited for only where somebody is there and stands still: a wrong address is told at
/// once.
impl OfTheLedger for WiringError {
    fn away(&self) -> Option<&LedgerError> {
        match self {
            Self::Ledger(error) => Some(error).filter(|error| error.is_silence()),
            _ => None,
        }
    }
}
