//! `dlq`: dead letters, as people look at them. `send` sends them again and hides them.

mod choice;
mod send;

use ledgerfleet_ledger::{DeadLetter, DeadLetterFilter, Dropped, Listing, ReplayState, WhichReplays};
use ledgerfleet_model::{ReplayId, SegmentId};
use ledgerfleet_wiring::Parts;

use crate::cli::{DlqCommand, ListArgs};
use crate::exit::{Exit, Problem};
use crate::meant::letter_meant;
use crate::session::Session;
use crate::views::dead_letters::{LetterRow, WithHistory};
use choice::filter;

pub(crate) async fn run(session: &Session, command: DlqCommand) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    match command {
        DlqCommand::List(args) if args.group => groups(session, &parts, args).await,
        DlqCommand::List(args) => list(session, &parts, args).await,
        DlqCommand::Show { id } => show(session, &parts, letter_meant(&*parts.ledger, &id).await?).await,
        DlqCommand::Replays { limit } => replays(session, &parts, limit).await,
        DlqCommand::Replay(args) => send::replay(session, &parts, args).await,
        DlqCommand::Drop(args) => send::drop(session, &parts, args).await,
    }
}

async fn list(session: &Session, parts: &Parts, args: ListArgs) -> anyhow::Result<Exit> {
    let filter = filter(parts, args.which, hidden(args.dropped)).await?;
    let after = match &args.after {
        Some(id) => Some(letter_meant(&*parts.ledger, id).await?),
        None => None,
    };
    let listing = Listing {
        after,
        // One more tells whether there are more.
        ..Listing::newest(args.limit + 1)
    };
    let mut letters = parts.ledger.dead_letters(&filter, &listing).await?;
    let page = usize::try_from(args.limit)?;
    let has_more = letters.len() > page;
    letters.truncate(page);
    let letters: Vec<LetterRow> = letters.into_iter().map(LetterRow::from).collect();
    session.output.list(&letters)?;
    match letters.last() {
        Some(last) if has_more => session.talk.say(format!(
            "there are more: the same command with --after {}",
            last.id
        )),
        Some(_) => {}
        None => session.talk.say("no dead letters"),
    }
    tell_stopped(session, &letters);
    Ok(Exit::Done)
}

/// Says once of every replay among these letters that it was stopped, and why.
fn tell_stopped(session: &Session, letters: &[LetterRow]) {
    let mut told: Vec<ReplayId> = Vec::new();
    for letter in letters {
        let Some((replay, why)) = letter.stopped() else {
            continue;
        };
        if !told.contains(&replay) {
            told.push(replay);
            session.talk.warn(format!(
                "replay {replay} was stopped: {why}\n  how it fared: scheduler dlq replays"
            ));
        }
    }
}

async fn groups(session: &Session, parts: &Parts, args: ListArgs) -> anyhow::Result<Exit> {
    let filter = filter(parts, args.which, hidden(args.dropped)).await?;
    let mut groups = parts.ledger.dead_letter_groups(&filter, args.limit + 1).await?;
    let page = usize::try_from(args.limit)?;
    if groups.len() > page {
        groups.truncate(page);
        session.talk.say(format!(
            "only the {page} causes with the most dead letters; more: --limit"
        ));
    }
    session.output.list(&groups)?;
    if groups.is_empty() {
        session.talk.say("no dead letters");
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, parts: &Parts, id: SegmentId) -> anyhow::Result<Exit> {
    let letter = find(parts, id).await?;
    let history = parts.ledger.attempts(id).await?;
    let again = match letter.dropped_at {
        Some(_) => format!("it is dropped; to send it again: scheduler dlq replay --dropped --id {id}"),
        None => format!("to try it again: scheduler dlq replay --id {id}"),
    };
    let letter = LetterRow::from(letter);
    let shown = WithHistory { letter, history };
    session.output.one(&shown)?;
    if session.output.is_for_people() {
        session.output.list(&shown.history)?;
    }
    tell_stopped(session, std::slice::from_ref(&shown.letter));
    session.talk.say(again);
    Ok(Exit::Done)
}

/// The dead letter of that id, also a dropped one.
async fn find(parts: &Parts, id: SegmentId) -> anyhow::Result<DeadLetter> {
    for dropped in [Dropped::Not, Dropped::Only] {
        let filter = DeadLetterFilter {
            ids: vec![id],
            dropped,
            ..DeadLetterFilter::default()
        };
        if let Some(letter) = parts
            .ledger
            .dead_letters(&filter, &Listing::newest(1))
            .await?
            .pop()
        {
            return Ok(letter);
        }
    }
    let next = "scheduler dlq list; one that was sent again is no dead letter until it dies anew";
    Err(Problem::usage(format!("there is no dead letter {id}"), next).into())
}

async fn replays(session: &Session, parts: &Parts, limit: u32) -> anyhow::Result<Exit> {
    let replays = parts.ledger.replays(WhichReplays::All, limit).await?;
    session.output.list(&replays)?;
    if replays.is_empty() {
        session.talk.say("nothing was sent again yet");
    }
    if replays.iter().any(|replay| replay.state == ReplayState::Stopped) {
        session
            .talk
            .say("a stopped one is sent again with the same dlq replay, once its cause is gone");
    }
    Ok(Exit::Done)
}

fn hidden(dropped: bool) -> Dropped {
    if dropped { Dropped::Only } else { Dropped::Not }
}
