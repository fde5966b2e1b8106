//! `quota`: the metered calls of a month.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::REGISTRY;
use ledgerfleet_ledger::CompanyCalls;
use ledgerfleet_model::budget::{Allowance, runs_out};
use ledgerfleet_planning::connections_named;
use ledgerfleet_wiring::Parts;

use crate::cli::QuotaArgs;
use crate::exit::Exit;
use crate::output::{counted, instant};
use crate::session::Session;
use crate::views::quota::{CompanyShare, Quota};

/// The pace of how many days is what a forecast goes on with.
const PACE_OF: TimeDelta = TimeDelta::days(7);

pub(crate) async fn run(session: &Session, args: &QuotaArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let chosen = match args.connection.as_slice() {
        [] => None,
        names => Some(connections_named(&*parts.ledger, names).await?),
    };
    for entry in REGISTRY {
        let Some(allowance) = parts.budget.allowance(entry.name) else {
            continue;
        };
        let mut quota = quota(&parts, entry.name, &allowance, args.month).await?;
        if let Some(chosen) = &chosen {
            let is_chosen = |company: &CompanyShare| chosen.iter().any(|one| one.name == company.connection);
            quota.companies.retain(is_chosen);
        }
        session.output.one(&quota)?;
        if session.output.is_for_people() {
            session.output.list(&quota.companies)?;
        }
        tell(session, &quota);
    }
    Ok(Exit::Done)
}

/// What was used of the calls of a connector in a month, this one unless another is asked for.
pub(crate) async fn quota(
    parts: &Parts,
    connector: &'static str,
    allowance: &Allowance,
    month: Option<chrono::NaiveDate>,
) -> anyhow::Result<Quota> {
    let now = parts.ledger.clock().await?.now;
    let this = allowance.month_of(now);
    let month = month.map_or(this, |first| allowance.month(first));
    let mut spent = parts.budget.spent(month).await?;
    spent.retain(|company| company.connector == connector);
    let used = spent.iter().map(|company| company.calls).sum();
    let left = allowance.left(used);
    let runs_out_at = if month == this {
        let a_day = pace(parts, connector, now).await?;
        runs_out(now, left, a_day, month)
    } else {
        None
    };
    Ok(Quota {
        connector,
        month_begins_at: month.start,
        month_ends_at: month.end,
        monthly_calls: allowance.monthly_calls,
        reserve_percent: allowance.reserve * 100.0,
        used,
        left_before_reserve: left,
        left: allowance.monthly_calls.saturating_sub(used),
        runs_out_at,
        companies: spent
            .into_iter()
            .map(|company| share(company, allowance))
            .collect(),
    })
}

/// Calls a day, lately.
async fn pace(parts: &Parts, connector: &str, now: DateTime<Utc>) -> anyhow::Result<f64> {
    let lately = ledgerfleet_model::budget::Month {
        start: now - PACE_OF,
        end: now,
    };
    let spent = parts.budget.spent(lately).await?;
    let of_it = spent.iter().filter(|company| company.connector == connector);
    let calls: u64 = of_it.map(|company| company.calls).sum();
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
    Ok(calls as f64 / PACE_OF.num_days() as f64)
}

fn share(company: CompanyCalls, allowance: &Allowance) -> CompanyShare {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
    let percent = 100.0 * company.calls as f64 / allowance.monthly_calls.max(1) as f64;
    CompanyShare {
        connection: company.name,
        calls: company.calls,
        percent,
        limit: allowance.company_calls,
    }
}

/// Says what it means for work.
fn tell(session: &Session, quota: &Quota) {
    let ends = instant(quota.month_ends_at);
    if quota.left_before_reserve == 0 {
        session.talk.warn(format!(
            "nothing is left before the reserve: backfills and verification wait until {ends}, live syncs go on\n  more calls: \
             quickbooks.monthly_calls, quickbooks.reserve"
        ));
    } else if let Some(at) = quota.runs_out_at {
        session.talk.warn(format!(
            "at the pace of the last seven days what is left before the reserve ({}) is used up on {}; then backfills wait \
             until {ends}",
            counted(quota.left_before_reserve, "call"),
            instant(at)
        ));
    }
}
