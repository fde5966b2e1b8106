//! Plan: which point fails, how, and when.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Point;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Kill,
    Panic,
    Stop,
    /// Milliseconds.
    Delay(u64),
}

/// At which of the times that a rule fits it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Counted from 1.
    Nth(u64),
    Chance {
        percent: u64,
        seed: u64,
    },
}

#[derive(Debug)]
struct Rule {
    point: Point,
    subject: Option<String>,
    action: Action,
    when: When,
    fitted: AtomicU64,
}

/// All rules of a process.
#[derive(Debug, Default)]
pub(crate) struct Plan(Vec<Rule>);

/// Why a plan cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no rule: write POINT[(SUBJECT)]:kill9|panic|stop|delay=MILLIS[@N|%P[~SEED]]",
            self.0
        )
    }
}

impl Plan {
    /// Counts the step for every rule that fits; the first that strikes decides.
    pub(crate) fn strike(&self, point: Point, subject: &str) -> Option<Action> {
        let fitting = self.0.iter().filter(|rule| rule.fits(point, subject));
        let struck: Vec<Action> = fitting
            .filter(|rule| rule.strikes())
            .map(|rule| rule.action)
            .collect();
        struck.first().copied()
    }
}

impl Rule {
    fn fits(&self, point: Point, subject: &str) -> bool {
        self.point == point && self.subject.as_deref().is_none_or(|wanted| wanted == subject)
    }

    fn strikes(&self) -> bool {
        let time = self.fitted.fetch_add(1, Ordering::SeqCst) + 1;
        match self.when {
            When::Always => true,
            When::Nth(wanted) => time == wanted,
            When::Chance { percent, seed } => mixed(seed.wrapping_add(time)) % 100 < percent,
        }
    }
}

/// A number that looks like chance and is the same every time (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl FromStr for Plan {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let rules = text.split(';').map(str::trim).filter(|rule| !rule.is_empty());
        rules.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Rule {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        read(text).ok_or_else(|| Unreadable(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Rule> {
    let (place, rest) = text.split_once(':')?;
    let (name, subject) = match place.split_once('(') {
        Some((name, subject)) => (name, Some(subject.strip_suffix(')')?.to_owned())),
        None => (place, None),
    };
    let (action, when) = match rest.find(['@', '%']) {
        Some(at) => (&rest[..at], when(&rest[at..])?),
        None => (rest, When::Always),
    };
    Some(Rule {
        point: *Point::ALL.iter().find(|point| point.name() == name)?,
        subject,
        action: read_action(action)?,
        when,
        fitted: AtomicU64::new(0),
    })
}

fn read_action(text: &str) -> Option<Action> {
    match text {
        "kill9" => Some(Action::Kill),
        "panic" => Some(Action::Panic),
        "stop" => Some(Action::Stop),
        _ => text.strip_prefix("delay=")?.parse().ok().map(Action::Delay),
    }
}

fn when(text: &str) -> Option<When> {
    if let Some(time) = text.strip_prefix('@') {
        return time.parse().ok().filter(|time| *time > 0).map(When::Nth);
    }
    let text = text.strip_prefix('%')?;
    let (percent, seed) = text.split_once('~').unwrap_or((text, "0"));
    let (percent, seed) = (percent.parse().ok()?, seed.parse().ok()?);
    (1..=100)
        .contains(&percent)
        .then_some(When::Chance { percent, seed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_strikes_at_its_point_and_time_only() {
        let plan = plan("before_commit:kill9@2");
        assert_eq!(plan.strike(Point::BeforeCommit, "invoice"), None);
        assert_eq!(plan.strike(Point::AfterCommit, "invoice"), None);
        assert_eq!(plan.strike(Point::BeforeCommit, "customer"), Some(Action::Kill));
        assert_eq!(plan.strike(Point::BeforeCommit, "invoice"), None);
    }

    #[test]
    fn a_subject_narrows_a_rule_and_what_does_not_fit_is_not_counted() {
        let plan = plan("after_response(item):stop@1; after_claim:delay=5");
        assert_eq!(plan.strike(Point::AfterResponse, "invoice"), None);
        assert_eq!(plan.strike(Point::AfterResponse, "item"), Some(Action::Stop));
        assert_eq!(plan.strike(Point::AfterClaim, ""), Some(Action::Delay(5)));
    }

    #[test]
    fn chance_is_the_seeds() {
        let times = |text: &str| -> Vec<bool> {
            let plan = plan(text);
            (0..1_000)
                .map(|_| plan.strike(Point::AfterGrant, "").is_some())
                .collect()
        };
        let struck = times("after_grant:panic%10~7");
        assert_eq!(struck, times("after_grant:panic%10~7"));
        assert_ne!(struck, times("after_grant:panic%10~8"));
        let often = struck.iter().filter(|struck| **struck).count();
        assert!((60..140).contains(&often), "{often} of 1,000");
    }

    #[test]
    fn every_point_has_a_name_of_its_own_that_can_be_read() {
        for point in Point::ALL {
            let plan = plan(&format!("{}:panic", point.name()));
            assert_eq!(plan.strike(*point, ""), Some(Action::Panic));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "before_commit",
            "nowhere:kill9",
            "before_commit:explode",
            "before_commit:kill9@0",
            "before_commit:kill9%101",
            "before_commit(x:kill9",
            "before_commit:delay=",
        ] {
            assert!(wrong.parse::<Plan>().is_err(), "{wrong}");
        }
    }
}
