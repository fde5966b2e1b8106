//! Verification: a comparison that is under way or over, as it is kept for those who follow it.

use std::cmp::Reverse;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::{ConnectionId, FailureKind, RunId, TurnId};
use ledgerfleet_planning::Plan;
use ledgerfleet_upstream::KnownLessons;
use ledgerfleet_verification::{Compared, VerifyError};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::sleep;

use super::Api;
use super::problem::Refusal;
use crate::commands::verify::{Depth, Found, Question, compare_one, questions, read_again, rules_out};
use crate::views::verified::VerifiedRow;
use crate::waits::Silent;

/// A company that is away is asked again for so long.
const PATIENCE: Duration = Duration::from_mins(5);

/// Whoever carries it says this often that it does.
const ALIVE_EVERY: Duration = Duration::from_secs(20);

/// Who has said nothing for so long is gone.
const GONE_AFTER: TimeDelta = TimeDelta::minutes(2);

/// The most findings that are kept of one.
const MOST_FINDINGS: usize = 1_000;

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Running,
    Done,
    /// Something was not compared; `failures` says why.
    Failed,
    /// Its process has ended.
    BrokenOff,
}

/// What whoever carries a verification has.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    /// The turn at the place where it is kept.
    pub(super) carrying: TurnId,
    /// Where its question is noted, and the turn at that.
    pub(super) question: String,
    pub(super) asking: TurnId,
}

/// A part that was not compared to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Failure {
    connection: String,
    entity: String,
    why: String,
}

/// A verification, as it is kept and shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Verification {
    id: String,
    /// By whom it is carried; none where it is only shown.
    #[serde(skip)]
    turns: Option<Turns>,
    state: State,
    submitted_by: String,
    connection_ids: Vec<ConnectionId>,
    connections: Vec<String>,
    entities: Vec<String>,
    from: NaiveDate,
    to: NaiveDate,
    begun_at: DateTime<Utc>,
    /// When its process last said that it carries it.
    seen_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// Entities of companies that were compared, and of how many.
    compared: u64,
    of: u64,
    /// Metered calls.
    calls: u64,
    /// The worst of all that was compared; none before the end.
    verdict: Option<String>,
    /// The run that reads again what differs.
    fix_run: Option<RunId>,
    /// As `scheduler verify` shows them, amounts to their last digit.
    findings: Vec<Box<RawValue>>,
    findings_left_out: usize,
    failures: Vec<Failure>,
}

/// Where one is kept.
pub(super) fn place(id: &str) -> String {
    format!("verification {id}")
}

impl Verification {
    pub(super) fn new(id: &str, turns: Turns, by: &str, plan: &Plan, now: DateTime<Utc>) -> Self {
        let companies = plan.connections();
        let mut entities: Vec<String> = plan
            .parts()
            .iter()
            .map(|part| part.entity.name.to_owned())
            .collect();
        entities.sort();
        entities.dedup();
        Self {
            id: id.to_owned(),
            turns: Some(turns),
            state: State::Running,
            submitted_by: by.to_owned(),
            connection_ids: companies.iter().map(|company| company.id).collect(),
            connections: companies.iter().map(|company| company.name.clone()).collect(),
            entities,
            from: plan.range().from(),
            to: plan.range().to(),
            begun_at: now,
            seen_at: now,
            ended_at: None,
            compared: 0,
            of: plan.parts().len() as u64,
            calls: 0,
            verdict: None,
            fix_run: None,
            findings: Vec::new(),
            findings_left_out: 0,
            failures: Vec::new(),
        }
    }

    /// The one of this id, if it is known. One whose process is gone is broken off.
    pub(super) async fn known(api: &Api, id: &str) -> Result<Option<Self>, Refusal> {
        let Some(kept) = api.ledger().kept_answer(&place(id)).await? else {
            return Ok(None);
        };
        let mut known: Self = serde_json::from_str(&kept)?;
        let now = api.ledger().clock().await?.now;
        if known.state == State::Running && now - known.seen_at > GONE_AFTER {
            known.state = State::BrokenOff;
        }
        Ok(Some(known))
    }

    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn companies(&self) -> &[ConnectionId] {
        &self.connection_ids
    }

    /// Keeps it for those who follow it.
    pub(super) async fn keep(&self, api: &Api) -> Result<(), LedgerError> {
        let text = serde_json::to_string(self).map_err(|error| LedgerError::Corrupt(error.to_string()))?;
        let Some(turns) = &self.turns else { return Ok(()) };
        let ledger = api.ledger();
        if !ledger
            .keep_answer(&place(&self.id), turns.carrying, &text)
            .await?
        {
            tracing::error!(verification = self.id, "a verification is not known any more");
        }
        // An equal question finds it for as long as it is at work.
        ledger.renew_turn(&turns.question, turns.asking).await.map(drop)
    }

