//! A currency: what a customer or vendor is dealt with in, and what it was worth at home on each day.

use chrono::NaiveDate;

use super::blueprint::{Blueprint, midnight};
use super::name::Name;
use crate::dice::topic;
use crate::json::Json;
use crate::money::{Money, Rate};
use crate::options::{Currencies, Region};

/// A currency other than the company's own.
#[derive(Debug)]
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// About what one of it is worth at home, in millionths.
    worth: i64,
}

const fn currency(code: &'static str, name: &'static str, worth: i64) -> Currency {
    Currency { code, name, worth }
}

/// The last one was given up and is used no more.
pub(crate) const FOREIGN: [&[Currency]; 2] = [
    &[
        currency("EUR", "Euro", 1_094_300),
        currency("GBP", "British Pound Sterling", 1_271_000),
        currency("MXN", "Mexican Peso", 54_210),
        currency("SEK", "Swedish Krona", 95_400),
    ],
    &[
        currency("USD", "Dollar des États-Unis", 1_362_500),
        currency("EUR", "Euro", 1_478_900),
        currency("GBP", "Livre sterling", 1_731_400),
        currency("SEK", "Couronne suédoise", 129_700),
    ],
];

/// How many of [`FOREIGN`] are in use.
pub(crate) const USED: usize = 3;

pub(crate) fn foreign(region: Region) -> &'static [Currency] {
    match region {
        Region::Us => FOREIGN[0],
        Region::Ca => FOREIGN[1],
    }
}

/// What a customer or vendor is dealt with in; none for the home currency. Whose number it is matters only with several.
pub(crate) fn of(plan: &Blueprint, party: Name, ordinal: impl FnOnce() -> u64) -> Option<&'static Currency> {
    if plan.currencies == Currencies::One {
        return None;
    }
    let mut dice = plan.dice("currency", ordinal() ^ party.topic());
    dice.chance(35).then(|| &foreign(plan.region)[dice.index(USED)])
}

/// What a currency is worth at home on a date.
pub(crate) fn rate(plan: &Blueprint, currency: &Currency, date: NaiveDate) -> Rate {
    let day = midnight(date).unsigned_abs() / 86_400;
    let mut dice = plan.dice("exchange rate", topic(currency.code) ^ day);
    Rate(currency.worth + currency.worth * dice.between(-200, 200) / 10_000)
}

/// What an amount is worth at home.
pub(crate) fn at_home(
    plan: &Blueprint,
    currency: Option<&Currency>,
    date: NaiveDate,
    amount: Money,
) -> Money {
    currency.map_or(amount, |currency| amount.exchanged(rate(plan, currency, date)))
}

/// `CurrencyRef`, and the rate where it is not the home currency.
pub(crate) fn write(plan: &Blueprint, currency: Option<&Currency>, date: NaiveDate, json: &mut Json) {
    write_reference(plan, currency, json);
    if let Some(currency) = currency {
        json.value("ExchangeRate", rate(plan, currency, date));
    }
}

/// `CurrencyRef` alone.
pub(crate) fn write_reference(plan: &Blueprint, currency: Option<&Currency>, json: &mut Json) {
    let (code, name) = currency.map_or_else(|| plan.currency(), |currency| (currency.code, currency.name));
    json.reference("CurrencyRef", code, name);
}
