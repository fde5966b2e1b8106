//! Traffic: who came when. It throttles exactly as announced, and it remembers what the fleet really did.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::clock::Clock;
use crate::locks::Lock;
use crate::options::Rate;

/// The traffic of all companies.
#[derive(Debug)]
pub(crate) struct Traffic {
    companies: Vec<Lock<Tally>>,
    /// Company by company: not every API has limits of its own.
    limits: Vec<Option<Limits>>,
    clock: Clock,
    log: Lock<Log>,
}

/// The most that a company admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    second: usize,
    minute: usize,
    in_flight: usize,
    batches_a_minute: usize,
}

/// What a request is for, as far as limits care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    Single,
    Batch,
}

/// What one company saw.
#[derive(Debug)]
struct Tally {
    arrived_second: Window,
    arrived_minute: Window,
    admitted_second: Window,
    admitted_minute: Window,
    admitted_batches: Window,
    requests: u64,
    throttled: u64,
    metered: u64,
    statuses: BTreeMap<u16, u64>,
    in_flight: usize,
    admitted_in_flight: usize,
    peak_in_flight: usize,
}

/// One request between its arrival and the last byte of its answer.
#[derive(Debug)]
pub(crate) struct Visit {
    traffic: Arc<Traffic>,
    company: usize,
    pub(crate) admission: Admission,
    /// The how-manieth request of its company, from 1.
    pub(crate) number: u64,
    /// How many were in flight when it arrived, itself included.
    pub(crate) in_flight: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    Throttled,
}

/// The traffic of one company since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyTraffic {
    /// The company's name.
    pub name: String,
    /// Its realm.
    pub realm: String,
    /// API requests that arrived.
    pub requests: u64,
    /// How many ended with which HTTP status.
    pub statuses: BTreeMap<u16, u64>,
    /// Those that exceeded the rate.
    pub throttled: u64,
    /// What upstream would charge: reads that were answered with 2xx, each item of a batch for itself.
    pub metered: u64,
    /// The most that arrived in any one second.
    pub peak_1s: usize,
    /// The most that arrived in any sixty seconds.
    pub peak_60s: usize,
    /// The most that were in flight at once.
    pub peak_in_flight: usize,
}

/// One logged request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogLine {
    pub(crate) time: String,
    pub(crate) company: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    pub(crate) status: u16,
    pub(crate) in_flight: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) tid: String,
}

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<LogLine>,
    forgotten: u64,
}

/// The log keeps the last so many; maxima and totals are kept apart and forget nothing.
const LOG_LINES: usize = 10_000;

impl Traffic {
    /// One rate for each company.
    pub(crate) fn new(rates: &[Rate], clock: Clock) -> Self {
        Self {
            companies: rates.iter().map(|_| Lock::new(Tally::new())).collect(),
            limits: rates.iter().copied().map(Limits::of).collect(),
            clock,
            log: Lock::default(),
        }
    }

    /// Counts a request in and decides whether it is admitted.
    pub(crate) fn arrive(self: &Arc<Self>, company: usize, errand: Errand) -> Visit {
        let mut tally = self.companies[company].lock();
        // Under the lock, so that the windows see time pass in one direction only.
        let now = self.clock.now().timestamp_micros();
        tally.arrive(now);
        let admission = tally.admit(now, self.limits[company], errand);
        Visit {
            traffic: Arc::clone(self),
            company,
            admission,
            number: tally.requests,
            in_flight: tally.in_flight,
        }
    }

    pub(crate) fn log(&self, line: LogLine) {
        let mut log = self.log.lock();
        if log.lines.len() == LOG_LINES {
            log.lines.pop_front();
            log.forgotten += 1;
        }
        log.lines.push_back(line);
    }

    /// The logged requests, oldest first, and how many older ones were forgotten.
    pub(crate) fn logged(&self) -> (Vec<LogLine>, u64) {
        let log = self.log.lock();
        (log.lines.iter().cloned().collect(), log.forgotten)
    }

    pub(crate) fn summary(&self, company: usize) -> CompanyTraffic {
        let tally = self.companies[company].lock();
        CompanyTraffic {
            name: String::new(),
            realm: String::new(),
            requests: tally.requests,
            statuses: tally.statuses.clone(),
            throttled: tally.throttled,
            metered: tally.metered,
            peak_1s: tally.arrived_second.peak(),
            peak_60s: tally.arrived_minute.peak(),
            peak_in_flight: tally.peak_in_flight,
        }
    }
}

