//! Watch: follows one run until it is over or nothing of it can progress.

use std::time::{Duration, Instant};

use ledgerfleet_ledger::{Brake, BrakeScope, LedgerError, RunReport};
use ledgerfleet_model::{Connection, ConnectionState, Lane, RunId, RunState};
use ledgerfleet_wiring::Parts;

use super::patience::{Patience, in_passing};
use super::remaining::{Estimate, wait_for_calls, with_something_left};
use crate::braked::{closed, concerns, line};
use crate::exit::Exit;
use crate::output::{Progress, Talk, heals_itself};
use ledgerfleet_process::Stop;

/// Without a claim for this long, somebody should be told that no worker runs.
const NOBODY_WORKS_AFTER: Duration = Duration::from_secs(30);

/// A look is followed by no longer a pause than this, however long it took.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every segment has ended.
    Over,
    /// What is left waits for a connection that needs a person.
    Blocked,
    /// What is left waits for keys of the app that its upstream takes.
    KeysRefused,
    /// What is left waits for calls of the next month.
    Budget,
    /// A person paused the run.
    Paused,
    /// A signal asks to stop.
    Signal(Exit),
}

/// How a run is watched.
#[derive(Debug)]
pub(crate) struct Watching<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) run: RunId,
    /// How often to look.
    pub(crate) every: Duration,
    /// What to say when nobody claims anything; none where this process works itself.
    pub(crate) if_nobody_works: Option<&'static str>,
}

impl Watching<'_> {
    /// Where other processes carry the run, an outage of the ledger is theirs and ours to wait out.
    fn patience(&self) -> Patience {
        if self.if_nobody_works.is_some() {
            Patience::FOLLOWING
        } else {
            Patience::CARRYING
        }
    }
}

/// What became of a run that was watched.
#[derive(Debug)]
pub(crate) enum Watched {
    /// There is no such run.
    Unknown,
    /// A signal asks to stop, and the run goes on.
    Told(Exit),
    /// It need not be watched any more.
    Ended(Box<RunReport>, Ended),
}

/// Looks at a run again and again. A signal ends it at once, whatever it waits for.
pub(crate) async fn watch(watching: &Watching<'_>, talk: &Talk, stop: &Stop) -> Result<Watched, LedgerError> {
    tokio::select! {
        watched = to_its_end(watching, talk) => watched,
        () = stop.token().cancelled() => {
            Ok(Watched::Told(stop.signal().map_or(Exit::Interrupted, Exit::of)))
        }
    }
}

async fn to_its_end(watching: &Watching<'_>, talk: &Talk) -> Result<Watched, LedgerError> {
    let Watching { parts, every, .. } = *watching;
    let ledger = &*parts.ledger;
    let patience = watching.patience();
    let connections = patience.with(talk, async || ledger.connections().await).await?;
    let mut progress = Progress::new(talk);
    let mut estimate = Estimate::default();
    let mut idle = Idle::since_now();
    let mut failing = Failing::default();
    loop {
        let Looked { found, took } = look(watching, talk).await?;
        let Some(report) = found else {
            return Ok(Watched::Unknown);
        };
        let left = estimate.seconds(parts, &connections, &report).await;
        let trouble = in_passing(ledger.trouble(report.run_id)).await.flatten();
        failing.tell(watching, &connections, &report, talk).await;
        let lines = failing.lines(&connections);
        progress.show(&report, left, heals_itself(trouble.as_ref(), &lines));
        let ended = match ended(&report) {
            None => {
                failing
                    .waits_for_more_than_time(parts, &connections, &report)
                    .await
            }
            ended => ended,
        };
        if let Some(ended) = ended {
            return Ok(Watched::Ended(Box::new(report), ended));
        }
        if let Some(advice) = watching.if_nobody_works
            && idle.lasts_too_long(&report)
            && in_passing(ledger.next_due())
                .await
                .flatten()
                .is_some_and(|wait| wait.is_zero())
        {
            talk.warn(advice);
        }
        tokio::time::sleep(pause_after(every, took)).await;
    }
}

/// What one look has found, and how long it took when it was answered.
struct Looked {
    found: Option<RunReport>,
    took: Duration,
}

