//! Asking: one question to one company, with the gate's leave. The only place that sends a request to an upstream, but for
//! the exchange of credentials (`access`).
//!
//! ```text
//! token ─► gate ─► request ─► slot given back ─► answer
//!   ▲               │
//!   └── 401, once ──┘         429: the gate is closed for the whole fleet
//! ```
//!
//! An attempt asks once: what fails ends it, and the segment is due again later. A command asks until there is an answer
//! or its patience ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ledgerfleet_access::{Access, AccessToken};
use ledgerfleet_connectors::{Charges, Target};
use ledgerfleet_coordination::{Closing, Distance, Gate, Passage, Unreachable};
use ledgerfleet_ledger::{Budget, Ledger, LedgerError, Tally};
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::outcome::outcome;
use ledgerfleet_model::retry::RETRIES;
use ledgerfleet_model::{Failure, FailureKind, Outcome, Timings};
use ledgerfleet_telemetry::{metrics, traces};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::company::Company;
use crate::gate_time::GateTime;
use crate::patience::{Observer, Waiting, stopped};
use crate::question::Question;
use crate::slot::KeptSlot;

/// What asking takes, whichever company is asked.
#[derive(Debug, Clone)]
pub struct Means {
    /// Access tokens.
    pub access: Arc<Access>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// How long things take.
    pub timings: Timings,
    /// How far away the gate is from this process.
    pub distance: Arc<Distance>,
    /// How many calls there are this month.
    pub budget: Arc<Budget>,
}

/// One company's API, as one attempt or one command asks it: one question after the other.
#[derive(Debug)]
pub struct Asking<'a> {
    means: Means,
    company: Company,
    observer: Box<dyn Observer + 'a>,
    /// The most time between a question and its last request; without it, each is put once.
    patience: Option<Duration>,
    stop: CancellationToken,
    purpose: Purpose,
    /// The calls that it takes of the month.
    tally: Arc<Tally>,
    /// Metered calls that were not counted in the ledger yet.
    pub charges: Charges,
    /// Metered calls that [`Asking::count_calls`] has counted.
    counted: AtomicU32,
    /// How long the gate was waited for.
    pub gate_time: GateTime,
}

/// An answer, and when it was asked for.
#[derive(Debug)]
pub struct Answered<T> {
    /// What came.
    pub answer: T,
    /// The local instant just before the request was sent.
    pub asked_at: Instant,
}

impl<'a> Asking<'a> {
    /// Asks each question once. `stop` ends every wait; a request under way is finished, for it may be charged for.
    pub fn once(
        means: Means,
        company: Company,
        stop: CancellationToken,
        observer: impl Observer + 'a,
    ) -> Self {
        let tally = Arc::new(Tally::new(means.budget.clone(), company.connection.clone()));
        Self {
            means,
            company,
            observer: Box::new(observer),
            patience: None,
            stop,
            purpose: Purpose::default(),
            tally,
            charges: Charges::default(),
            counted: AtomicU32::default(),
            gate_time: GateTime::default(),
        }
    }