    /// Says that it is alive, and how far. A database that is away for a moment breaks nothing off.
    async fn tell(&mut self, api: &Api) {
        let told = async {
            self.seen_at = api.ledger().clock().await?.now;
            self.keep(api).await
        };
        if let Err(error) = told.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                verification = self.id,
                "how far a verification is cannot be kept now"
            );
        }
    }

    /// Compares everything that is asked, one after the other, and then has read again what differs where that is wanted.
    pub(super) async fn carry(mut self, api: &Api, plan: &Plan, fix: bool, depth: Depth) {
        let lessons = KnownLessons::default();
        let mut found: Vec<Found> = Vec::new();
        for question in questions(plan) {
            if let Some(earlier) = found.iter().find(|earlier| rules_out(earlier, &question)) {
                let why = format!("not begun: what stopped {} would stop it", earlier.entity.name);
                self.fail(&question, why);
                continue;
            }
            let one = self.compare(api, &lessons, &question, depth).await;
            self.note(&question, &one);
            found.push(one);
            self.tell(api).await;
        }
        if fix && self.state == State::Running && found.iter().any(Found::may_be_mended) {
            self.fix(api, plan, &mut found).await;
        }
        if self.state == State::Running {
            self.state = if self.failures.is_empty() {
                State::Done
            } else {
                State::Failed
            };
        }
        self.list(&found);
        self.ended_at = Some(api.parts.clock.now());
        self.tell(api).await;
    }

    /// Compares one entity of one company, and says meanwhile that it is alive.
    async fn compare(
        &mut self,
        api: &Api,
        lessons: &KnownLessons,
        question: &Question,
        depth: Depth,
    ) -> Found {
        let asking = match api.asking_until(api.stopping.clone(), &question.connection) {
            Ok(asking) => asking.for_at_most(PATIENCE).with_purpose(Purpose::Background),
            Err(error) => {
                self.fail(question, error.to_string());
                return Found::of(question, Compared::default(), None);
            }
        };
        let comparing = compare_one(&api.parts, lessons, (&asking, &Silent), question, depth);
        let compared = beating(comparing, self, api).await;
        self.calls += u64::from(asking.calls());
        let counted = asking.count_calls(api.ledger(), question.entity.name).await;
        let uncounted = counted.err().map(VerifyError::Uncounted);
        match compared {
            Ok(compared) => Found::of(question, compared, uncounted),
            Err(error) => Found::of(question, Compared::default(), Some(error)),
        }
    }

    fn note(&mut self, question: &Question, found: &Found) {
        let Some(error) = &found.failed else {
            self.compared += 1;
            return;
        };
        if let VerifyError::Source(failure) = error
            && failure.kind == FailureKind::Shutdown
        {
            self.state = State::BrokenOff;
        }
        self.fail(question, error.to_string());
    }

    fn fail(&mut self, question: &Question, why: String) {
        self.failures.push(Failure {
            connection: question.connection.name.clone(),
            entity: question.entity.name.to_owned(),
            why,
        });
    }

    /// Has read again what differs, by a run of its own.
    async fn fix(&mut self, api: &Api, plan: &Plan, found: &mut [Found]) {
        match read_again(&api.parts, plan, found).await {
            Ok(submitted) => self.fix_run = Some(submitted.run),
            Err(error) => {
                tracing::error!(
                    error = error.as_ref() as &dyn std::error::Error,
                    "what differs is not read again"
                );
                self.state = State::Failed;
            }
        }
    }

    /// Takes over what was found so far, the worst first.
    fn list(&mut self, found: &[Found]) {
        let mut rows: Vec<_> = found.iter().flat_map(Found::rows).collect();
        let worst = rows.iter().map(VerifiedRow::verdict).max();
        self.verdict = worst.map(|worst| worst.word().to_owned());
        rows.sort_by_key(|row| Reverse(row.verdict()));
        self.findings_left_out = rows.len().saturating_sub(MOST_FINDINGS);
        rows.truncate(MOST_FINDINGS);
        match rows.iter().map(to_raw_value).collect() {
            Ok(findings) => self.findings = findings,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what was found cannot be written down");
                self.state = State::Failed;
            }
        }
    }
}

/// Does this to its end, and says meanwhile that the verification is alive.
async fn beating<T>(doing: impl Future<Output = T>, verification: &mut Verification, api: &Api) -> T {
    let mut doing = pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            () = sleep(ALIVE_EVERY) => verification.tell(api).await,
        }
    }
}
