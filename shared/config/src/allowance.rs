//! Allowance: what is configured of the metered calls of a month.

use ledgerfleet_model::budget::Allowance;

use crate::ConfigError;
use crate::typed::{check, invalid};
use crate::values::Values;

const CALLS: &str = "it takes a whole number of calls";
const SHARE: &str = "it takes a share from 0 % to 100 %, such as 10 %";

/// That of QuickBooks.
pub(crate) fn quickbooks(values: &Values) -> Result<Allowance, ConfigError> {
    Ok(Allowance {
        monthly_calls: values.number("quickbooks.monthly_calls", CALLS)?,
        company_calls: values.optional("quickbooks.company_calls", CALLS)?,
        reserve: share(values, "quickbooks.reserve")?,
        zone: values.number(
            "quickbooks.month_zone",
            "it takes a time zone, such as America/Los_Angeles",
        )?,
    })
}

fn share(values: &Values, key: &'static str) -> Result<f64, ConfigError> {
    let text = values.text(key).unwrap_or_default();
    let number = text.trim().trim_end_matches('%').trim_end().parse::<f64>();
    let percent = number.ok().filter(|percent| (0.0..=100.0).contains(percent));
    check(values, key, percent.is_some(), SHARE)?;
    match (percent, values.get(key)) {
        (Some(percent), _) => Ok(percent / 100.0),
        (None, Some(given)) => Err(invalid(key, given, SHARE)),
        (None, None) => Ok(0.0),
    }
}

/// What is allowed and leaves nothing to backfills.
pub(crate) fn unwise(allowance: &Allowance) -> Option<String> {
    (allowance.before_reserve(allowance.monthly_calls) == 0).then(|| {
        "quickbooks.monthly_calls and quickbooks.reserve leave no calls: backfills and verification wait for ever"
            .to_owned()
    })
}
