//! A settlement: the collections of what was sold and the payments of what was bought.

use chrono::{NaiveDate, TimeDelta};

use super::document::{Outline, lines, outline, totals};
use super::overlay::Payment;
use super::plan::Plan;

/// A collection, or a payment to a provider.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Collection {
    pub(in crate::contifico) document: u64,
    /// Its place among those of its document.
    pub(in crate::contifico) number: u8,
    pub(in crate::contifico) date: NaiveDate,
    pub(in crate::contifico) cents: i64,
    /// `EF`, `CQ`, `TC` or `TRA`.
    pub(in crate::contifico) form: &'static str,
    /// The account that a cheque or a transfer went to or came from.
    pub(in crate::contifico) bank: Option<u64>,
}

/// Those from here on came by mutations.
pub(in crate::contifico) const LATE: u8 = 2;

/// How a document is settled: so many parts, and the days from its date to each.
fn pattern(plan: &Plan, outline: &Outline) -> (i64, [i64; 2]) {
    let dice = &mut plan.dice("settlement", outline.ordinal);
    if !outline.kind.paid || outline.annulled {
        return (0, [0; 2]);
    }
    let first = if dice.chance(50) { 0 } else { dice.between(1, 45) };
    let parts = match dice.below(10) {
        0..3 => 0,
        3..8 => 1,
        _ => 2,
    };
    (parts, [first, first + dice.between(15, 40)])
}

/// The numbers and dates of what has arrived by the end of the books.
pub(super) fn planned(plan: &Plan, outline: &Outline) -> impl Iterator<Item = (u8, NaiveDate)> {
    let (parts, days) = pattern(plan, outline);
    let (date, as_of) = (outline.date, plan.as_of);
    (0..LATE)
        .zip(days)
        .take(usize::try_from(parts).unwrap_or(0))
        .map(move |(number, days)| (number, date + TimeDelta::days(days)))
        .filter(move |(_, date)| *date <= as_of)
}

/// All that has been collected of a document with that total in cents.
pub(in crate::contifico) fn collections(
    plan: &Plan,
    outline: &Outline,
    total: i64,
    late: &[Payment],
) -> Vec<Collection> {
    let (parts, _) = pattern(plan, outline);
    let arrived = planned(plan, outline).map(|(number, date)| {
        let half = total / 2;
        let cents = match (parts, number) {
            (1, _) => total,
            (_, 0) => half,
            _ => total - half,
        };
        collection(plan, outline, number, date, cents)
    });
    let mut all: Vec<Collection> =
        if outline.ordinal < plan.planned(crate::contifico::resource::Table::Documents) {
            arrived.collect()
        } else {
            Vec::new()
        };
    let late = (LATE..).zip(late);
    all.extend(late.map(|(number, payment)| collection(plan, outline, number, payment.day, payment.cents)));
    all
}

fn collection(plan: &Plan, outline: &Outline, number: u8, date: NaiveDate, cents: i64) -> Collection {
    let dice = &mut plan.dice("collection", outline.ordinal * 64 + u64::from(number));
    let form = if outline.kind.register == "CLI" {
        ["EF", "EF", "TC", "TRA", "CQ"][dice.index(5)]
    } else {
        ["TRA", "TRA", "CQ"][dice.index(3)]
    };
    Collection {
        document: outline.ordinal,
        number,
        date,
        cents,
        form,
        bank: matches!(form, "TRA" | "CQ").then(|| dice.below(plan.scale.bank_accounts)),
    }
}

/// The collection that a transaction of the plan tells of.
pub(in crate::contifico) fn of_transaction(plan: &Plan, transaction: u64) -> Option<Collection> {
    let (document, number) = plan.collection(transaction)?;
    let date = plan.date(crate::contifico::resource::Table::Documents, document)?;
    let outline = outline(plan, document, date);
    let total = totals(&lines(plan, &outline, 0)).total;
    let all = collections(plan, &outline, total, &[]);
    all.into_iter().find(|collection| collection.number == number)
}