async fn look(watching: &Watching<'_>, talk: &Talk) -> Result<Looked, LedgerError> {
    let look = async || {
        let asked = Instant::now();
        let found = watching.parts.ledger.run(watching.run).await?;
        let took = asked.elapsed();
        Ok(Looked { found, took })
    };
    watching.patience().with(talk, look).await
}

/// How long to wait after a look that took so long. Sums over a million segments take their time, and looking must not
/// become the main work; but what took longer than any pause was waiting for others, and then it is time to look.
pub(crate) fn pause_after(every: Duration, took: Duration) -> Duration {
    if took > LONGEST_PAUSE {
        return every;
    }
    every.max((took * 10).min(LONGEST_PAUSE))
}

/// Why a run need not be watched any more, if it need not.
pub(crate) fn ended(report: &RunReport) -> Option<Ended> {
    if report.state.is_over() {
        Some(Ended::Over)
    } else if report.state == RunState::Paused {
        Some(Ended::Paused)
    } else if report.running == 0 && report.pending > 0 && report.pending == report.blocked {
        Some(Ended::Blocked)
    } else {
        None
    }
}

/// What fails for everybody while a run is watched: told once when it begins, and once when it is over.
#[derive(Default)]
struct Failing {
    told: Vec<Brake>,
}

impl Failing {
    /// Says what has changed. A ledger that does not answer is told of elsewhere.
    async fn tell(
        &mut self,
        watching: &Watching<'_>,
        connections: &[Connection],
        report: &RunReport,
        talk: &Talk,
    ) {
        let concerned: Vec<Connection> = connections
            .iter()
            .filter(|connection| report.connections.contains(&connection.name))
            .cloned()
            .collect();
        let Some(brakes) = in_passing(closed(&*watching.parts.ledger, &concerned)).await else {
            return;
        };
        let is_told = |brake: &&Brake| self.told.iter().any(|told| told.scope == brake.scope);
        for brake in brakes.iter().filter(|brake| !is_told(brake)) {
            let then = match brake.scope {
                BrakeScope::AppKeys { .. } => "",
                _ => "; the run waits and goes on by itself",
            };
            talk.warn(format!("{}{then}", line(brake, connections)));
        }
        if brakes.is_empty() && !self.told.is_empty() {
            talk.say("what failed works again; the run goes on");
        }
        self.told = brakes;
    }

    /// Why all that is left of a run waits for what time alone does not bring soon, if it does. Companies that have finished
    /// wait for nothing.
    async fn waits_for_more_than_time(
        &self,
        parts: &Parts,
        connections: &[Connection],
        report: &RunReport,
    ) -> Option<Ended> {
        let may_wait_for_calls = report.lane != Lane::Live && parts.budget.is_any();
        let may_wait = !self.told.is_empty() || may_wait_for_calls;
        if report.running > 0 || report.pending == 0 || !may_wait {
            return None;
        }
        let left = with_something_left(parts, connections, report).await?;
        if let Some(refused) = self.keys_refused(&left) {
            return Some(refused);
        }
        let waits = may_wait_for_calls && wait_for_calls(parts, left).await?;
        waits.then_some(Ended::Budget)
    }

    /// Whether all of these companies wait for keys of the app that their upstream takes: a person has to give them.
    fn keys_refused(&self, companies: &[Connection]) -> Option<Ended> {
        let on_keys = self
            .told
            .iter()
            .filter(|brake| matches!(brake.scope, BrakeScope::AppKeys { .. }));
        let waits = |company: &Connection| on_keys.clone().any(|brake| concerns(brake, company));
        let is_stuck = !companies.is_empty() && companies.iter().all(waits);
        is_stuck.then_some(Ended::KeysRefused)
    }

    fn lines(&self, connections: &[Connection]) -> Vec<String> {
        self.told.iter().map(|brake| line(brake, connections)).collect()
    }
}

/// How long a run has not moved.
struct Idle {
    since: Instant,
    seen: (u64, u64, u64),
    told: bool,
}

impl Idle {
    fn since_now() -> Self {
        Self {
            since: Instant::now(),
            seen: (0, 0, 0),
            told: false,
        }
    }

    /// True once, when nothing has been claimed or ended for long.
    fn lasts_too_long(&mut self, report: &RunReport) -> bool {
        let now = (report.pages, report.pending, report.calls);
        if report.running > 0 || now != self.seen {
            *self = Self {
                seen: now,
                told: self.told,
                ..Self::since_now()
            };
        }
        let tell = !self.told && self.since.elapsed() >= NOBODY_WORKS_AFTER;
        self.told |= tell;
        tell
    }
}

