//! A pen: writes members as one version of the API does under the switches.

use crate::contifico::books::amount::Amount;
use crate::contifico::books::ecuador::day_first;
use crate::contifico::books::plan::Plan;
use crate::contifico::books::{Record, Sight};
use crate::contifico::resource::{Table, Version};
use crate::contifico::switches::{AmountStyle, ContificoSwitches, DateStyle, NullIds};
use crate::json::Json;
use chrono::NaiveDate;

/// Who writes: for which version, under which switches, from which books.
pub(in crate::contifico) struct Pen<'sight> {
    pub(in crate::contifico) sight: &'sight Sight<'sight>,
    pub(in crate::contifico) version: Version,
    pub(in crate::contifico) switches: ContificoSwitches,
}

/// Lists whose records have another name than their id, and whose ids may be null.
const CODED: &[Table] = &[
    Table::Persons,
    Table::Products,
    Table::Warehouses,
    Table::CostCenters,
    Table::Accounts,
    Table::BankAccounts,
    Table::BankMovements,
];

impl Pen<'_> {
    pub(super) fn plan(&self) -> &Plan {
        self.sight.plan
    }

    pub(super) fn is_v2(&self) -> bool {
        self.version == Version::V2
    }

    /// Whether the records of a table are listed without their ids.
    pub(in crate::contifico) fn hides_ids(&self, table: Table) -> bool {
        match self.switches.null_ids {
            NullIds::None => false,
            NullIds::Persons => table == Table::Persons && !self.is_v2(),
            NullIds::Coded => CODED.contains(&table),
        }
    }

    /// `"id":"…"`, or null where the switches have it so.
    pub(super) fn id(&self, record: &Record, json: &mut Json) {
        if self.hides_ids(record.table) {
            json.value("id", "null");
        } else {
            json.quoted("id", self.id_of(record));
        }
    }

    /// The id of a record by its present generation.
    pub(in crate::contifico) fn id_of(&self, record: &Record) -> String {
        let ids = self.plan().ids(record.table);
        ids.id(record.ordinal, record.state.generation)
    }

    /// A reference to another record.
    pub(super) fn reference(&self, key: &str, table: Table, ordinal: u64, json: &mut Json) {
        json.quoted(key, self.plan().id(table, ordinal));
    }

    /// A reference that may be missing.
    pub(super) fn may_refer(&self, key: &str, table: Table, ordinal: Option<u64>, json: &mut Json) {
        match ordinal {
            Some(ordinal) => self.reference(key, table, ordinal, json),
            None => json.value(key, "null"),
        }
    }

    /// An amount of a record's head: a text unless the switches say otherwise.
    pub(super) fn amount(&self, key: &str, amount: Amount, json: &mut Json) {
        match self.switches.amounts {
            AmountStyle::Mixed | AmountStyle::Texts => json.quoted(key, amount),
            AmountStyle::Numbers => json.value(key, amount.number()),
        }
    }

    pub(super) fn cents(&self, key: &str, cents: i64, json: &mut Json) {
        self.amount(key, Amount::cents(cents), json);
    }

    /// An amount of a line: in a mixture a number in every third line, and in all of version 2.
    pub(super) fn line_amount(&self, key: &str, amount: Amount, place: usize, json: &mut Json) {
        let number = match self.switches.amounts {
            AmountStyle::Mixed => self.is_v2() || place % 3 == 1,
            AmountStyle::Texts => false,
            AmountStyle::Numbers => true,
        };
        if number {
            json.value(key, amount.number());
        } else {
            json.quoted(key, amount);
        }
    }

    /// A date as most of the API writes it.
    pub(super) fn day(key: &str, day: NaiveDate, json: &mut Json) {
        json.quoted(key, day_first(day));
    }

    /// A date that version 2 may write otherwise.
    pub(super) fn doubtful_day(&self, key: &str, day: NaiveDate, json: &mut Json) {
        if self.is_v2() && self.switches.v2_dates == DateStyle::Iso {
            json.quoted(key, day);
        } else {
            Self::day(key, day, json);
        }
    }
}

/// Members that are null in every record.
pub(super) fn nulls(keys: &[&str], json: &mut Json) {
    for key in keys {
        json.value(key, "null");
    }
}

/// A text, or null.
pub(super) fn may_say(key: &str, text: Option<&str>, json: &mut Json) {
    match text {
        Some(text) => json.text(key, text),
        None => json.value(key, "null"),
    }
}

/// A text, with the number of its edition once it was edited.
pub(super) fn edited(text: &str, record: &Record) -> String {
    match record.state.editions {
        0 => text.to_owned(),
        edition => format!("{text} (ed. {edition})"),
    }
}
