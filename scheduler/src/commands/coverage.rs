//! `coverage`: which days are complete, and which are not.

use ledgerfleet_ledger::{CoverageFilter, CoverageRow, Missing};
use ledgerfleet_model::Connection;
use ledgerfleet_planning::{
    Gap, GapReason, NeverAsked, check_days, connections_named, entities_named, gaps_of, never_asked,
};

use crate::cli::CoverageArgs;
use crate::exit::Exit;
use crate::session::Session;
use crate::views::coverage::CoverageSpan;

pub(crate) async fn run(session: &Session, args: &CoverageArgs) -> anyhow::Result<Exit> {
    check_days(args.from, args.to)?;
    let parts = session.parts().await?;
    let connections = if args.connection.is_empty() {
        parts.ledger.connections().await?
    } else {
        connections_named(&*parts.ledger, &args.connection).await?
    };
    let filter = CoverageFilter {
        connections: connections.iter().map(|connection| connection.id).collect(),
        entities: entities_named(&connections, &args.entity)?,
        from: args.from,
        to: args.to,
    };
    if connections.is_empty() {
        show(session, &[])?;
        session
            .talk
            .say("there are no connections: nothing was ever asked for");
        return Ok(if args.exit_code { Exit::Failed } else { Exit::Done });
    }
    let covered = parts.ledger.coverage(&filter).await?;
    if !args.gaps {
        return show(session, &covered);
    }
    let missing = parts.ledger.asked_and_not_read(&filter).await?;
    let found = gaps_of(&connections, &filter, &covered, &missing);
    tell_gaps(session, &found)?;
    if filter.entities.is_empty() {
        tell_never_asked(session, &connections, &covered, &missing);
    }
    let fails = args.exit_code && !found.is_empty();
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

fn show(session: &Session, covered: &[CoverageRow]) -> anyhow::Result<Exit> {
    if session.output.is_for_people() {
        session.output.list(&CoverageSpan::joined(covered))?;
    } else {
        session.output.list(covered)?;
    }
    Ok(Exit::Done)
}

/// Says of how many entities nothing was ever asked for: what has no gaps may still lack half the books.
fn tell_never_asked(
    session: &Session,
    connections: &[Connection],
    covered: &[CoverageRow],
    missing: &[Missing],
) {
    for connection in connections {
        if let Some(NeverAsked { entities, of }) = never_asked(connection, covered, missing) {
            session.talk.say(format!(
                "{}: never asked for {} of {of} entities: {}",
                connection.name,
                entities.len(),
                entities.join(", ")
            ));
        }
    }
}

fn tell_gaps(session: &Session, found: &[Gap]) -> anyhow::Result<()> {
    session.output.list(found)?;
    if found.is_empty() {
        session
            .talk
            .say("no gaps: every day that was asked for is complete");
        return Ok(());
    }
    let has = |is: fn(&GapReason) -> bool| found.iter().any(|gap| is(&gap.why));
    session
        .talk
        .say("to fill them: scheduler backfill with these connections, entities and days");
    if has(|why| matches!(why, GapReason::Dead(_))) {
        session
            .talk
            .say("what is dead: scheduler dlq list --group; again: scheduler dlq replay");
    }
    if has(|why| *why == GapReason::Pending) {
        session
            .talk
            .say("what is pending waits for its turn or for a person: scheduler doctor");
    }
    Ok(())
}
