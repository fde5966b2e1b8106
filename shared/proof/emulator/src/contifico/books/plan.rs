//! A plan: what a company's books hold before anybody changes them, as a pure function of its seed. It remembers numbers per
//! day and what follows from what; every record is computed when it is asked for.

use chrono::NaiveDate;

use super::days::Days;
use super::ids::Ids;
use super::source::{JournalSource, MovementSource};
use super::{accounts, ecuador};
use crate::contifico::resource::Table;
use crate::dice::{Dice, topic};
use crate::options::Size;

/// The books of one company as they begin.
pub(in crate::contifico) struct Plan {
    pub(in crate::contifico) seed: u64,
    pub(in crate::contifico) ruc: String,
    pub(in crate::contifico) first_day: NaiveDate,
    pub(in crate::contifico) as_of: NaiveDate,
    pub(in crate::contifico) scale: Scale,
    pub(super) documents: Days,
    /// The date, document and number of every collection, in the order of their dates.
    pub(super) collections: Vec<(NaiveDate, u64, u8)>,
    pub(super) movements: Vec<(NaiveDate, MovementSource)>,
    pub(super) journals: Vec<(NaiveDate, JournalSource)>,
    /// The documents whose goods were sent with a guide.
    pub(super) guides: Vec<u64>,
    /// The transactions that went through a bank.
    pub(super) bank_movements: Vec<u64>,
    /// In millionths, by product.
    pub(super) stock: Vec<i64>,
}

/// How much there is of what.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Scale {
    pub(in crate::contifico) documents_a_day: u64,
    pub(in crate::contifico) closings_a_day: u64,
    pub(in crate::contifico) products: u64,
    pub(in crate::contifico) persons: u64,
    pub(in crate::contifico) categories: u64,
    pub(in crate::contifico) brands: u64,
    pub(in crate::contifico) variants: u64,
    pub(in crate::contifico) warehouses: u64,
    pub(in crate::contifico) bank_accounts: u64,
}

impl Scale {
    pub(in crate::contifico) fn of(size: Size) -> Self {
        Self {
            documents_a_day: size.of([6, 60, 600]),
            closings_a_day: size.of([4, 41, 410]),
            products: size.of([240, 24_000, 60_000]),
            persons: size.of([150, 2_060, 40_000]),
            categories: size.of([12, 120, 300]),
            brands: size.of([9, 60, 120]),
            variants: size.of([5, 16, 40]),
            warehouses: size.of([4, 9, 40]),
            bank_accounts: size.of([3, 5, 12]),
        }
    }
}

impl Plan {
    /// A plan whose documents lie on its days, and of which nothing else is known yet.
    pub(super) fn bare(
        seed: u64,
        scale: Scale,
        (first_day, as_of): (NaiveDate, NaiveDate),
        documents: impl Iterator<Item = u64>,
    ) -> Self {
        let mut dice = Dice::new(seed, topic("company"), 0);
        Self {
            seed,
            ruc: ecuador::company_number(dice.next(), dice.next()),
            first_day,
            as_of,
            scale,
            documents: Days::new(first_day, documents),
            collections: Vec::new(),
            movements: Vec::new(),
            journals: Vec::new(),
            guides: Vec::new(),
            bank_movements: Vec::new(),
            stock: Vec::new(),
        }
    }

    /// How many records a table has.
    pub(in crate::contifico) fn planned(&self, table: Table) -> u64 {
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        match table {
            Table::Categories => self.scale.categories,
            Table::Brands => self.scale.brands,
            Table::Variants => self.scale.variants,
            Table::Products => self.scale.products,
            Table::Warehouses => self.scale.warehouses,
            Table::Movements => length(self.movements.len()),
            Table::Guides => length(self.guides.len()),
            Table::Documents => self.documents.total(),
            Table::Transactions => length(self.collections.len()),
            Table::Persons => self.scale.persons,
            Table::CostCenters => length(accounts::CENTERS.len()),
            Table::Accounts => length(accounts::CHART.len()),
            Table::Journals => length(self.journals.len()),
            Table::BankAccounts => self.scale.bank_accounts,
            Table::BankMovements => length(self.bank_movements.len()),
        }
    }

