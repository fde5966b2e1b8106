//! A journal entry: what the books say of a document, a collection, a movement or the end of a day. Debits equal credits.

use chrono::NaiveDate;

use super::accounts::account;
use super::document::{self, Outline, Totals};
use super::plan::Plan;
use super::settlement::Collection;
use super::source::JournalSource;
use super::{movement, settlement};
use crate::contifico::resource::Table;

/// One line of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::contifico) struct Posting {
    /// The account's place in the chart.
    pub(in crate::contifico) account: u64,
    pub(in crate::contifico) center: Option<u64>,
    pub(in crate::contifico) is_debit: bool,
    pub(in crate::contifico) cents: i64,
}

/// An entry with its text.
#[derive(Debug, Clone)]
pub(in crate::contifico) struct Journal {
    pub(in crate::contifico) text: String,
    pub(in crate::contifico) postings: Vec<Posting>,
}

impl Journal {
    /// In cents.
    pub(in crate::contifico) fn debits(&self) -> i64 {
        let debits = self.postings.iter().filter(|posting| posting.is_debit);
        debits.map(|posting| posting.cents).sum()
    }
}

fn debit(code: &str, cents: i64) -> Posting {
    Posting {
        account: account(code),
        center: None,
        is_debit: true,
        cents,
    }
}

fn credit(code: &str, cents: i64) -> Posting {
    Posting {
        is_debit: false,
        ..debit(code, cents)
    }
}

/// The entry of a source.
pub(in crate::contifico) fn journal(plan: &Plan, source: JournalSource) -> Journal {
    let (text, mut postings) = match source {
        JournalSource::Document(ordinal) => of_document(plan, ordinal),
        JournalSource::Settlement(ordinal) => match settlement::of_transaction(plan, ordinal) {
            Some(collection) => of_collection(plan, &collection),
            None => closing(plan, ordinal),
        },
        JournalSource::Movement(ordinal) => of_movement(plan, ordinal),
        JournalSource::Closing(number) => closing(plan, number),
    };
    postings.retain(|posting| posting.cents != 0);
    Journal { text, postings }
}

fn of_document(plan: &Plan, ordinal: u64) -> (String, Vec<Posting>) {
    let date = plan.date(Table::Documents, ordinal).unwrap_or(plan.as_of);
    let outline = document::outline(plan, ordinal, date);
    let totals = document::totals(&document::lines(plan, &outline, 0));
    let text = format!(
        "{} {} Nº {}",
        outline.kind.code,
        outline.kind.register,
        ordinal + 1
    );
    let postings = match outline.kind.register {
        "CLI" => sold(totals),
        _ => bought(totals),
    };
    (
        text,
        if is_reverse(&outline) {
            reversed(postings)
        } else {
            postings
        },
    )
}

fn is_reverse(outline: &Outline) -> bool {
    outline.kind.code == "NCT"
}

fn sold(totals: Totals) -> Vec<Posting> {
    vec![
        debit("1.1.02", totals.total),
        credit("4.1.01", totals.taxed),
        credit("4.1.02", totals.untaxed),
        credit("2.1.02", totals.vat),
    ]
}

fn bought(totals: Totals) -> Vec<Posting> {
    vec![
        debit("1.1.06", totals.taxed + totals.untaxed),
        debit("1.1.05", totals.vat),
        credit("2.1.01", totals.total),
    ]
}

fn reversed(mut postings: Vec<Posting>) -> Vec<Posting> {
    for posting in &mut postings {
        posting.is_debit = !posting.is_debit;
    }
    postings
}

/// The entry of a collection, also of one that came by a mutation.
pub(in crate::contifico) fn of_late_collection(plan: &Plan, collection: &Collection) -> Journal {
    let (text, postings) = of_collection(plan, collection);
    Journal { text, postings }
}

fn of_collection(plan: &Plan, collection: &Collection) -> (String, Vec<Posting>) {
    let date = plan.date(Table::Documents, collection.document);
    let outline = document::outline(plan, collection.document, date.unwrap_or(collection.date));
    let money = match collection.form {
        "EF" => "1.1.01",
        "TC" => "1.1.07",
        _ => "1.1.03",
    };
    let text = format!(
        "COBRO {} DOCUMENTO Nº {}",
        collection.form,
        collection.document + 1
    );
    let postings = if outline.kind.register == "CLI" {
        vec![debit(money, collection.cents), credit("1.1.02", collection.cents)]
    } else {
        vec![debit("2.1.01", collection.cents), credit(money, collection.cents)]
    };
    (text, postings)
}

fn of_movement(plan: &Plan, ordinal: u64) -> (String, Vec<Posting>) {
    let movement = movement::planned(plan, ordinal);
    let total = movement.total();
    let postings = match movement.kind {
        "EGR" => vec![debit("5.1.01", total), credit("1.1.04", total)],
        "ING" => vec![debit("1.1.04", total), credit("1.1.06", total)],
        _ => vec![debit("1.1.04", total), credit("5.1.02", total)],
    };
    (format!("INVENTARIO {}", movement.code), postings)
}

fn closing(plan: &Plan, number: u64) -> (String, Vec<Posting>) {
    let dice = &mut plan.dice("closing", number);
    let (what, expense, against) = [
        ("CIERRE DE CAJA", "5.2.04", "1.1.07"),
        ("PROVISIÓN BENEFICIOS", "5.2.01", "2.1.03"),
        ("DEPRECIACIÓN", "5.2.03", "1.2.02"),
        ("ARRIENDO DEVENGADO", "5.2.02", "2.1.03"),
    ][dice.index(4)];
    let cents = dice.between(100, 90_000);
    let part = dice.between(0, 99) * cents / 100;
    let center = |posting: Posting, place: u64| Posting {
        center: Some(place),
        ..posting
    };
    let postings = vec![
        center(debit(expense, cents - part), 1 + dice.below(3)),
        center(debit(expense, part), 5),
        credit(against, cents),
    ];
    (format!("{what} Nº {}", number + 1), postings)
}

/// The date to which an entry of the plan belongs, or that of a new one.
pub(in crate::contifico) fn source_of(plan: &Plan, ordinal: u64) -> (NaiveDate, JournalSource) {
    plan.journal(ordinal)
        .unwrap_or((plan.as_of, JournalSource::Closing(ordinal)))
}
