//! A mutation of Contífico's books while somebody reads them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::books::overlay::{Birth, Edit, Payment, View, What};
use super::books::{Books, Record, Sight, dated, ecuador};
use super::records::{Pen, open_balance};
use super::resource::{self, Table, Version};
use super::switches::ContificoSwitches;
use crate::books::mutation_kind::Pick;
use crate::dice::{Dice, topic};

/// What to change, in which records, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContificoMutation {
    /// The company's name or RUC.
    pub company: String,
    /// The resource's name.
    pub entity: String,
    /// What happens to each record.
    pub kind: ContificoKind,
    /// How many records; one unless given.
    #[serde(default = "one")]
    pub count: u32,
    /// Only records of this date; for `create` and `pay` the date that comes to be, today in Ecuador unless given.
    #[serde(default)]
    pub day: Option<NaiveDate>,
    /// Exactly these records instead of chosen ones.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Which records are chosen where no ids are given.
    #[serde(default)]
    pub pick: Pick,
    /// What a `pay` pays of the balance, in percent; all of it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Do it at every k-th request of the company instead of once now, before that request is answered.
    #[serde(default)]
    pub every: Option<u64>,
    /// With `every`: how often at most.
    #[serde(default)]
    pub times: Option<u64>,
}

/// What a mutation does to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContificoKind {
    /// Adds a record.
    Create,
    /// Other content, and today as the day of the last change.
    Update,
    /// A payment of what is left of a document, with its transaction and its journal entry. No date of emission moves.
    Pay,
    /// The tax office's answer arrives, and no date moves.
    Authorise,
    /// The record gets another id with equal content; the old id is gone without a trace.
    Reissue,
    /// The record vanishes without a trace.
    Delete,
}

fn one() -> u32 {
    1
}

const MOST: u32 = 100_000;

/// The circumstances of one execution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    /// Unix seconds.
    pub(super) now: i64,
    /// When clients begin to see it.
    pub(super) seen_from: i64,
    /// The how-manieth mutation it is: chance differs each time.
    pub(super) number: u64,
}

/// A mutation that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContificoMutationError {
    /// No such company.
    #[error("there is no company `{0}` of Contífico's")]
    Company(String),
    /// No such resource.
    #[error("Contífico has no resource `{0}`")]
    Resource(String),
    /// No such record, or one that is gone.
    #[error("there is no record {id} among the {resource}")]
    Record {
        /// Where.
        resource: String,
        /// Which.
        id: String,
    },
    /// Only documents are paid and authorised.
    #[error("only documents are paid and authorised, not {0}")]
    NoDocument(String),
    /// More than memory is meant for.
    #[error("a mutation changes 1 to {MOST} records, not {0}")]
    Count(u32),
    /// Every 0-th request.
    #[error("`every` counts requests from 1")]
    Every,
    /// Not a part of something.
    #[error("`percent` is 1 to 100 and belongs to the kind `pay`")]
    Percent,
}

impl ContificoMutation {
    /// One record of a resource, any that fits, once and now.
    pub fn new(company: impl Into<String>, resource: impl Into<String>, kind: ContificoKind) -> Self {
        Self {
            company: company.into(),
            entity: resource.into(),
            kind,
            count: one(),
            day: None,
            ids: Vec::new(),
            pick: Pick::default(),
            percent: None,
            every: None,
            times: None,
        }
    }

