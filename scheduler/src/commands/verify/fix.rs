//! `verify --fix`: reads again whatever differs, and compares that again.

use chrono::NaiveDate;
use ledgerfleet_ledger::{Ledger, LedgerError, Submitted};
use ledgerfleet_model::RunId;
use ledgerfleet_planning::{Plan, ReadAgain, joined, repair, submit};
use ledgerfleet_verification::Place;
use ledgerfleet_wiring::Parts;

use super::findings::{Found, Reported, exit_of, show, take_failure, tell_advice, tell_failures};
use super::{Comparing, Question};
use crate::commands::backfill::tell_submitted;
use crate::exit::Exit;
use crate::running::carry::run_here;
use crate::running::follow::{Followed, followed};
use crate::running::report::tell_conclusion;
use crate::running::role::{Holding, Role, role};
use crate::running::watch::Ended;

/// Submits a run for whatever differs. Where this process carries it, or is to wait for it, compares that again and ends
/// by what that finds; otherwise nobody knows yet, and it does not end as if all were well.
pub(super) async fn fix(
    comparing: &Comparing<'_>,
    plan: &Plan,
    mut found: Vec<Found>,
    holding: Option<Holding>,
    wait: bool,
) -> anyhow::Result<Exit> {
    let Comparing {
        session, parts, stop, ..
    } = *comparing;
    let for_people = session.output.is_for_people();
    if for_people {
        show(session, &found)?;
    }
    let submitted = read_again(parts, plan, &mut found).await?;
    tell_submitted(session, &submitted);
    let (report, ended) = match holding {
        Some(holding) => run_here(session, parts, submitted.run, holding, stop).await?,
        None if wait => match followed(session, parts, submitted.run, stop).await? {
            Followed::Ended(report, ended) => (*report, ended),
            Followed::Left(exit) => return told(comparing, &found, exit),
        },
        None => {
            session.talk.say(format!(
                "not compared again yet; to see how it goes: scheduler run watch {}, and then the same without --fix \
                 (--fix --wait does both)",
                submitted.run
            ));
            return told(comparing, &found, Exit::Failed);
        }
    };
    let carried = tell_conclusion(session, parts, &report, ended).await?;
    if ended != Ended::Over {
        return told(comparing, &found, carried);
    }
    let second = compare_again(comparing, &found).await;
    if let Some(exit) = comparing.stopped() {
        return told(comparing, &found, exit);
    }
    let mut second = match second {
        Ok(second) => second,
        Err(error) => {
            told(comparing, &found, carried)?;
            return Err(error);
        }
    };
    note_run(
        second.iter_mut().flat_map(|found| &mut found.reported),
        submitted.run,
    );
    if for_people {
        session.talk.say("compared again, what was read again:");
        show(session, &second)?;
    }
    put_in(&mut found, &second);
    let failed = take_failure(&mut second);
    if !for_people {
        show(session, &found)?;
    }
    tell_failures(session, &second);
    if let Some(failed) = failed {
        return Err(failed.told(session));
    }
    tell_advice(session, &found);
    Ok(Exit::most_telling([
        carried,
        exit_of(&found, comparing.worst_accepted),
    ]))
}

/// Submits the run that reads again whatever differs.
pub(crate) async fn read_again(parts: &Parts, plan: &Plan, found: &mut [Found]) -> anyhow::Result<Submitted> {
    distrust(&*parts.ledger, found).await?;
    let (run, segments) = repair(plan, &to_read_again(found));
    let submitted = submit(&*parts.ledger, &*parts.bell, run, &mut segments.into_iter()).await?;
    let to_mend = found.iter_mut().flat_map(|found| &mut found.reported);
    note_run(
        to_mend.filter(|reported| reported.span.tally.may_be_mended()),
        submitted.run,
    );
    Ok(submitted)
}

/// Has the records stored again that somebody else has changed: their hash is that of the source's version, and reading
/// alone would leave them.
async fn distrust(ledger: &dyn Ledger, found: &[Found]) -> Result<(), LedgerError> {
    /// Ids in one statement.
    const AT_ONCE: usize = 1_000;
    for found in found {
        for ids in found.spoilt.chunks(AT_ONCE) {
            ledger
                .distrust(found.connection.id, found.entity.table, ids)
                .await?;
        }
    }
    Ok(())
}

/// Ends with what was found before: people have seen it, and programs get one document.
fn told(comparing: &Comparing<'_>, found: &[Found], exit: Exit) -> anyhow::Result<Exit> {
    if !comparing.session.output.is_for_people() {
        show(comparing.session, found)?;
    }
    Ok(exit)
}

/// Notes the run that reads these again.
fn note_run<'a>(reported: impl Iterator<Item = &'a mut Reported>, run: RunId) {
    for reported in reported {
        reported.fix_run = Some(run);
    }
}

/// Compares what was read again, and nothing else: the rest was well a moment ago.
async fn compare_again(comparing: &Comparing<'_>, found: &[Found]) -> anyhow::Result<Vec<Found>> {
    let _holding = match role(comparing.session, comparing.parts)? {
        Role::Runner(holding) => Some(holding),
        Role::Client(None) => None,
        Role::Client(Some(held)) => return Err(held.into()),
    };
    let questions: Vec<Question> = found
        .iter()
        .filter(|found| found.may_be_mended())
        .map(|found| Question {
            connection: found.connection.clone(),
            entity: found.entity,
            ranges: ranges(found.to_mend()),
        })
        .collect();
    comparing.compare(&questions).await
}

/// The days of places, neighbours joined; none of what is read whole.
fn ranges(places: impl Iterator<Item = Place>) -> Option<Vec<(NaiveDate, NaiveDate)>> {
    joined(places.filter_map(Place::days))
}

/// Puts what was found the second time in the place of what differed the first time.
fn put_in(found: &mut [Found], second: &[Found]) {
    for found in found {
        let is_same = |again: &&Found| {
            again.connection.id == found.connection.id && again.entity.name == found.entity.name
        };
        let Some(again) = second.iter().find(is_same).filter(|again| again.failed.is_none()) else {
            continue;
        };
        let read_again = ranges(found.to_mend());
        let is_read_again = |place: Place| match (place.days(), &read_again) {
            (Some((from, to)), Some(ranges)) => {
                ranges.iter().any(|(first, last)| *first <= from && to <= *last)
            }
            _ => true,
        };
        found
            .reported
            .retain(|reported| !is_read_again(reported.span.place));
        found.reported.extend(&again.reported);
        found.spoilt.clone_from(&again.spoilt);
        found.untraced = again.untraced;
        found.reported.sort_by_key(|reported| reported.span.place);
    }
}

/// Reads again whatever differs.
fn to_read_again(found: &[Found]) -> Vec<ReadAgain<'_>> {
    let differing = found.iter().filter(|found| found.may_be_mended());
    differing
        .map(|found| ReadAgain {
            connection: &found.connection,
            entity: found.entity,
            ranges: ranges(found.to_mend()),
        })
        .collect()
}
