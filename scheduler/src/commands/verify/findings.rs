//! What `verify` has found, and how it is told.

use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_model::{Connection, RunId};
use ledgerfleet_verification::{
    Compared, Place, Span, Tally, Verdict, VerifyError, spans, with_days_without_records,
};

use super::Question;
use crate::advice::of_quarantined;
use crate::exit::{Exit, explain};
use crate::output::counted;
use crate::session::Session;
use crate::views::verified::VerifiedRow;

/// What was found of one entity of one company.
pub(crate) struct Found {
    pub(crate) connection: Connection,
    pub(crate) entity: &'static EntitySpec,
    pub(super) reported: Vec<Reported>,
    /// Records that have changed at the source without a new version or time.
    pub(super) untraced: u64,
    /// Ids of records whose stored amount somebody else has changed.
    pub(super) spoilt: Vec<String>,
    /// Why it was not compared to its end.
    pub(crate) failed: Option<VerifyError>,
}

/// A finding, and the run that has read it again, or does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported {
    pub(super) span: Span,
    pub(super) fix_run: Option<RunId>,
}

impl Found {
    /// Of a comparison that has come so far.
    pub(crate) fn of(question: &Question, compared: Compared, failed: Option<VerifyError>) -> Self {
        let ranges = question.ranges.as_deref();
        let tallies = if compared.was_read {
            with_days_without_records(compared.tallies, ranges)
        } else {
            compared.tallies
        };
        let reported = spans(tallies, ranges.unwrap_or_default());
        Self {
            connection: question.connection.clone(),
            entity: question.entity,
            reported: reported
                .into_iter()
                .map(|span| Reported { span, fix_run: None })
                .collect(),
            untraced: compared.untraced,
            spoilt: compared.spoilt,
            failed,
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.connection.name, self.entity.name)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let verdicts = self.tallies().map(Tally::verdict);
        verdicts.max().unwrap_or(Verdict::Green)
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.reported.iter().map(|reported| &reported.span.tally)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = VerifiedRow> {
        let row = |reported: &Reported| {
            let Reported { span, fix_run } = reported;
            VerifiedRow::of(&self.connection.name, self.entity, span, *fix_run)
        };
        self.reported.iter().map(row)
    }

    pub(crate) fn may_be_mended(&self) -> bool {
        self.tallies().any(Tally::may_be_mended)
    }

    /// Where reading again may help.
    pub(super) fn to_mend(&self) -> impl Iterator<Item = Place> {
        let differing = self
            .reported
            .iter()
            .filter(|reported| reported.span.tally.may_be_mended());
        differing.map(|reported| reported.span.place)
    }
}

/// A comparison that failed.
pub(super) struct Failed {
    name: String,
    error: VerifyError,
}

impl Failed {
    /// Says which comparison it was; the error, which the program ends with, says why and what to do.
    pub(super) fn told(self, session: &Session) -> anyhow::Error {
        session.talk.warn(match &self.error {
            VerifyError::Uncounted(_) => format!("{}: {}", self.name, self.error),
            _ => format!("{} is not verified", self.name),
        });
        self.error.into()
    }
}

/// The failure that says what to do first.
pub(super) fn take_failure(found: &mut [Found]) -> Option<Failed> {
    let code = |error: &VerifyError| explain(error).map_or(Exit::Failed, |problem| problem.exit);
    let failures = found.iter().filter_map(|found| found.failed.as_ref());
    let first = Exit::most_telling(failures.map(code));
    let failed = found
        .iter_mut()
        .find(|found| found.failed.as_ref().is_some_and(|error| code(error) == first))?;
    let name = failed.name();
    failed.failed.take().map(|error| Failed { name, error })
}

/// Says what else failed.
pub(super) fn tell_failures(session: &Session, found: &[Found]) {
    for found in found {
        match &found.failed {
            None => {}
            Some(error @ VerifyError::Uncounted(_)) => {
                session.talk.warn(format!("{}: {error}", found.name()));
            }
            Some(error) => {
                session
                    .talk
                    .warn(format!("{} is not verified: {error}", found.name()));
            }
        }
    }
}

pub(super) fn show(session: &Session, found: &[Found]) -> anyhow::Result<()> {
    let rows: Vec<VerifiedRow> = found.iter().flat_map(Found::rows).collect();
    // A person learns nothing from a table without a row.
    if !(rows.is_empty() && session.output.is_for_people()) {
        session.output.list(&rows)?;
    }
    Ok(())
}

/// Says what each colour means for the person who asked, and what to do.
pub(super) fn tell_advice(session: &Session, found: &[Found]) {
    let talk = &session.talk;
    let worst = found.iter().map(Found::verdict).max().unwrap_or(Verdict::Green);
    let has = |verdict: Verdict| {
        let mut tallies = found.iter().flat_map(Found::tallies);
        tallies.any(|tally| tally.verdict() == verdict && tally.may_be_mended())
    };
    if worst == Verdict::Green {
        talk.say("green: what is stored is what the source has");
    }
    if has(Verdict::Red) {
        talk.say(
            "red: something was lost or spoilt here, or is gone at the source: --fix reads those days again",
        );
    }
    if has(Verdict::Yellow) {
        talk.say("yellow: it has changed at the source since it was read, or was never read: --fix reads it");
    }
    for found in found {
        let spoilt = found.spoilt.len() as u64;
        if spoilt > 0 {
            talk.say(format!(
                "{} {}: {} stored with another amount than was read: somebody else has changed what is stored; a backfill \
                 leaves that as it is, --fix stores it again",
                found.connection.name,
                found.entity.name,
                counted(spoilt, "record"),
            ));
        }
        if found.untraced > 0 {
            talk.say(format!(
                "{} {}: {} changed at the source without a new version or time, as a payment does that gains the link to \
                 its deposit: a backfill of changes never sees that, --fix stores it",
                found.connection.name,
                found.entity.name,
                counted(found.untraced, "record"),
            ));
        }
        let quarantined: u64 = found.tallies().map(|tally| tally.quarantined).sum();
        if quarantined > 0 {
            talk.say(of_quarantined(
                &found.connection.name,
                found.entity.name,
                quarantined,
            ));
        }
    }
}

/// Fails from `worst_accepted` on upwards.
pub(super) fn exit_of(found: &[Found], worst_accepted: Verdict) -> Exit {
    if found.iter().any(|found| found.verdict() > worst_accepted) {
        Exit::Failed
    } else {
        Exit::Done
    }
}
