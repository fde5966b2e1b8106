//! List: all duties, in the order in which those of one round are done.

use ledgerfleet_ledger::{DispatchLimits, RescueScope};

use crate::bring_back::bring_back;
use crate::close_runs::close_runs;
use crate::dispatch::dispatch;
use crate::duty::{Doing, Duty, Next, Round};
use crate::fire_triggers::fire_triggers;
use crate::keep_alive::keep_alive;
use crate::open_gates::open_gates;
use crate::prune::{prune, prune_hints, prune_syncs};
use crate::read_hints::read_hints;
use crate::rescue::rescue;
use crate::stop_replays::stop_replays;
use crate::sync_due::sync_due;

/// Segments offered to workers at once, over all connections.
const OFFERED: usize = 2_000;

/// All duties. A new one is a file and a line.
pub const DUTIES: &[Duty] = &[
    duty("open_gates", &[Round::Dispatch], |of| {
        Box::pin(async { open_gates(&*of.ledger, &*of.gate).await.map(|_| Next::GoOn) })
    }),
    duty("stop_replays", &[Round::Dispatch], |of| {
        Box::pin(async { stop_replays(&*of.ledger, &*of.bell).await.map(|_| Next::GoOn) })
    }),
    // Less what a stopped replay takes back. Only where nothing is due, a run may have ended.
    duty("dispatch", &[Round::Dispatch], |of| {
        Box::pin(async {
            let limits = DispatchLimits {
                slots: of.slots.clone(),
                total: OFFERED,
            };
            let offered = dispatch(&*of.ledger, &*of.bell, &limits, &of.budget).await?;
            Ok(if offered == 0 { Next::GoOn } else { Next::Enough })
        })
    }),
    duty("rescue", &[Round::Rescue], |of| {
        Box::pin(async {
            let rescued = rescue(&*of.ledger, &*of.bell, RescueScope::Expired, &of.timings);
            rescued.await.map(|_| Next::GoOn)
        })
    }),
    duty("close_runs", &[Round::Dispatch, Round::Rescue], |of| {
        Box::pin(async { close_runs(&*of.ledger).await.map(|_| Next::GoOn) })
    }),
    duty("read_hints", &[Round::Hints], |of| Box::pin(read_hints(of))),
    duty("fire_triggers", &[Round::Triggers], |of| {
        Box::pin(async { fire_triggers(of).await.map(|_| Next::GoOn) })
    }),
    duty("sync_due", &[Round::Second], |of| {
        Box::pin(async { sync_due(of).await.map(|_| Next::GoOn) })
    }),
    duty("bring_back", &[Round::Minute], |of| {
        Box::pin(async { bring_back(of).await.map(|_| Next::GoOn) })
    }),
    duty("keep_alive", &[Round::Hour], |of| {
        Box::pin(async { keep_alive(&*of.ledger, &of.access).await.map(|_| Next::GoOn) })
    }),
    duty("prune_syncs", &[Round::Minute], |of| {
        Box::pin(async {
            let more = prune_syncs(&*of.ledger).await?;
            Ok(if more { Next::Again } else { Next::GoOn })
        })
    }),
    duty("prune_hints", &[Round::Minute], |of| {
        Box::pin(async {
            let more = prune_hints(&*of.ledger).await?;
            Ok(if more { Next::Again } else { Next::GoOn })
        })
    }),
    duty("prune", &[Round::Hour], |of| {
        Box::pin(async {
            let more = prune(&*of.ledger).await?;
            Ok(if more { Next::Again } else { Next::GoOn })
        })
    }),
];

const fn duty(
    name: &'static str,
    rounds: &'static [Round],
    work: for<'a> fn(&'a crate::duty::Context) -> Doing<'a>,
) -> Duty {
    Duty { name, rounds, work }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(round: Round) -> Vec<&'static str> {
        let of_it = DUTIES.iter().filter(|duty| duty.rounds.contains(&round));
        of_it.map(|duty| duty.name).collect()
    }

    #[test]
    fn each_round_does_its_duties_in_this_order() {
        assert_eq!(
            names(Round::Dispatch),
            ["open_gates", "stop_replays", "dispatch", "close_runs"]
        );
        assert_eq!(names(Round::Rescue), ["rescue", "close_runs"]);
        assert_eq!(names(Round::Hints), ["read_hints"]);
        assert_eq!(names(Round::Triggers), ["fire_triggers"]);
        assert_eq!(names(Round::Second), ["sync_due"]);
        assert_eq!(names(Round::Minute), ["bring_back", "prune_syncs", "prune_hints"]);
        assert_eq!(names(Round::Hour), ["keep_alive", "prune"]);
    }

    #[test]
    fn each_duty_stands_in_the_list_once_and_belongs_to_a_round() {
        for duty in DUTIES {
            assert!(!duty.rounds.is_empty(), "{}", duty.name);
            let same = DUTIES.iter().filter(|other| other.name == duty.name);
            assert_eq!(same.count(), 1, "{}", duty.name);
        }
    }
}
