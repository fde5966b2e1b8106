//! `verify`: the source against what is stored.

mod findings;
mod fix;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::CoverageFilter;
use ledgerfleet_model::budget::Purpose;
use ledgerfleet_model::{Axis, Connection, Failure, FailureKind, Segmenting};
use ledgerfleet_planning::{Part, Plan, Request, connections_named, plan};
use ledgerfleet_process::Stop;
use ledgerfleet_upstream::{Asking, KnownLessons};
use ledgerfleet_verification::{Compared, Observer, Subject, Verdict, VerifyError};
use ledgerfleet_wiring::Parts;

use crate::cli::VerifyArgs;
use crate::commands::backfill::tell_left_out;
use crate::exit::{Exit, Problem};
use crate::output::counted;
use crate::running::role::{Role, role};
use crate::session::Session;
use crate::waits::Waits;
use findings::{exit_of, show, take_failure, tell_advice, tell_failures};
use fix::fix;

pub(crate) use findings::Found;
pub(crate) use fix::read_again;

pub(crate) async fn run(session: &Session, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let plan = planned(session, &parts, args).await?;
    tell_left_out(session, &plan, &args.entity);
    // Whoever asks a company on its own uses its gate, which only the holder of a file has.
    let holding = match role(session, &parts)? {
        Role::Runner(holding) => Some(holding),
        Role::Client(None) => None,
        Role::Client(Some(held)) => return Err(held.into()),
    };
    let stop = session.heed_signals();
    let comparing = Comparing {
        session,
        parts: &parts,
        stop,
        depth: Depth {
            page_size: plan.page_size(),
            at_once: args.at_once,
        },
        max_wait: args.max_wait,
        lessons: KnownLessons::default(),
        worst_accepted: if args.strict {
            Verdict::Green
        } else {
            Verdict::Yellow
        },
    };
    clock_was_ahead(&comparing, &plan, args.fix).await?;
    let mut found = comparing.compare(&questions(&plan)).await?;
    if let Some(exit) = comparing.stopped() {
        show(session, &found)?;
        tell_failures(session, &found);
        return Ok(exit);
    }
    let failed = take_failure(&mut found);
    if args.fix && failed.is_none() && found.iter().any(Found::may_be_mended) {
        return fix(&comparing, &plan, found, holding, args.wait).await;
    }
    // What was paid for is shown, also where something failed.
    show(session, &found)?;
    tell_failures(session, &found);
    if let Some(failed) = failed {
        return Err(failed.told(session));
    }
    tell_advice(session, &found);
    if args.fix {
        session.talk.say("--fix has nothing to read again");
    }
    Ok(exit_of(&found, comparing.worst_accepted))
}

/// Records that a clock which was ahead has stamped cannot be replaced by their stamps: says so, and with `fix` has them
/// observed now.
async fn clock_was_ahead(comparing: &Comparing<'_>, plan: &Plan, fix: bool) -> anyhow::Result<()> {
    let (ledger, talk) = (&*comparing.parts.ledger, &comparing.session.talk);
    for part in plan.parts() {
        let (id, table) = (part.connection.id, part.entity.table);
        let of = format!("{} {}", part.connection.name, part.entity.name);
        if fix {
            let brought = ledger.bring_back_records(id, table).await?;
            if brought > 0 {
                let records = counted(brought, "record");
                talk.say(format!(
                    "{of}: {records} had instants ahead of the ledger's clock; they are taken as now"
                ));
            }
            continue;
        }
        let ahead = ledger.records_ahead(id, table).await?;
        if ahead > 0 {
            let records = counted(ahead, "record");
            talk.warn(format!(
                "{of}: {records} stored by a clock that was ahead; they are taken as now, and `--fix` repairs them"
            ));
        }
    }
    Ok(())
}

async fn planned(session: &Session, parts: &Parts, args: &VerifyArgs) -> anyhow::Result<Plan> {
    let request = Request {
        connections: connections_named(&*parts.ledger, &args.connection).await?,
        entities: args.entity.clone(),
        from: args.from,
        to: args.to,
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day,
        page_size: args.page_size.unwrap_or(session.settings.page_size),
        now: parts.clock.now(),
        upper_margin: parts.timings.upper_margin,
    };
    Ok(plan(&request)?)
}

/// What is to be compared: one entity of one company, and which days of it; none where it is read whole.
pub(crate) struct Question {
    pub(crate) connection: Connection,
    pub(crate) entity: &'static EntitySpec,
    pub(super) ranges: Option<Vec<(NaiveDate, NaiveDate)>>,
}

/// The questions of a plan, one for each of its parts.
pub(crate) fn questions(plan: &Plan) -> Vec<Question> {
    let question = |part: &Part| Question {
        connection: part.connection.clone(),
        entity: part.entity,
        ranges: (part.axis == Axis::TxnDate).then(|| vec![(plan.range().from(), plan.range().to())]),
    };
    plan.parts().iter().map(question).collect()
}

/// How companies are asked.
pub(super) struct Comparing<'a> {
    pub(super) session: &'a Session,
    pub(super) parts: &'a Parts,
    pub(super) stop: &'a Stop,
    depth: Depth,
    max_wait: Duration,
    lessons: KnownLessons,
    /// The worst verdict that is no failure.
    pub(super) worst_accepted: Verdict,
}