    /// The same, but asks each question until there is an answer or this time is over; gives up where an attempt would,
    /// after five retries or at once.
    #[must_use]
    pub fn for_at_most(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// The same for whom the calls of a month are not kept: it waits before their reserve is touched.
    #[must_use]
    pub fn with_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// Who is asked.
    pub fn company(&self) -> &Company {
        &self.company
    }

    /// Counts the metered calls since the last time, as those of `entity`.
    pub async fn count_calls(&self, ledger: &dyn Ledger, entity: &str) -> Result<(), LedgerError> {
        let calls = self.charges.calls();
        if calls > 0 {
            ledger
                .count_calls(self.company.connection.id, entity, calls)
                .await?;
            self.charges.counted(calls);
            self.tally.counted(calls);
            self.counted.fetch_add(calls, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What it has taken of the month. Whoever counts its calls says so to it, and keeps it until then.
    pub fn tally(&self) -> Arc<Tally> {
        self.tally.clone()
    }

    /// How many metered calls there were that nobody else has counted.
    pub fn calls(&self) -> u32 {
        self.counted.load(Ordering::Relaxed) + self.charges.calls()
    }

    /// Who hears what it meets.
    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// Whether it was asked to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Puts a question. A failure of the kind `Shutdown` says that it was stopped.
    pub async fn ask<Q: Question>(&self, question: &Q) -> Result<Answered<Q::Answer>, Failure> {
        self.ask_unless(question, |_| false).await
    }

    /// The same, but gives a failure back at once against which its caller knows something better than to ask again.
    pub async fn ask_unless<Q: Question>(
        &self,
        question: &Q,
        knows_better: impl Fn(&Failure) -> bool + Sync,
    ) -> Result<Answered<Q::Answer>, Failure> {
        let Some(most) = self.patience else {
            return self.ask_once(question, None).await;
        };
        let mut failures = 0;
        let mut waiting = Waiting::begin(most, &*self.observer, &self.stop);
        loop {
            let failure = match self.ask_once(question, Some(&waiting)).await {
                Err(failure) if !knows_better(&failure) => failure,
                ended => return ended,
            };
            let wait = self.wait_after(&failure, &mut failures);
            let Some(wait) = wait else { return Err(failure) };
            waiting.wait(failure, wait).await?;
        }
    }

    /// How long to wait before a question is put again; none if that would help nobody.
    fn wait_after(&self, failure: &Failure, failures: &mut u32) -> Option<Duration> {
        match outcome(failure, *failures, &self.means.timings, &mut rand::rng()) {
            // An attempt counts it as a failure where it cannot be; here whoever asks knows that, and wants to hear it now.
            _ if matches!(failure.kind, FailureKind::NotInPlan | FailureKind::Budget) => None,
            Outcome::Later { wait } => Some(wait),
            Outcome::Retry { wait } if *failures < RETRIES => {
                *failures += 1;
                Some(wait)
            }
            _ => None,
        }
    }

    /// Puts a question once, and tells the fleet if the company throttles.
    async fn ask_once<Q: Question>(
        &self,
        question: &Q,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<Answered<Q::Answer>, Failure> {
        let answered = self.with_access(question, waiting).await;
        if let Err(failure) = &answered
            && failure.kind == FailureKind::Throttled
        {
            self.close_gate(failure, waiting).await;
        }
        answered
    }

    /// An access that is refused is renewed, once, and the question put once more.
    async fn with_access<Q: Question>(
        &self,
        question: &Q,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<Answered<Q::Answer>, Failure> {
        let (access, connection) = (&self.means.access, &self.company.connection);
        let token = access.token(connection).await?;
        match self.request(question, &token, waiting).await {
            // A key is what it is: only a person has another one.
            Err(failure)
                if failure.kind == FailureKind::Unauthorised && self.company.connector.oauth().is_none() =>
            {
                Err(Failure {
                    kind: FailureKind::NeedsReauthorisation,
                    ..failure
                })
            }
            Err(failure) if failure.kind == FailureKind::Unauthorised => {
                access.refused(connection.id, &token).await;
                let token = access.token(connection).await?;
                self.request(question, &token, waiting).await
            }
            answered => answered,
        }
    }

    /// One request, with a slot of the gate for as long as it takes.
    async fn request<Q: Question>(
        &self,
        question: &Q,
        access: &AccessToken,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<Answered<Q::Answer>, Failure> {
        self.pass_budget().await?;
        let slot = match self.pass_gate(waiting).await {
            Ok(slot) => slot,
            Err(failure) => {
                self.tally.give_back();
                return Err(failure);
            }
        };
        let charged = self.charges.calls();
        let asked_at = Instant::now();
        let connection = &self.company.connection;
        let target = Target {
            account: &connection.account,
            environment: connection.environment,
            access: access.secret(),
            charges: &self.charges,
        };
        let answering = async {
            tokio::select! {
                answer = question.put(&*self.company.connector, &target) => answer,
                () = slot.lost() => Err(lost_slot()),
            }
        };
        let answer = self.observed(question.page(), answering).await;
        slot.give_back().await;
        if self.charges.calls() == charged {
            self.tally.give_back();
        }
        answer.map(|answer| Answered { answer, asked_at })
    }

    /// Counts, times and traces a request: for a page, or, without a number, for something else.
    async fn observed<T>(
        &self,
        page: Option<u32>,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let connector = self.company.entry.name;
        let _in_flight = metrics::request_in_flight(connector);
        let began = Instant::now();
        let answer = traces::within(traces::request(connector, page), request).await;
        let status = answer
            .as_ref()
            .map_or_else(|failure| failure.status, |_| Some(200));
        metrics::request_ended(connector, status, began.elapsed());
        answer
    }

    /// Refuses what can wait for the calls of the next month.
    async fn pass_budget(&self) -> Result<(), Failure> {
        match self.tally.take(self.purpose).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(exhausted)) => Err(Failure::new(FailureKind::Budget, exhausted.to_string())),
            Err(error) => Err(Failure::new(FailureKind::LedgerUnavailable, error.to_string())),
        }
    }

    /// Waits for the gate and takes a slot.
    async fn pass_gate(&self, waiting: Option<&Waiting<'_>>) -> Result<KeptSlot, Failure> {
        let Means { gate, timings, .. } = &self.means;
        let patience = timings.gate_patience();
        let passage = Passage {
            gate: &**gate,
            connection: self.company.connection.id,
            limits: &self.company.limits,
            // Passing may take twice as long, so that a gate that lets nobody through tells why before time is over.
            patience: waiting.map_or(patience, |waiting| patience.min(waiting.left() / 2)),
            staleness: timings.grant_staleness,
            distance: &self.means.distance,
        };
        let began = Instant::now();
        let granted = {
            let _wait = self.gate_time.wait();
            traces::within(traces::gate(), self.bounded(passage.pass(), waiting)).await
        };
        metrics::gate_waited(self.company.entry.name, began.elapsed());
        let (gate, limits) = (gate.clone(), self.company.limits);
        Ok(KeptSlot::start(gate, granted?, limits, timings.lock_renewal))
    }

    /// Closes the gate for everybody. Who cannot be told finds out.
    async fn close_gate(&self, failure: &Failure, waiting: Option<&Waiting<'_>>) {
        let Company {
            connection,
            entry,
            limits,
            ..
        } = &self.company;
        metrics::throttled(entry.name);
        let closing = match (failure.retry_after, self.wait_after(failure, &mut 0)) {
            (Some(told), _) => Closing::Told(told),
            (None, Some(guess)) => Closing::Guessed(guess),
            (None, None) => return,
        };
        let close = self.means.gate.close(connection.id, limits, closing);
        let closed = match waiting {
            Some(_) => self.bounded(close, waiting).await,
            // An attempt tells the fleet also when it is to stop.
            None => close.await.map_err(Into::into),
        };
        if let Err(failure) = closed {
            warn!(why = failure.message, "the gate could not be closed");
        }
    }

    /// Takes a step at the gate: not once it is to stop, and no longer than there is patience left. The step may be
    /// dropped anywhere.
    async fn bounded<T, E: Into<Failure>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<T, Failure> {
        let patience_ends = async {
            match waiting {
                Some(waiting) => sleep(waiting.left()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped()),
            ended = step => ended.map_err(Into::into),
            () = patience_ends => Err(Unreachable("no answer so far".to_owned()).into()),
        }
    }
}

fn lost_slot() -> Failure {
    Failure::new(
        FailureKind::CoordinationUnavailable,
        "the gate's slot was lost while the upstream was asked",
    )
}