/// The code that a watched run ends with, given the connections as they are now.
pub(crate) fn exit_of(report: &RunReport, ended: Ended, connections: &[Connection]) -> Exit {
    let unauthorised = needing_authorisation(report, connections).next().is_some();
    let mut exits = Vec::new();
    match ended {
        Ended::Signal(exit) => return exit,
        Ended::Blocked if unauthorised => exits.push(Exit::NeedsAuthorisation),
        Ended::KeysRefused => exits.push(Exit::NeedsAuthorisation),
        Ended::Budget => exits.push(Exit::BudgetExhausted),
        Ended::Blocked | Ended::Paused => exits.push(Exit::Failed),
        Ended::Over if report.state == RunState::Cancelled => exits.push(Exit::Failed),
        Ended::Over => {}
    }
    if report.dead > 0 {
        exits.push(Exit::DeadSegments);
    }
    Exit::most_telling(exits)
}

/// Those of a run's connections that a person has to authorise again.
pub(crate) fn needing_authorisation<'a>(
    report: &'a RunReport,
    connections: &'a [Connection],
) -> impl Iterator<Item = &'a Connection> {
    connections.iter().filter(|connection| {
        connection.state == ConnectionState::NeedsReauthorisation
            && report.connections.contains(&connection.name)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use ledgerfleet_model::Axis;

    use super::*;

    /// A run of one connection, and nothing done.
    pub(crate) fn report(state: RunState) -> RunReport {
        RunReport {
            run_id: RunId::new(),
            state,
            lane: Lane::Backfill,
            connections: vec!["acme".to_owned()],
            entities: Vec::new(),
            from: None,
            to: None,
            axis: Axis::TxnDate,
            segments: 10,
            done: 0,
            empty: 0,
            dead: 0,
            cancelled: 0,
            pending: 0,
            blocked: 0,
            running: 0,
            rows: 0,
            quarantined: 0,
            deleted: 0,
            pages: 0,
            calls: 0,
            seconds: 0.0,
            created_at: DateTime::UNIX_EPOCH,
            closed_at: None,
        }
    }

    #[test]
    fn a_run_is_watched_until_it_is_over_paused_or_blocked() {
        assert_eq!(ended(&report(RunState::Done)), Some(Ended::Over));
        assert_eq!(ended(&report(RunState::Paused)), Some(Ended::Paused));
        let waiting = RunReport {
            pending: 3,
            ..report(RunState::Active)
        };
        assert_eq!(ended(&waiting), None);
        assert_eq!(
            ended(&RunReport {
                blocked: 2,
                ..waiting.clone()
            }),
            None
        );
        assert_eq!(
            ended(&RunReport {
                blocked: 3,
                ..waiting.clone()
            }),
            Some(Ended::Blocked)
        );
        assert_eq!(
            ended(&RunReport {
                blocked: 3,
                running: 1,
                ..waiting
            }),
            None
        );
    }

    #[test]
    fn a_look_is_followed_by_a_pause_of_seconds_at_most_and_an_outage_by_a_look() {
        let every = Duration::from_millis(250);
        for (took, pause) in [
            (0, 250),
            (10, 250),
            (100, 1_000),
            (2_000, 5_000),
            (5_000, 5_000),
            (20_000, 250),
        ] {
            let took = Duration::from_millis(took);
            assert_eq!(pause_after(every, took).as_millis(), pause, "{took:?}");
        }
    }

    #[test]
    fn dead_segments_are_told_by_the_exit_code() {
        let over = RunReport {
            dead: 1,
            ..report(RunState::Dead)
        };
        assert_eq!(exit_of(&over, Ended::Over, &[]), Exit::DeadSegments);
        assert_eq!(exit_of(&report(RunState::Done), Ended::Over, &[]), Exit::Done);
        assert_eq!(
            exit_of(&report(RunState::Cancelled), Ended::Over, &[]),
            Exit::Failed
        );
        assert_eq!(
            exit_of(&over, Ended::Signal(Exit::Terminated), &[]),
            Exit::Terminated
        );
    }
}