    /// The date of a record of the plan; none for lists.
    pub(in crate::contifico) fn date(&self, table: Table, ordinal: u64) -> Option<NaiveDate> {
        let at = usize::try_from(ordinal).ok()?;
        match table {
            Table::Documents => Some(self.documents.place(ordinal).0),
            Table::Movements => self.movements.get(at).map(|(date, _)| *date),
            Table::Guides => self.date(Table::Documents, *self.guides.get(at)?),
            Table::Transactions => self.collections.get(at).map(|(date, ..)| *date),
            Table::Journals => self.journals.get(at).map(|(date, _)| *date),
            Table::BankMovements => self.date(Table::Transactions, *self.bank_movements.get(at)?),
            _ => None,
        }
    }

    /// The records of the plan among which all of those days are; the whole list where days say nothing.
    pub(in crate::contifico) fn between(
        &self,
        table: Table,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> std::ops::Range<u64> {
        let cut = |dates: &dyn Fn(NaiveDate) -> u64| {
            let first = from.map_or(0, dates);
            let last = to.and_then(|to| to.succ_opt()).map_or(self.planned(table), dates);
            first..last.max(first)
        };
        let before = |length: usize| u64::try_from(length).unwrap_or(0);
        match table {
            Table::Documents => self.documents.between(from, to),
            Table::Movements => cut(&|day| before(self.movements.partition_point(|(date, _)| *date < day))),
            Table::Journals => cut(&|day| before(self.journals.partition_point(|(date, _)| *date < day))),
            _ => 0..self.planned(table),
        }
    }

    /// The document of a collection and its number there.
    pub(in crate::contifico) fn collection(&self, transaction: u64) -> Option<(u64, u8)> {
        let (_, document, number) = self.collections.get(usize::try_from(transaction).ok()?)?;
        Some((*document, *number))
    }

    pub(in crate::contifico) fn movement(&self, ordinal: u64) -> Option<(NaiveDate, MovementSource)> {
        self.movements.get(usize::try_from(ordinal).ok()?).copied()
    }

    pub(in crate::contifico) fn journal(&self, ordinal: u64) -> Option<(NaiveDate, JournalSource)> {
        self.journals.get(usize::try_from(ordinal).ok()?).copied()
    }

    /// The document whose goods a guide accompanies.
    pub(in crate::contifico) fn guided(&self, guide: u64) -> Option<u64> {
        self.guides.get(usize::try_from(guide).ok()?).copied()
    }

    /// The transaction that a bank movement shows.
    pub(in crate::contifico) fn banked(&self, movement: u64) -> Option<u64> {
        self.bank_movements.get(usize::try_from(movement).ok()?).copied()
    }

    /// In millionths.
    pub(in crate::contifico) fn stock(&self, product: u64) -> i64 {
        let at = usize::try_from(product).ok();
        at.and_then(|at| self.stock.get(at)).copied().unwrap_or(0)
    }

    pub(in crate::contifico) fn ids(&self, table: Table) -> Ids {
        Ids::new(
            self.seed,
            topic("contifico ids") ^ (table as u64 + 1).wrapping_mul(0x9E37_79B9),
        )
    }

    /// The first id of a record of the plan, by which others refer to it.
    pub(in crate::contifico) fn id(&self, table: Table, ordinal: u64) -> String {
        self.ids(table).id(ordinal, 0)
    }

    /// The stream of chance that belongs to a record.
    pub(in crate::contifico) fn dice(&self, name: &str, ordinal: u64) -> Dice {
        Dice::new(self.seed, topic(name), ordinal)
    }
}
