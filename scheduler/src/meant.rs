//! Meant: which run or dead letter somebody means who gives the beginning of its id, or `last`.

use ledgerfleet_ledger::{DeadLetterFilter, Dropped, Ledger, Listing};
use ledgerfleet_model::{RunId, SegmentId};

use crate::cli::IdArg;
use crate::exit::Problem;

/// So many ids are looked for; those beyond one are told.
const MOST: u32 = 6;

/// A shorter beginning of an id is not shown: tomorrow another one begins so, too.
const SHORTEST: usize = 8;

/// The run that is meant. A whole id is taken as it is.
pub(crate) async fn run_meant(ledger: &dyn Ledger, id: &IdArg) -> anyhow::Result<RunId> {
    let found = match id.bounds() {
        Some((id_itself, _)) if id.is_whole() => vec![id_itself],
        Some((first, last)) => ledger.run_ids(first, last, MOST).await?,
        None => ledger.runs(1).await?.iter().map(|run| run.run_id).collect(),
    };
    Ok(the_one("run", "scheduler run list", id, &found)?)
}

/// The dead letter that is meant, also a dropped one; `last` is the one that died last and is not dropped.
pub(crate) async fn letter_meant(ledger: &dyn Ledger, id: &IdArg) -> anyhow::Result<SegmentId> {
    let found = match id.bounds() {
        Some((id_itself, _)) if id.is_whole() => vec![id_itself],
        Some((first, last)) => ledger.dead_letter_ids(first, last, MOST).await?,
        None => {
            let filter = DeadLetterFilter {
                dropped: Dropped::Not,
                ..DeadLetterFilter::default()
            };
            let newest = ledger.dead_letters(&filter, &Listing::newest(1)).await?;
            newest.iter().map(|letter| letter.id).collect()
        }
    };
    Ok(the_one("dead letter", "scheduler dlq list", id, &found)?)
}

fn the_one<Id: Copy + ToString>(noun: &str, list: &str, id: &IdArg, found: &[Id]) -> Result<Id, Problem> {
    match found {
        [one] => Ok(*one),
        [] if *id == IdArg::Last => Err(Problem::usage(format!("there is no {noun} yet"), list)),
        [] => Err(Problem::usage(
            format!("there is no {noun} whose id begins with {id}"),
            list,
        )),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            let what = format!("more than one {noun} has an id that begins with {id}");
            Err(Problem::usage(what, "more digits of the one that is meant").because(ids.join(", ")))
        }
    }
}

/// Ids as short as they are told apart among all of these; all of one length.
pub(crate) fn shortened(ids: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let alike = |pair: &[&str]| {
        pair[0]
            .bytes()
            .zip(pair[1].bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let longest = sorted.windows(2).map(alike).max().unwrap_or(0);
    let mut length = SHORTEST.max(longest + 1);
    if ids.iter().any(|id| id.as_bytes().get(length - 1) == Some(&b'-')) {
        length += 1;
    }
    ids.iter().map(|id| id.get(..length).unwrap_or(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_short_as_they_are_told_apart() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let apart = ids(&["0192f0c1-5e2a-7000", "0192f0d0-0000-7000"]);
        assert_eq!(shortened(&apart), ["0192f0c1", "0192f0d0"]);
        let alike = ids(&["0192f0c1-5e2a-7000", "0192f0c1-5e2b-7000", "0192f0c1-6000-7000"]);
        assert_eq!(
            shortened(&alike),
            ["0192f0c1-5e2a", "0192f0c1-5e2b", "0192f0c1-6000"]
        );
        let at_the_hyphen = ids(&["0192f0c1-1e2a-7000", "0192f0c1-2e2b-7000"]);
        assert_eq!(shortened(&at_the_hyphen), ["0192f0c1-1", "0192f0c1-2"]);
        assert_eq!(shortened(&ids(&["0192f0c1-5e2a-7000"])), ["0192f0c1"]);
        assert!(shortened(&[]).is_empty());
    }
}