impl Limits {
    fn of(rate: Rate) -> Option<Self> {
        match rate {
            Rate::Off => None,
            Rate::Enforce => Some(Self {
                second: 10,
                minute: 500,
                in_flight: 10,
                batches_a_minute: 40,
            }),
            Rate::PerSecond(number) => {
                let second = usize::try_from(number).unwrap_or(usize::MAX);
                Some(Self {
                    second,
                    minute: second.saturating_mul(50),
                    in_flight: second.max(10),
                    batches_a_minute: second.saturating_mul(4),
                })
            }
        }
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            arrived_second: Window::of_seconds(1),
            arrived_minute: Window::of_seconds(60),
            admitted_second: Window::of_seconds(1),
            admitted_minute: Window::of_seconds(60),
            admitted_batches: Window::of_seconds(60),
            requests: 0,
            throttled: 0,
            metered: 0,
            statuses: BTreeMap::new(),
            in_flight: 0,
            admitted_in_flight: 0,
            peak_in_flight: 0,
        }
    }

    fn arrive(&mut self, now: i64) {
        self.requests += 1;
        self.arrived_second.add(now);
        self.arrived_minute.add(now);
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
    }

    /// What is refused uses up nothing: only admitted requests count against the limits.
    fn admit(&mut self, now: i64, limits: Option<Limits>, errand: Errand) -> Admission {
        if let Some(limits) = limits {
            let batch = errand == Errand::Batch;
            let full = self.admitted_second.count(now) >= limits.second
                || self.admitted_minute.count(now) >= limits.minute
                || self.admitted_in_flight >= limits.in_flight
                || (batch && self.admitted_batches.count(now) >= limits.batches_a_minute);
            if full {
                self.throttled += 1;
                return Admission::Throttled;
            }
            self.admitted_second.add(now);
            self.admitted_minute.add(now);
            if batch {
                self.admitted_batches.add(now);
            }
        }
        self.admitted_in_flight += 1;
        Admission::Granted
    }
}

impl Visit {
    /// Notes the outcome; the request stays in flight until the visit is dropped.
    pub(crate) fn answered(&self, status: u16, charges: u64) {
        let mut tally = self.traffic.companies[self.company].lock();
        *tally.statuses.entry(status).or_default() += 1;
        tally.metered += charges;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut tally = self.traffic.companies[self.company].lock();
        tally.in_flight = tally.in_flight.saturating_sub(1);
        if self.admission == Admission::Granted {
            tally.admitted_in_flight = tally.admitted_in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;

    fn traffic(rate: Rate) -> (Arc<Traffic>, Clock) {
        let clock = Clock::frozen_at(DateTime::from_timestamp(1_000_000, 0).unwrap());
        (Arc::new(Traffic::new(&[rate], clock.clone())), clock)
    }

    fn granted(traffic: &Arc<Traffic>, requests: usize) -> usize {
        (0..requests)
            .filter(|_| traffic.arrive(0, Errand::Single).admission == Admission::Granted)
            .count()
    }

    #[test]
    fn ten_are_admitted_in_any_second_and_not_an_eleventh() {
        let (traffic, clock) = traffic(Rate::Enforce);
        assert_eq!(granted(&traffic, 6), 6);
        clock.step(Duration::from_millis(700));
        assert_eq!(granted(&traffic, 6), 4);
        clock.step(Duration::from_millis(299));
        assert_eq!(granted(&traffic, 6), 0);
        clock.step(Duration::from_millis(1));
        assert_eq!(granted(&traffic, 20), 6);
    }

    #[test]
    fn five_hundred_are_admitted_in_any_minute_whatever_the_seam() {
        let (traffic, clock) = traffic(Rate::Enforce);
        let mut admitted = 0;
        for _ in 0..59 {
            admitted += granted(&traffic, 10);
            clock.step(Duration::from_secs(1));
        }
        assert_eq!(admitted, 500);
        clock.step(Duration::from_secs(1));
        assert_eq!(granted(&traffic, 20), 10);
    }

    #[test]
    fn ten_are_admitted_in_flight() {
        let (traffic, clock) = traffic(Rate::Enforce);
        let visits: Vec<Visit> = (0..10).map(|_| traffic.arrive(0, Errand::Single)).collect();
        clock.step(Duration::from_secs(2));
        assert_eq!(granted(&traffic, 1), 0);
        drop(visits);
        assert_eq!(granted(&traffic, 1), 1);
        assert_eq!(traffic.summary(0).peak_in_flight, 11);
    }

    #[test]
    fn a_rate_of_its_own_scales_all_limits_and_off_has_none() {
        assert_eq!(
            Limits::of(Rate::PerSecond(50)),
            Some(Limits {
                second: 50,
                minute: 2_500,
                in_flight: 50,
                batches_a_minute: 200
            })
        );
        assert_eq!(
            Limits::of(Rate::PerSecond(2)),
            Some(Limits {
                second: 2,
                minute: 100,
                in_flight: 10,
                batches_a_minute: 8
            })
        );
        let (traffic, _) = traffic(Rate::Off);
        assert_eq!(granted(&traffic, 5_000), 5_000);
        assert_eq!(traffic.summary(0).peak_1s, 5_000);
    }
}
