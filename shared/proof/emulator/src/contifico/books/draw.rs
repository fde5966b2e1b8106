//! Drawing: finds out once what follows from the documents of a plan, in the order of dates.

use chrono::{NaiveDate, TimeDelta};

use super::days::documents_on;
use super::document::outline;
use super::plan::{Plan, Scale};
use super::source::{JournalSource, MovementSource};
use super::{movement, settlement};
use crate::contifico::resource::Table;
use crate::options::Size;

/// Days for which entries are dated ahead of the books' end.
const AHEAD: i64 = 120;
/// The days between two of them.
const STEP: usize = 5;

/// The plan of a company.
pub(in crate::contifico) fn drawn(seed: u64, size: Size, days: u32, as_of: NaiveDate) -> Plan {
    let first_day = as_of - TimeDelta::days(i64::from(days) - 1);
    let scale = Scale::of(size);
    let counts = first_day
        .iter_days()
        .take(usize::try_from(days).unwrap_or(usize::MAX))
        .map(|date| documents_on(seed, date, scale.documents_a_day));
    let mut plan = Plan::bare(seed, scale, (first_day, as_of), counts);
    follow(&mut plan);
    count_stock(&mut plan);
    post(&mut plan);
    let banked = |ordinal: &u64| {
        settlement::of_transaction(&plan, *ordinal).is_some_and(|collection| collection.bank.is_some())
    };
    plan.bank_movements = (0..plan.planned(Table::Transactions)).filter(banked).collect();
    plan
}

/// What was collected, moved and sent.
fn follow(plan: &mut Plan) {
    let (mut collected, mut moved, mut guided) = (Vec::new(), Vec::new(), Vec::new());
    for ordinal in 0..plan.planned(Table::Documents) {
        let outline = outline(plan, ordinal, plan.documents.place(ordinal).0);
        if movement::follows(plan, &outline) {
            moved.push((outline.date, MovementSource::Document(ordinal)));
            if outline.kind.register == "CLI" && ordinal % 37 == 5 {
                guided.push(ordinal);
            }
        }
        let arrived = settlement::planned(plan, &outline);
        collected.extend(arrived.map(|(number, date)| (date, ordinal, number)));
    }
    let counted = [MovementSource::Adjustment, MovementSource::Transfer];
    moved.extend(workdays(plan).step_by(4).zip(counted.into_iter().cycle()));
    moved.sort_by_key(|(date, _)| *date);
    collected.sort_unstable();
    plan.movements = moved;
    plan.collections = collected;
    plan.guides = guided;
}

/// What lies in the warehouses is what the movements brought and took.
fn count_stock(plan: &mut Plan) {
    let mut stock = vec![0; usize::try_from(plan.scale.products).unwrap_or(0)];
    for ordinal in 0..plan.planned(Table::Movements) {
        let movement = movement::planned(plan, ordinal);
        for line in &movement.lines {
            let place = usize::try_from(line.product).unwrap_or(usize::MAX);
            if let Some(stock) = stock.get_mut(place) {
                *stock += movement.direction() * line.quantity.in_millionths();
            }
        }
    }
    plan.stock = stock;
}

/// The entries of documents, collections and movements, and those that follow from nothing: the tills' closings of every
/// day, and what is written off months ahead.
fn post(plan: &mut Plan) {
    let documents = (0..plan.planned(Table::Documents))
        .map(|ordinal| outline(plan, ordinal, plan.documents.place(ordinal).0))
        .filter(super::document::Outline::posts)
        .map(|outline| (outline.date, JournalSource::Document(outline.ordinal)));
    let collections = (0..).zip(&plan.collections);
    let collections = collections.map(|(number, (date, ..))| (*date, JournalSource::Settlement(number)));
    let movements = (0..plan.planned(Table::Movements))
        .map(|ordinal| (ordinal, movement::planned(plan, ordinal)))
        .filter(|(_, movement)| movement.posts())
        .map(|(ordinal, movement)| (movement.date, JournalSource::Movement(ordinal)));
    let each = std::iter::repeat_n((), usize::try_from(plan.scale.closings_a_day).unwrap_or(0));
    let ahead = plan.as_of.iter_days().skip(STEP).step_by(STEP);
    let ahead = ahead.take_while(|date| (*date - plan.as_of).num_days() <= AHEAD);
    let closings = workdays(plan)
        .flat_map(|date| each.clone().map(move |()| date))
        .chain(ahead);
    let closings = (0..)
        .zip(closings)
        .map(|(number, date)| (date, JournalSource::Closing(number)));
    let mut journals: Vec<(NaiveDate, JournalSource)> = documents
        .chain(collections)
        .chain(movements)
        .chain(closings)
        .collect();
    journals.sort_by_key(|(date, _)| *date);
    plan.journals = journals;
}

/// The days of the books.
fn workdays(plan: &Plan) -> impl Iterator<Item = NaiveDate> + use<> {
    let as_of = plan.as_of;
    plan.first_day.iter_days().take_while(move |date| *date <= as_of)
}
