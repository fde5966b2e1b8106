//! `dlq replay` and `dlq drop`: what is done to dead letters.

use ledgerfleet_ledger::{DeadLetterFilter, Dropped, Listing, ReplayRequest};
use ledgerfleet_planning::ring;
use ledgerfleet_wiring::Parts;

use super::choice::filter;
use crate::cli::{Choice, DropArgs, ReplayArgs};
use crate::exit::{Exit, Problem};
use crate::output::{counted, span};
use crate::running::role::tell_if_nobody_runs;
use crate::session::Session;
use crate::views::dead_letters::{DroppedRow, LetterRow, ReplayedRow};

/// How many dead letters a preview shows.
const SHOWN: u32 = 1_000;

/// Sends dead letters again, or says what would be sent.
pub(super) async fn replay(session: &Session, parts: &Parts, args: ReplayArgs) -> anyhow::Result<Exit> {
    check_choice(&args.which, args.all, "dlq replay")?;
    let dropped = if args.dropped { Dropped::Only } else { Dropped::Not };
    let request = ReplayRequest {
        filter: filter(parts, args.which, dropped).await?,
        most: args.canary,
        per_minute: args.rate,
        page_size: args.page_size,
        asked_by: session.user.clone(),
    };
    let matching = parts.ledger.count_dead_letters(&request.filter).await?;
    if args.dry_run {
        return preview_replay(session, parts, &request, matching).await;
    }
    let replayed = parts.ledger.replay(&request).await?;
    ring(&*parts.bell).await;
    let row = ReplayedRow {
        replayed,
        matching,
        seconds: takes(&request, replayed.segments),
    };
    session.output.one(&row)?;
    tell_replay(session, &request, &row);
    if replayed.segments > 0 {
        tell_if_nobody_runs(session, parts)?;
    }
    Ok(Exit::Done)
}

/// Without any choice, everything would be meant; that is said and not left out.
fn check_choice(which: &Choice, all: bool, command: &str) -> Result<(), Problem> {
    if !all && which.is_empty() {
        let next = format!(
            "scheduler {command} --all for all of them, or name some with --fingerprint, --reason, --connection, \
             --entity, --run, --from, --to or --id"
        );
        return Err(Problem::usage(
            "it was not said which dead letters are meant",
            next,
        ));
    }
    Ok(())
}

async fn preview_replay(
    session: &Session,
    parts: &Parts,
    request: &ReplayRequest,
    matching: u64,
) -> anyhow::Result<Exit> {
    let wanted = request.most.map_or(matching, |most| matching.min(most.into()));
    preview(session, parts, &request.filter, wanted).await?;
    let over = takes(request, wanted).map_or_else(String::new, |seconds| format!(", over {}", span(seconds)));
    session.talk.say(format!(
        "{} would be sent again{over}, of {matching} that match; none was",
        counted(wanted, "dead letter")
    ));
    Ok(Exit::Done)
}

/// Shows the oldest of what is meant.
async fn preview(
    session: &Session,
    parts: &Parts,
    filter: &DeadLetterFilter,
    wanted: u64,
) -> anyhow::Result<()> {
    let shown = u32::try_from(wanted).unwrap_or(u32::MAX).min(SHOWN);
    let letters = parts.ledger.dead_letters(filter, &Listing::oldest(shown)).await?;
    let letters: Vec<LetterRow> = letters.into_iter().map(LetterRow::from).collect();
    session.output.list(&letters)?;
    if wanted > shown.into() {
        session.talk.say(format!(
            "only the oldest {} are shown",
            counted(shown.into(), "dead letter")
        ));
    }
    Ok(())
}

/// Seconds until the last of so many is due.
fn takes(request: &ReplayRequest, segments: u64) -> Option<f64> {
    let steps = u32::try_from(segments.saturating_sub(1)).unwrap_or(u32::MAX);
    request
        .per_minute
        .map(|many| f64::from(steps) * 60.0 / f64::from(many))
}

fn tell_replay(session: &Session, request: &ReplayRequest, row: &ReplayedRow) {
    let talk = &session.talk;
    let Some(replay) = row.replayed.replay_id else {
        talk.say("no dead letter matches: there is nothing to send again");
        return;
    };
    if row.replayed.continued {
        let beside = match row.replayed.segments {
            0 => "there is nothing to send again beside it",
            _ => "this one has joined it",
        };
        talk.say(format!(
            "an equal request is under way as replay {replay}: {beside}"
        ));
    }
    talk.say(format!(
        "how it fares: scheduler dlq replays. If one of them dies of the cause it had, what of replay {replay} is not \
         claimed by then goes back"
    ));
    let left = row.matching.saturating_sub(row.replayed.segments);
    if request.most.is_some() && left > 0 {
        talk.say(format!(
            "{left} are left; if these fare well, the same command without --canary sends them"
        ));
    }
}

/// Hides dead letters, or says which would be hidden.
pub(super) async fn drop(session: &Session, parts: &Parts, args: DropArgs) -> anyhow::Result<Exit> {
    check_choice(&args.which, args.all, "dlq drop")?;
    let filter = filter(parts, args.which, Dropped::Not).await?;
    let matching = parts.ledger.count_dead_letters(&filter).await?;
    let letters = counted(matching, "dead letter");
    if args.dry_run {
        preview(session, parts, &filter, matching).await?;
        session.talk.say(format!("{letters} would be hidden; none was"));
        return Ok(Exit::Done);
    }
    if matching == 0 {
        session
            .talk
            .say("no dead letter matches: there is nothing to hide");
    } else {
        let question = format!(
            "Hide {letters}? They stay dead and their days incomplete; nothing sends them again unless it names dropped \
             ones."
        );
        session.confirm(&question).await?;
    }
    let dropped = parts.ledger.drop_dead_letters(&filter, &session.user).await?;
    session.output.one(&DroppedRow { matching, dropped })?;
    if dropped > 0 {
        session.talk.say(
            "to see them: scheduler dlq list --dropped; their days: scheduler coverage --gaps; \
             to send them again: scheduler dlq replay --dropped --all",
        );
    }
    Ok(Exit::Done)
}
