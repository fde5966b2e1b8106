//! Upstream: a command's own questions to a company, through the same gate as the fleet's and with a patience that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ledgerfleet_access::AccessToken;
use ledgerfleet_connectors::{Charges, Connector, Target, connector_entry};
use ledgerfleet_coordination::{Closing, Distance, GateLimits, Passage, Slot, Unreachable, keep_renewing};
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::outcome::outcome;
use ledgerfleet_model::retry::RETRIES;
use ledgerfleet_model::{Connection, Failure, FailureKind, Outcome};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;
use tokio::time::{sleep, timeout};

use crate::output::{Talk, span};

/// A wait shorter than this is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// How often a wait that goes on is told again.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// How long giving a slot back may take; one that is not given back ends by its time to live.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// How long one question may go without an answer, who is told that it waits, and what ends it before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) talk: &'a Talk,
    /// The most time between a question and its last request, all waits and repetitions included.
    pub(crate) most: Duration,
    /// Ends every wait. A request under way is finished: it may be charged for.
    pub(crate) stop: &'a Stop,
}

/// One company's API.
#[derive(Debug)]
pub(crate) struct Upstream<'a> {
    parts: &'a Parts,
    pub(crate) connection: &'a Connection,
    connector: Arc<dyn Connector>,
    limits: GateLimits,
    distance: Distance,
    charges: Charges,
    /// Metered calls that are counted in the ledger.
    counted: AtomicU32,
}

impl<'a> Upstream<'a> {
    /// None if this program lacks the company's connector.
    pub(crate) fn of(parts: &'a Parts, connection: &'a Connection) -> Option<Self> {
        let entry = connector_entry(&connection.connector)?;
        Some(Self {
            parts,
            connection,
            connector: Arc::clone(parts.connectors.get(entry.name)?),
            limits: parts.gate_limits(connection, entry),
            distance: Distance::default(),
            charges: Charges::default(),
            counted: AtomicU32::default(),
        })
    }

    /// Asks until there is an answer: waits, and says so, while the company throttles, its API is away or the gate cannot
    /// be reached. Gives up where a worker would, after five retries or at once, and when the patience is over; with
    /// `Shutdown` when it is to stop. Requests, and renewals of the access, that are under way are not given up.
    pub(crate) async fn ask<T>(
        &self,
        patience: Patience<'_>,
        question: impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.ask_unless(patience, |_| false, question).await
    }

