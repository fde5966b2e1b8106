//! The fault board: the rules in force, how often each fitted and how often it struck.

use serde::Serialize;

use super::kind::FaultKind;
use super::spec::{FaultSpec, Surface};
use crate::dice::{Dice, topic};
use crate::locks::Lock;

/// All rules in force.
#[derive(Debug, Default)]
pub(crate) struct FaultBoard(Lock<Rules>);

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    id: u64,
    spec: FaultSpec,
    fitted: u64,
    struck: u64,
}

/// What is known of a request, or of a mutation, when faults are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'call> {
    pub(crate) surface: Surface,
    /// Name and realm.
    pub(crate) company: Option<(&'call str, &'call str)>,
    pub(crate) entity: Option<&'static str>,
    pub(crate) path: &'call str,
}

/// A rule as the control surface shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RuleReport {
    id: u64,
    #[serde(flatten)]
    spec: FaultSpec,
    fitted: u64,
    struck: u64,
}

impl FaultBoard {
    /// Puts a rule in force and tells its id.
    pub(crate) fn set(&self, spec: FaultSpec) -> u64 {
        let mut board = self.0.lock();
        board.last_id += 1;
        let id = board.last_id;
        board.rules.push(Rule {
            id,
            spec,
            fitted: 0,
            struck: 0,
        });
        id
    }

    pub(crate) fn clear(&self) {
        self.0.lock().rules.clear();
    }

    pub(crate) fn clear_one(&self, id: u64) {
        self.0.lock().rules.retain(|rule| rule.id != id);
    }

    /// The faults that strike a request.
    pub(crate) fn strike(&self, facts: &Facts<'_>) -> Vec<FaultKind> {
        self.matching(facts, |kind| !matches!(kind, FaultKind::VisibilityDelay { .. }))
    }

    /// By how many seconds a mutation is hidden from clients.
    pub(crate) fn visibility_delay(&self, facts: &Facts<'_>) -> u32 {
        let kinds = self.matching(facts, |kind| matches!(kind, FaultKind::VisibilityDelay { .. }));
        let seconds = kinds.iter().map(|kind| match kind {
            FaultKind::VisibilityDelay { seconds } => *seconds,
            _ => 0,
        });
        seconds.max().unwrap_or(0)
    }

    fn matching(&self, facts: &Facts<'_>, concerns: impl Fn(&FaultKind) -> bool) -> Vec<FaultKind> {
        let mut board = self.0.lock();
        let rules = board.rules.iter_mut().filter(|rule| concerns(&rule.spec.fault));
        rules
            .filter_map(|rule| rule.try_strike(facts).then(|| rule.spec.fault.clone()))
            .collect()
    }

    pub(crate) fn report(&self) -> Vec<RuleReport> {
        let report = |rule: &Rule| RuleReport {
            id: rule.id,
            spec: rule.spec.clone(),
            fitted: rule.fitted,
            struck: rule.struck,
        };
        self.0.lock().rules.iter().map(report).collect()
    }
}

impl Rule {
    fn try_strike(&mut self, facts: &Facts<'_>) -> bool {
        if !self.fits(facts) {
            return false;
        }
        self.fitted += 1;
        let spec = &self.spec;
        let turn = spec.nth.is_none_or(|nth| nth == self.fitted)
            && spec.every.is_none_or(|every| self.fitted.is_multiple_of(every))
            && spec.percent.is_none_or(|percent| {
                Dice::new(spec.seed, topic("fault"), self.fitted).chance(u64::from(percent))
            })
            && spec.times.is_none_or(|times| self.struck < times);
        self.struck += u64::from(turn);
        turn
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        let spec = &self.spec;
        let same = |wanted: &String, known: Option<&str>| known.is_some_and(|known| known == wanted);
        spec.surface() == facts.surface
            && spec.company.as_ref().is_none_or(|wanted| {
                same(wanted, facts.company.map(|(name, _)| name))
                    || same(wanted, facts.company.map(|(_, realm)| realm))
            })
            && spec
                .entity
                .as_ref()
                .is_none_or(|wanted| same(wanted, facts.entity))
            && spec
                .path
                .as_ref()
                .is_none_or(|part| facts.path.contains(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(spec: &str, requests: usize) -> Vec<usize> {
        let board = FaultBoard::default();
        board.set(spec.parse().unwrap());
        let facts = Facts {
            surface: Surface::Api,
            company: Some(("acme", "42")),
            entity: Some("invoice"),
            path: "/v3",
        };
        (1..=requests)
            .filter(|_| !board.strike(&facts).is_empty())
            .collect()
    }

    #[test]
    fn a_rule_strikes_the_nth_every_kth_or_at_most_some() {
        assert_eq!(struck("expired,nth=3", 6), [3]);
        assert_eq!(struck("expired,every=2", 6), [2, 4, 6]);
        assert_eq!(struck("expired,every=2,times=2", 6), [2, 4]);
        assert_eq!(struck("expired,company=42,entity=invoice,path=v3", 2), [1, 2]);
        assert_eq!(struck("expired,entity=item", 2), [0_usize; 0]);
        assert_eq!(struck("expired,on=token", 2), [0_usize; 0]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let first = struck("expired,percent=30,seed=5", 200);
        assert_eq!(first, struck("expired,percent=30,seed=5", 200));
        assert_ne!(first, struck("expired,percent=30,seed=6", 200));
        assert!((40..80).contains(&first.len()), "{}", first.len());
    }
}
