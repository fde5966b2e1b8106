//! The books of a company: a plan, and an overlay of what mutations changed.

pub(super) mod accounts;
pub(super) mod amount;
mod days;
pub(super) mod document;
pub(super) mod draw;
pub(super) mod ecuador;
pub(super) mod ids;
pub(super) mod journal;
pub(super) mod movement;
pub(super) mod overlay;
pub(super) mod person;
pub(super) mod plan;
pub(super) mod settlement;
pub(super) mod source;
pub(super) mod words;

use std::sync::RwLockReadGuard;

use chrono::{NaiveDate, TimeDelta};

use super::resource::Table;
use crate::locks::RwLock;
use overlay::{Overlay, State, View};
use plan::Plan;

/// All records of one company.
pub(super) struct Books {
    pub(super) plan: Plan,
    pub(super) overlay: RwLock<Overlay>,
}

/// The books as somebody sees them at one moment; nothing changes while it is held.
pub(super) struct Sight<'books> {
    pub(super) plan: &'books Plan,
    pub(super) overlay: RwLockReadGuard<'books, Overlay>,
    view: View,
}

/// A record, as far as all records are alike.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) table: Table,
    pub(super) ordinal: u64,
    pub(super) state: State,
    /// The document's date; none for lists.
    pub(super) date: Option<NaiveDate>,
    /// Unix seconds.
    pub(super) created: i64,
    /// Unix seconds.
    pub(super) changed: i64,
}

impl Books {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            overlay: RwLock::default(),
        }
    }

    pub(super) fn look(&self, view: View) -> Sight<'_> {
        Sight {
            plan: &self.plan,
            overlay: self.overlay.read(),
            view,
        }
    }
}

impl Sight<'_> {
    /// A record, if it is there to be seen.
    pub(super) fn record(&self, table: Table, ordinal: u64) -> Option<Record> {
        let planned = self.plan.planned(table);
        let state = self.overlay.state(table, ordinal, planned, self.view)?;
        Some(self.dress(table, ordinal, state))
    }

    /// Whether a record is there to be seen.
    pub(super) fn is_there(&self, table: Table, ordinal: u64) -> bool {
        let planned = self.plan.planned(table);
        self.overlay.state(table, ordinal, planned, self.view).is_some()
    }

    /// A record that is gone or of which an id is gone, as it was.
    pub(super) fn former(&self, table: Table, ordinal: u64) -> Record {
        let state = self.overlay.whole(table, ordinal, self.view);
        self.dress(table, ordinal, state)
    }

    /// The record of an id; none for one that is gone.
    pub(super) fn find(&self, table: Table, id: &str) -> Option<Record> {
        let (ordinal, generation) = self.plan.ids(table).read(id)?;
        self.record(table, ordinal)
            .filter(|record| record.state.generation == generation)
    }

    /// The records of a table in the order of their ordinals that can have dates between two days.
    pub(super) fn ordinals(&self, table: Table, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Vec<u64> {
        let range = self.plan.between(table, from, to);
        let born = self
            .overlay
            .ordinals(table)
            .filter(|ordinal| *ordinal >= self.plan.planned(table));
        range.chain(born).collect()
    }

    /// The ordinals of all that mutations have touched.
    pub(super) fn touched(&self, table: Table) -> Vec<u64> {
        self.overlay.ordinals(table).collect()
    }

    fn dress(&self, table: Table, ordinal: u64, state: State) -> Record {
        let plan = self.plan;
        let (date, created) = if let Some((birth, at)) = state.birth {
            (dated(table).then_some(birth.day), at)
        } else {
            let date = plan.date(table, ordinal);
            (date, created(plan, table, ordinal, date))
        };
        let changed = state
            .changed
            .unwrap_or_else(|| changed(plan, table, ordinal, created));
        Record {
            table,
            ordinal,
            state,
            date,
            created,
            changed,
        }
    }
}

/// Whether the records of a table have a date of their own.
pub(super) fn dated(table: Table) -> bool {
    matches!(
        table,
        Table::Documents
            | Table::Movements
            | Table::Guides
            | Table::Transactions
            | Table::Journals
            | Table::BankMovements
    )
}

/// When a record of the plan was entered.
fn created(plan: &Plan, table: Table, ordinal: u64, date: Option<NaiveDate>) -> i64 {
    let dice = &mut plan.dice("created", ordinal * 16 + table as u64);
    let day = match date {
        Some(date) if table == Table::Documents => document::outline(plan, ordinal, date).created,
        // What is dated ahead was entered before the books ended.
        Some(date) => date.min(plan.as_of),
        None => plan.first_day - TimeDelta::days(dice.between(1, 1_000)),
    };
    ecuador::instant(day, dice.between(8 * 3_600, 20 * 3_600))
}

/// When a record of the plan was last changed: a list's entry some time since, a document when its last collection came.
fn changed(plan: &Plan, table: Table, ordinal: u64, created: i64) -> i64 {
    let dice = &mut plan.dice("changed", ordinal * 16 + table as u64);
    if !dated(table) {
        let until = ecuador::instant(plan.as_of, 20 * 3_600);
        return if dice.chance(60) {
            dice.between(created, until)
        } else {
            created
        };
    }
    if table != Table::Documents || ordinal >= plan.planned(table) {
        return created;
    }
    let Some(date) = plan.date(table, ordinal) else {
        return created;
    };
    let outline = document::outline(plan, ordinal, date);
    let arrived = settlement::planned(plan, &outline);
    let last = arrived
        .map(|(_, date)| ecuador::instant(date, 20 * 3_600 + 1))
        .max();
    last.unwrap_or(created).max(created)
}
