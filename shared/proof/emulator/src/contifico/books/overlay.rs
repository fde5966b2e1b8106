//! An overlay: what mutations changed, on top of records that are computed. It is the only part of the books with memory.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::contifico::resource::Table;

/// The changed and the added records of all tables of a company.
#[derive(Debug, Default)]
pub(in crate::contifico) struct Overlay {
    edits: BTreeMap<(Table, u64), Vec<Edit>>,
    added: BTreeMap<Table, u64>,
}

/// One change of one record.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Edit {
    pub(in crate::contifico) what: What,
    /// Unix seconds.
    pub(in crate::contifico) at: i64,
    /// From when on clients see it, in Unix seconds.
    pub(in crate::contifico) seen_from: i64,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) enum What {
    /// The plan does not know the record.
    Born(Birth),
    /// Other content.
    Content,
    /// A payment more of a document.
    Paid(Payment),
    /// The tax office's answer arrives; no date moves.
    Authorised,
    /// The record is issued anew under another id, and the old id is gone.
    Reissued,
    Deleted,
}

/// Of what a new record is made.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Birth {
    pub(in crate::contifico) day: NaiveDate,
    /// The document and the number of the collection, for a transaction and a journal entry that follow from it.
    pub(in crate::contifico) of: Option<(u64, u8)>,
}

/// A payment by a mutation.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Payment {
    pub(in crate::contifico) day: NaiveDate,
    pub(in crate::contifico) cents: i64,
}

/// Who is looking.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) enum View {
    /// A client at that moment (Unix seconds): what is not visible yet is not seen.
    At(i64),
    /// The truth.
    Newest,
}

/// All changes of a record together.
#[derive(Debug, Clone, Default)]
pub(in crate::contifico) struct State {
    pub(in crate::contifico) birth: Option<(Birth, i64)>,
    pub(in crate::contifico) editions: u32,
    pub(in crate::contifico) versions: u32,
    pub(in crate::contifico) generation: u32,
    pub(in crate::contifico) payments: Vec<Payment>,
    pub(in crate::contifico) authorised: bool,
    /// Unix seconds.
    pub(in crate::contifico) changed: Option<i64>,
    /// The ids that are gone and when, by generation.
    pub(in crate::contifico) replaced: Vec<i64>,
    pub(in crate::contifico) deleted: Option<i64>,
}

impl Overlay {
    /// The state of a record; none if it is not there to be seen.
    pub(in crate::contifico) fn state(
        &self,
        table: Table,
        ordinal: u64,
        planned: u64,
        view: View,
    ) -> Option<State> {
        let state = self.whole(table, ordinal, view);
        let there = ordinal < planned || state.birth.is_some();
        (there && state.deleted.is_none()).then_some(state)
    }

    /// The state of a record, also of one that is gone.
    pub(in crate::contifico) fn whole(&self, table: Table, ordinal: u64, view: View) -> State {
        let edits = self.edits.get(&(table, ordinal)).map_or(&[][..], Vec::as_slice);
        let seen = edits.iter().filter(|edit| match view {
            View::At(now) => edit.seen_from <= now,
            View::Newest => true,
        });
        seen.fold(State::default(), State::after)
    }

    /// The ordinals of all changed and added records of a table, ascending.
    pub(in crate::contifico) fn ordinals(&self, table: Table) -> impl Iterator<Item = u64> + '_ {
        self.edits
            .range((table, 0)..=(table, u64::MAX))
            .map(|((_, ordinal), _)| *ordinal)
    }

    /// Makes a place for a record after those of the plan.
    pub(in crate::contifico) fn add(&mut self, table: Table, planned: u64) -> u64 {
        let added = self.added.entry(table).or_default();
        *added += 1;
        planned + *added - 1
    }

    pub(in crate::contifico) fn put(&mut self, table: Table, ordinal: u64, edit: Edit) {
        self.edits.entry((table, ordinal)).or_default().push(edit);
    }
}

impl State {
    fn after(mut self, edit: &Edit) -> Self {
        self.versions += 1;
        match edit.what {
            What::Born(birth) => {
                self.birth = Some((birth, edit.at));
                self.versions = 0;
            }
            What::Content => {
                self.editions += 1;
                self.changed = Some(edit.at);
            }
            What::Paid(payment) => {
                self.payments.push(payment);
                self.changed = Some(edit.at);
            }
            What::Authorised => self.authorised = true,
            What::Reissued => {
                self.generation += 1;
                self.replaced.push(edit.at);
                self.changed = Some(edit.at);
            }
            What::Deleted => self.deleted = Some(edit.at),
        }
        self
    }
}