    /// The same, but gives a failure back at once against which its caller knows something better than to ask again.
    pub(crate) async fn ask_unless<T>(
        &self,
        patience: Patience<'_>,
        knows_better: impl Fn(&Failure) -> bool,
        question: impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut failures = 0;
        let mut waiting = Waiting::of(self.connection, patience);
        loop {
            let failure = match self.attempt(&question, Some(&waiting)).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if knows_better(&failure) => return Err(failure),
                Err(failure) => failure,
            };
            let next = outcome(&failure, failures, &self.parts.timings, &mut rand::rng());
            let wait = match next {
                // A worker counts it as a failure where it cannot be; here whoever asks knows that, and wants to hear it now.
                _ if failure.kind == FailureKind::NotInPlan => return Err(failure),
                Outcome::Later { wait } => wait,
                Outcome::Retry { wait } if failures < RETRIES => {
                    failures += 1;
                    wait
                }
                _ => return Err(failure),
            };
            if failure.kind == FailureKind::Throttled {
                self.close_gate(&failure, wait, &waiting).await;
            }
            waiting.wait(failure, wait).await?;
        }
    }

    /// Tells the fleet that this company throttles. Who cannot be told finds out.
    async fn close_gate(&self, failure: &Failure, wait: Duration, waiting: &Waiting<'_>) {
        let closing = failure.retry_after.map_or(Closing::Guessed(wait), Closing::Told);
        let gate = &self.parts.gate;
        let close = gate.close(self.connection.id, &self.limits, closing);
        if let Err(failure) = waiting.bound(close).await {
            tracing::debug!(why = failure.message, "the gate was not closed");
        }
    }

    /// Its connector.
    pub(crate) fn connector(&self) -> &dyn Connector {
        &*self.connector
    }

    /// How many metered calls there were, counted in the ledger or not.
    pub(crate) fn calls(&self) -> u32 {
        self.counted.load(Ordering::Relaxed) + self.charges.calls()
    }

    /// Counts the metered calls since the last time, as those of `entity`.
    pub(crate) async fn count_calls(&self, entity: &str) -> Result<(), LedgerError> {
        let calls = self.charges.calls();
        if calls > 0 {
            let ledger = &self.parts.ledger;
            ledger.count_calls(self.connection.id, entity, calls).await?;
            self.charges.counted(calls);
            self.counted.fetch_add(calls, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Asks once, and waits no longer than a worker would for the gate; only an access that is refused is renewed, once.
    pub(crate) async fn ask_once<T>(
        &self,
        question: &impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.attempt(question, None).await
    }

    async fn attempt<T>(
        &self,
        question: &impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<T, Failure> {
        let access = self.parts.access.token(self.connection).await?;
        match self.request(question, &access, waiting).await {
            Err(failure) if failure.kind == FailureKind::Unauthorised => {
                self.parts.access.refused(self.connection.id, &access).await;
                let access = self.parts.access.token(self.connection).await?;
                self.request(question, &access, waiting).await
            }
            answer => answer,
        }
    }

    async fn request<T>(
        &self,
        question: &impl AsyncFn(&dyn Connector, Target<'_>) -> Result<T, Failure>,
        access: &AccessToken,
        waiting: Option<&Waiting<'_>>,
    ) -> Result<T, Failure> {
        let target = Target {
            account: &self.connection.account,
            environment: self.connection.environment,
            access: access.secret(),
            charges: &self.charges,
        };
        let slot = self.pass_gate(waiting).await?;
        let answer = tokio::select! {
            answer = question(&*self.connector, target) => answer,
            () = self.lost(slot) => Err(Failure::new(
                FailureKind::CoordinationUnavailable,
                "the gate's slot was lost while the upstream was asked",
            )),
        };
        let _ = timeout(GIVING_BACK, self.parts.gate.finish(slot)).await;
        answer
    }

    async fn pass_gate(&self, waiting: Option<&Waiting<'_>>) -> Result<Slot, Failure> {
        let timings = &self.parts.timings;
        let patience = timings.gate_patience();
        let passage = Passage {
            gate: &*self.parts.gate,
            connection: self.connection.id,
            limits: &self.limits,
            // Passing may take twice as long, so that a gate that lets nobody through tells why before time is over.
            patience: waiting.map_or(patience, |waiting| patience.min(waiting.left() / 2)),
            staleness: timings.grant_staleness,
            distance: &self.distance,
        };
        match waiting {
            Some(waiting) => waiting.bound(passage.pass()).await,
            None => Ok(passage.pass().await?),
        }
    }

    /// Renews a slot for as long as it can be; ends when it is lost.
    async fn lost(&self, slot: Slot) {
        let (ttl, every) = (self.limits.slot_ttl, self.parts.timings.lock_renewal);
        keep_renewing(ttl, every, || self.parts.gate.renew(slot, &self.limits)).await;
    }
}

fn stopped() -> Failure {
    Failure::new(FailureKind::Shutdown, "a signal asks to stop")
}

/// The waits of one question.
struct Waiting<'a> {
    connection: &'a Connection,
    patience: Patience<'a>,
    since: Instant,
    told: Option<(Instant, FailureKind)>,
}

impl<'a> Waiting<'a> {
    fn of(connection: &'a Connection, patience: Patience<'a>) -> Self {
        Self {
            connection,
            patience,
            since: Instant::now(),
            told: None,
        }
    }

    fn left(&self) -> Duration {
        self.patience.most.saturating_sub(self.since.elapsed())
    }

    /// Takes a step at the gate, no longer than there is patience left and not once it is to stop. The step may be
    /// dropped anywhere.
    async fn bound<T, E: Into<Failure>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.patience.stop.token().cancelled() => Err(stopped()),
            ended = step => ended.map_err(Into::into),
            () = sleep(self.left()) => Err(Unreachable("no answer so far".to_owned()).into()),
        }
    }

    /// Waits, and says for what; gives the failure back if that would take longer than the patience.
    async fn wait(&mut self, failure: Failure, wait: Duration) -> Result<(), Failure> {
        if self.patience.stop.token().is_cancelled() {
            return Err(stopped());
        }
        let waited = self.since.elapsed();
        if waited + wait > self.patience.most {
            return Err(self.given_up(failure, wait));
        }
        if waited + wait >= WORTH_TELLING && self.is_news(&failure) {
            self.told = Some((Instant::now(), failure.kind));
            self.patience.talk.warn(format!(
                "{}: {}; asking again in {}, for {} at most (--max-wait)",
                self.connection.name,
                failure.message,
                span(wait.as_secs_f64()),
                span(self.patience.most.as_secs_f64()),
            ));
        }
        tokio::select! {
            () = self.patience.stop.token().cancelled() => Err(stopped()),
            () = sleep(wait) => Ok(()),
        }
    }

    fn is_news(&self, failure: &Failure) -> bool {
        let is_known = |(at, kind): (Instant, FailureKind)| kind == failure.kind && at.elapsed() < TELL_EVERY;
        !self.told.is_some_and(is_known)
    }

    fn given_up(&self, failure: Failure, wait: Duration) -> Failure {
        let (waited, wait, most) = (self.since.elapsed(), wait, self.patience.most);
        let [waited, wait, most] = [waited, wait, most].map(|time| span(time.as_secs_f64()));
        let message = format!(
            "{}; after {waited} the next try would be in {wait}, and more than {most} is not waited (--max-wait)",
            failure.message
        );
        Failure { message, ..failure }
    }
}
