//! `verify --fix`: reads again whatever differs, and compares that again.

use chrono::{Days as CalendarDays, NaiveDate};
use ledgerfleet_ledger::{NewRun, NewSegment};
use ledgerfleet_model::{Axis, Days, Lane, RunId, SegmentId, Segmenting, Window};

use super::findings::{Found, Reported, exit_of, show, take_failure, tell_advice, tell_failures};
use super::{Comparing, Question};
use crate::commands::backfill::tell_submitted;
use crate::commands::run::{Followed, followed, tell_conclusion};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::running::carry::{Holding, Role, role, run_here};
use crate::running::watch::Ended;
use crate::submit::submit;
use crate::verify::Place;

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
    distrust(comparing, &found).await?;
    let (run, segments) = repair(plan, &found);
    let submitted = submit(parts, run, &mut segments.into_iter()).await?;
    tell_submitted(session, &submitted);
    let to_mend = found.iter_mut().flat_map(|found| &mut found.reported);
    note_run(
        to_mend.filter(|reported| reported.span.tally.may_be_mended()),
        submitted.run,
    );
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

/// Has the records stored again that somebody else has changed: their hash is that of the source's version, and reading
/// alone would leave them.
async fn distrust(comparing: &Comparing<'_>, found: &[Found]) -> anyhow::Result<()> {
    /// Ids in one statement.
    const AT_ONCE: usize = 1_000;
    let ledger = &*comparing.parts.ledger;
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
    let mut days: Vec<(NaiveDate, NaiveDate)> = places.filter_map(Place::days).collect();
    if days.is_empty() {
        return None;
    }
    days.sort_unstable();
    let mut joined: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for (from, to) in days {
        match joined.last_mut() {
            Some((_, last)) if from <= *last + CalendarDays::new(1) => *last = to.max(*last),
            _ => joined.push((from, to)),
        }
    }
    Some(joined)
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

fn repair(plan: &Plan, found: &[Found]) -> (NewRun, Vec<NewSegment>) {
    let differing = || found.iter().filter(|found| found.may_be_mended());
    let segments: Vec<NewSegment> = differing()
        .flat_map(|found| {
            windows(ranges(found.to_mend())).map(|window| NewSegment {
                id: SegmentId::new(),
                connection: found.connection.id,
                entity: found.entity.name.to_owned(),
                window,
            })
        })
        .collect();
    let (mut connections, mut entities) = (Vec::new(), Vec::new());
    for found in differing() {
        connections.push(found.connection.name.clone());
        entities.push(found.entity.name.to_owned());
    }
    for names in [&mut connections, &mut entities] {
        names.sort_unstable();
        names.dedup();
    }
    let run = NewRun {
        id: RunId::new(),
        lane: Lane::Manual,
        connections,
        entities,
        from: Some(plan.range().from()),
        to: Some(plan.range().to()),
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day.to_string(),
        page_size: plan.page_size(),
        request_key: request_key(&segments),
        trace_context: None,
    };
    (run, segments)
}

/// A window for each day.
fn windows(ranges: Option<Vec<(NaiveDate, NaiveDate)>>) -> impl Iterator<Item = Window> {
    let whole = ranges.is_none().then_some(Window::Whole);
    let days = ranges.into_iter().flatten().flat_map(|(from, to)| {
        from.iter_days()
            .take_while(move |day| *day <= to)
            .map(|day| Window::Dates {
                days: Days {
                    from: day,
                    to: day + CalendarDays::new(1),
                },
            })
    });
    whole.into_iter().chain(days)
}

/// Repairs of equal days have equal keys, and no backfill has one of them.
fn request_key(segments: &[NewSegment]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"verify");
    for segment in segments {
        let days = segment.window.days();
        hasher.update(format!("/{}/{}/{days:?}", segment.connection, segment.entity).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
