//! Cost: what a plan costs at least.

use ledgerfleet_connectors::ConnectorEntry;
use ledgerfleet_model::{Connection, Segmenting};

use crate::plan::Plan;
use crate::selection::connector_of;

/// What a plan costs at least: a request a segment. Days with more rows than a page take more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Metered requests.
    pub requests: u64,
    /// Seconds at the companies' own limits, side by side: the busiest decides.
    pub seconds: f64,
    /// Of the calls that the upstream's free plan grants in a month, 1 being all of them; none where it has no such plan.
    pub share: Option<f64>,
}

impl Cost {
    /// The cost of a plan that is cut so; `rate` says how many requests a second a company's gate grants.
    pub fn of(
        plan: &Plan,
        segmenting: Segmenting,
        rate: impl Fn(&Connection, &'static ConnectorEntry) -> f64,
    ) -> Self {
        let mut cost = Self {
            requests: 0,
            seconds: 0.0,
            share: None,
        };
        for connection in plan.connections() {
            let of_it = plan
                .parts()
                .iter()
                .filter(|part| part.connection.id == connection.id);
            let requests: u64 = of_it.map(|part| plan.count(part, segmenting)).sum();
            cost.requests += requests;
            let Ok(entry) = connector_of(connection) else {
                continue;
            };
            let seconds = as_number(requests) / rate(connection, entry).max(f64::MIN_POSITIVE);
            cost.seconds = cost.seconds.max(seconds);
            if let Some(free) = entry.free_calls_a_month {
                *cost.share.get_or_insert(0.0) += as_number(requests) / f64::from(free);
            }
        }
        cost
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
fn as_number(count: u64) -> f64 {
    count as f64
}