impl Comparing<'_> {
    /// The code to end with, if a signal has come.
    pub(super) fn stopped(&self) -> Option<Exit> {
        let came = self.stop.token().is_cancelled();
        came.then(|| self.stop.signal().map_or(Exit::Interrupted, Exit::of))
    }

    /// Compares everything that is asked, one after the other. What would fail like what has failed is left out, and
    /// whatever is left when a signal comes.
    async fn compare(&self, questions: &[Question]) -> anyhow::Result<Vec<Found>> {
        let talk = &self.session.talk;
        let (mut found, mut calls, mut by_id, mut left_out) = (Vec::new(), 0, 0, 0);
        for question in questions {
            if found.iter().any(|earlier| rules_out(earlier, question)) {
                left_out += 1;
                continue;
            }
            let name = format!("{} {}", question.connection.name, question.entity.name);
            let asking = self.asking(question)?;
            let compared = self.compare_or_stop(&asking, question).await;
            calls += asking.calls();
            let ledger = &*self.parts.ledger;
            let counted = asking.count_calls(ledger, question.entity.name).await;
            let uncounted = counted.err().map(VerifyError::Uncounted);
            let (compared, failed) = match compared {
                Ok(compared) => (compared, uncounted),
                Err(error) => {
                    if let Some(uncounted) = uncounted {
                        talk.warn(format!("{name}: {uncounted}"));
                    }
                    (Compared::default(), Some(error))
                }
            };
            if compared.not_in_plan {
                talk.say(format!(
                    "{name}: the company does not have it, and nothing of it is stored"
                ));
            }
            by_id += compared.asked_by_id;
            found.push(Found::of(question, compared, failed));
        }
        if by_id > 0 {
            talk.say(format!(
                "{} stored and on no page: asked for by id",
                counted(by_id, "record")
            ));
        }
        talk.say(format!("{} asked", counted(calls.into(), "metered request")));
        if left_out > 0 {
            let (what, them) = (
                counted(left_out, "comparison"),
                if left_out == 1 { "it" } else { "them" },
            );
            talk.warn(format!("{what} more not begun: the same would stop {them}"));
        }
        Ok(found)
    }

    fn asking<'a>(&'a self, question: &'a Question) -> Result<Asking<'a>, Problem> {
        let connection = &question.connection;
        let company = self.parts.company(Arc::new(connection.clone()));
        let company = company.map_err(|_| {
            let what = format!("this program lacks the connector `{}`", connection.connector);
            Problem::usage(what, "a program of the version that added the connection")
        })?;
        let stop = self.stop.token().clone();
        let asking = Asking::once(self.parts.means(), company, stop, self.waits(question));
        Ok(asking
            .for_at_most(self.max_wait)
            .with_purpose(Purpose::Background))
    }

    fn waits<'a>(&'a self, question: &'a Question) -> Waits<'a> {
        Waits {
            talk: &self.session.talk,
            company: &question.connection.name,
            entity: question.entity.name,
        }
    }

    /// A signal ends the comparison by its next question. Its request under way may be charged for, so it is finished.
    async fn compare_or_stop(
        &self,
        asking: &Asking<'_>,
        question: &Question,
    ) -> Result<Compared, VerifyError> {
        let mut comparing = pin!(self.compare_one(asking, question));
        tokio::select! {
            biased;
            () = self.stop.token().cancelled() => {}
            compared = &mut comparing => return compared,
        }
        let talk = &self.session.talk;
        talk.say("stopping as soon as the request under way has its answer; a second signal ends at once");
        comparing.await
    }

    async fn compare_one(&self, asking: &Asking<'_>, question: &Question) -> Result<Compared, VerifyError> {
        let observer = self.waits(question);
        compare_one(
            self.parts,
            &self.lessons,
            (asking, &observer),
            question,
            self.depth,
        )
        .await
    }
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    /// Rows of a page.
    pub(crate) page_size: u32,
    /// Records that are compared at once.
    pub(crate) at_once: u64,
}

/// Compares one entity of one company.
pub(crate) async fn compare_one(
    parts: &Parts,
    lessons: &KnownLessons,
    (asking, observer): (&Asking<'_>, &dyn Observer),
    question: &Question,
    depth: Depth,
) -> Result<Compared, VerifyError> {
    let ledger = &*parts.ledger;
    let filter = CoverageFilter {
        connections: vec![question.connection.id],
        entities: vec![question.entity.name.to_owned()],
        ..CoverageFilter::default()
    };
    let coverage = ledger.coverage(&filter).await?;
    let learner = lessons.learner(ledger, question.connection.id, question.entity.name);
    let mut learner = learner.await?;
    let subject = Subject {
        asking,
        observer,
        ledger,
        entity: question.entity,
        ranges: question.ranges.as_deref(),
        coverage: &coverage,
        page_size: depth.page_size,
        at_once: depth.at_once,
    };
    subject.compare(&mut learner).await
}

/// Whether a failure would meet another question in the same way: a store that is away meets all of them, a company that
/// refuses us or is away all of its own.
pub(crate) fn rules_out(earlier: &Found, question: &Question) -> bool {
    let is_same_company = earlier.connection.id == question.connection.id;
    match &earlier.failed {
        None => false,
        Some(VerifyError::Stored(_) | VerifyError::Uncounted(_)) => true,
        Some(VerifyError::Source(Failure { kind, .. })) => match kind {
            FailureKind::CoordinationUnavailable | FailureKind::LedgerUnavailable | FailureKind::Shutdown => {
                true
            }
            kind => is_same_company && Exit::of_refusal(*kind) != Exit::Failed,
        },
    }
}