    fn resource(&self) -> Result<&'static resource::Resource, ContificoMutationError> {
        resource::named(&self.entity).ok_or_else(|| ContificoMutationError::Resource(self.entity.clone()))
    }

    /// Refuses what can never be done.
    pub(super) fn check(&self) -> Result<(), ContificoMutationError> {
        let table = self.resource()?.table;
        if self.every == Some(0) {
            return Err(ContificoMutationError::Every);
        }
        if !(1..=MOST).contains(&self.count) {
            return Err(ContificoMutationError::Count(self.count));
        }
        let of_documents = matches!(self.kind, ContificoKind::Pay | ContificoKind::Authorise);
        if of_documents && table != Table::Documents {
            return Err(ContificoMutationError::NoDocument(self.entity.clone()));
        }
        match self.percent {
            Some(percent) if self.kind != ContificoKind::Pay || !(1..=100).contains(&percent) => {
                Err(ContificoMutationError::Percent)
            }
            _ => Ok(()),
        }
    }

    /// Does it once and tells the ids: of what was issued anew the new ones.
    pub(super) fn apply(
        &self,
        books: &Books,
        occasion: Occasion,
    ) -> Result<Vec<String>, ContificoMutationError> {
        let table = self.resource()?.table;
        let today = ecuador::day_of(occasion.now);
        if self.kind == ContificoKind::Create {
            return Ok(self.create(books, table, today, occasion));
        }
        let chosen = self.choose(&books.look(View::Newest), occasion)?;
        for (record, balance) in &chosen {
            let what = match self.kind {
                ContificoKind::Create | ContificoKind::Update => What::Content,
                ContificoKind::Authorise => What::Authorised,
                ContificoKind::Reissue => What::Reissued,
                ContificoKind::Delete => What::Deleted,
                ContificoKind::Pay => {
                    let payment = Payment {
                        day: self.day.unwrap_or(today),
                        cents: (balance * i64::from(self.percent.unwrap_or(100)) / 100).max(1),
                    };
                    follow(books, record, payment, occasion);
                    What::Paid(payment)
                }
            };
            books
                .overlay
                .write()
                .put(table, record.ordinal, occasion.edit(what));
        }
        let generation = u32::from(self.kind == ContificoKind::Reissue);
        let ids = books.plan.ids(table);
        let id = |(record, _): &(Record, i64)| ids.id(record.ordinal, record.state.generation + generation);
        Ok(chosen.iter().map(id).collect())
    }

    fn create(&self, books: &Books, table: Table, today: NaiveDate, occasion: Occasion) -> Vec<String> {
        let birth = Birth {
            day: self.day.unwrap_or(today),
            of: None,
        };
        let mut overlay = books.overlay.write();
        let born = (0..self.count).map(|_| {
            let ordinal = overlay.add(table, books.plan.planned(table));
            overlay.put(table, ordinal, occasion.edit(What::Born(birth)));
            books.plan.id(table, ordinal)
        });
        born.collect()
    }

    /// The records that are meant, and of each what is left to be paid.
    fn choose(
        &self,
        sight: &Sight<'_>,
        occasion: Occasion,
    ) -> Result<Vec<(Record, i64)>, ContificoMutationError> {
        let resource = self.resource()?;
        let pen = Pen {
            sight,
            version: Version::V1,
            switches: ContificoSwitches::default(),
        };
        let named = |id: &String| {
            let found = sight.find(resource.table, id);
            found.ok_or_else(|| ContificoMutationError::Record {
                resource: self.entity.clone(),
                id: id.clone(),
            })
        };
        let with_balance = |record: Record| {
            let balance = open_balance(&pen, &record);
            let fits = self.kind != ContificoKind::Pay || balance.is_some();
            fits.then(|| (record, balance.unwrap_or(0)))
        };
        if !self.ids.is_empty() {
            let named: Result<Vec<Record>, _> = self.ids.iter().map(named).collect();
            return Ok(named?.into_iter().filter_map(with_balance).collect());
        }
        // The day of a payment is its own; that of everything else chooses.
        let day = self
            .day
            .filter(|_| dated(resource.table) && self.kind != ContificoKind::Pay);
        let fits = |record: &Record| {
            let registered = resource
                .register
                .is_none_or(|register| super::records::card(&pen, record).register == register);
            registered && day.is_none_or(|day| record.date == Some(day))
        };
        let mut ordinals = sight.ordinals(resource.table, day, day);
        match self.pick {
            Pick::First => {}
            Pick::Last => ordinals.reverse(),
            Pick::Random => shuffle(
                &mut ordinals,
                Dice::new(sight.plan.seed, topic("mutation"), occasion.number),
            ),
        }
        let live = ordinals
            .into_iter()
            .filter_map(|ordinal| sight.record(resource.table, ordinal));
        let wanted = live.filter(fits).filter_map(with_balance);
        Ok(wanted
            .take(usize::try_from(self.count).unwrap_or(usize::MAX))
            .collect())
    }
}

impl Occasion {
    fn edit(self, what: What) -> Edit {
        Edit {
            what,
            at: self.now,
            seen_from: self.seen_from,
        }
    }
}

/// What a payment writes besides the document: a transaction and a journal entry.
fn follow(books: &Books, document: &Record, payment: Payment, occasion: Occasion) {
    let late = u8::try_from(document.state.payments.len()).unwrap_or(u8::MAX);
    let birth = Birth {
        day: payment.day,
        of: Some((
            document.ordinal,
            super::books::settlement::LATE.saturating_add(late),
        )),
    };
    let mut overlay = books.overlay.write();
    for table in [Table::Transactions, Table::Journals] {
        let ordinal = overlay.add(table, books.plan.planned(table));
        overlay.put(table, ordinal, occasion.edit(What::Born(birth)));
    }
}

fn shuffle(ordinals: &mut [u64], mut dice: Dice) {
    for end in (1..ordinals.len()).rev() {
        ordinals.swap(end, dice.index(end + 1));
    }
}
