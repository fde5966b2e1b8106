//! A mutation: a change to the books while somebody reads them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};

use super::blueprint::{Blueprint, Index};
use super::book::{Book, Sight};
use super::bounds::{Bounds, Span};
use super::census::{Population, Voiding};
use super::entity::{Entity, Removal};
use super::flow::follower;
use super::head::{Companion, Head, Spoilt, Standing};
use super::mutation_error::{MOST, MutationError};
use super::mutation_kind::{MutationKind, Pick};
use super::oddity::{DISTANT, Odd, Oddity};
use super::overlay::{Birth, Change, View};
use super::planned;
use super::selection::Selection;
use crate::dice::{Dice, topic};

/// What to change, in which records, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The company's name or realm.
    pub company: String,
    /// The entity's name.
    pub entity: String,
    /// What happens to each record.
    pub kind: MutationKind,
    /// How many records; one unless given.
    #[serde(default = "one")]
    pub count: u32,
    /// Only records of this document date; for `create` the date they get.
    #[serde(default)]
    pub day: Option<NaiveDate>,
    /// The date a `redate` gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
    /// Exactly these records instead of chosen ones.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Which records are chosen where no ids are given.
    #[serde(default)]
    pub pick: Pick,
    /// What becomes strange; only with the kind `odd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oddity: Option<Oddity>,
    /// Bytes of a `huge` record, depth of a `nested` one, lines of one with `many_lines`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// The HTTP status with which a spoilt record is refused; 400 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of that fault; 4002 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Seconds by which a `late_change` claims to be older than it is.
    #[serde(default = "two_minutes")]
    pub late_seconds: u32,
    /// Do it at every k-th API request of the company instead of once now, before that request is answered.
    #[serde(default)]
    pub every: Option<u64>,
    /// With `every`: how often at most.
    #[serde(default)]
    pub times: Option<u64>,
}

fn one() -> u32 {
    1
}

/// The largest oddity.
const LARGEST: u32 = 256 << 20;

fn two_minutes() -> u32 {
    120
}

/// The circumstances of one execution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    /// Unix seconds.
    pub(crate) now: i64,
    /// When clients begin to see it.
    pub(crate) visible_at: i64,
    /// The how-manieth mutation it is: chance differs each time.
    pub(crate) number: u64,
}

impl Mutation {
    /// One record of an entity, any that fits, once and now.
    pub fn new(company: impl Into<String>, entity: impl Into<String>, kind: MutationKind) -> Self {
        Self {
            company: company.into(),
            entity: entity.into(),
            kind,
            count: one(),
            day: None,
            to: None,
            ids: Vec::new(),
            pick: Pick::default(),
            oddity: None,
            size: None,
            status: None,
            code: None,
            late_seconds: two_minutes(),
            every: None,
            times: None,
        }
    }

    /// Does it once and tells the ids.
    pub(crate) fn apply(
        &self,
        plan: &Blueprint,
        book: &Book,
        deposits: Option<&Book>,
        occasion: Occasion,
    ) -> Result<Vec<String>, MutationError> {
        self.check(book.entity)?;
        if self.kind == MutationKind::Create {
            let census = &book.entity.census;
            return match (plan.index(census.name), census.population) {
                (Index::Single | Index::Absent, _) | (_, Population::Daily { .. }) => {
                    Err(MutationError::Create(book.entity.name))
                }
                _ => Ok(self.create(plan, book, occasion)),
            };
        }
        let chosen = self.choose(plan, &book.look(plan, View::Newest), book, occasion)?;
        for head in &chosen {
            match deposits.filter(|_| self.kind == MutationKind::Link) {
                Some(deposits) if is_undeposited(plan, deposits, book, head) => {
                    self.deposit(deposits, book, head, occasion);
                }
                _ => self.change(book, head, occasion),
            }
        }
        Ok(chosen.iter().map(|head| book.entity.id(plan, head)).collect())
    }

    /// Refuses what can never be done to any record of the entity.
    pub(crate) fn check(&self, entity: &Entity) -> Result<(), MutationError> {
        if self.every == Some(0) {
            return Err(MutationError::Every);
        }
        if !(1..=MOST).contains(&self.count) {
            return Err(MutationError::Count(self.count));
        }
        if self.kind == MutationKind::Void && entity.census.voiding == Voiding::Impossible {
            return Err(MutationError::Void(entity.name));
        }
        if self.kind == MutationKind::Delete && entity.removal == Removal::Impossible {
            return Err(MutationError::Delete(entity.name));
        }
        if self.kind == MutationKind::Link && entity.census.linked.is_none() {
            return Err(MutationError::Link(entity.name));
        }
        if self.kind == MutationKind::Redate && !entity.is_dated() {
            return Err(MutationError::Redate(entity.name));
        }
        if (self.kind == MutationKind::Redate) != self.to.is_some() {
            return Err(MutationError::To);
        }
        if (self.kind == MutationKind::Odd) != self.oddity.is_some() {
            return Err(MutationError::Oddity);
        }
        if self.kind != MutationKind::Spoil && (self.status.is_some() || self.code.is_some()) {
            return Err(MutationError::Spoil);
        }
        match self.status {
            Some(status) if !(400..=599).contains(&status) => Err(MutationError::Status(status)),
            _ => Ok(()),
        }
    }

    fn create(&self, plan: &Blueprint, book: &Book, occasion: Occasion) -> Vec<String> {
        let birth = Birth {
            date: self.day.unwrap_or(plan.as_of),
            at: occasion.now,
        };
        let mut overlay = book.overlay.write();
        let first = book.planned() + overlay.added;
        overlay.added += u64::from(self.count);
        let born = first..first + u64::from(self.count);
        for ordinal in born.clone() {
            let change = Change {
                birth: Some(birth),
                ..Change::default()
            };
            overlay.put(ordinal, change, occasion.now, occasion.visible_at);
        }
        let head = |ordinal| planned::plain(ordinal, birth.date, birth.at);
        born.map(|ordinal| book.entity.id(plan, &head(ordinal))).collect()
    }

    /// Makes a deposit of a payment: the deposit is new, and the payment shows it without any other trace.
    fn deposit(&self, deposits: &Book, book: &Book, head: &Head, occasion: Occasion) {
        let born = {
            let mut overlay = deposits.overlay.write();
            let born = deposits.planned() + overlay.added;
            overlay.added += 1;
            let date = DateTime::from_timestamp(occasion.now, 0).map_or(head.date, |now| now.date_naive());
            let change = Change {
                birth: Some(Birth {
                    date: self.day.unwrap_or(date),
                    at: occasion.now,
                }),
                companion: Some(Companion {
                    entity: book.entity.census.name,
                    ordinal: head.ordinal,
                }),
                ..Change::default()
            };
            overlay.put(born, change, occasion.now, occasion.visible_at);
            born
        };
        let mut overlay = book.overlay.write();
        let mut change = overlay.newest(head.ordinal).unwrap_or_default();
        change.companion = Some(Companion {
            entity: deposits.entity.census.name,
            ordinal: born,
        });
        overlay.put(head.ordinal, change, occasion.now, occasion.visible_at);
    }

    fn choose(
        &self,
        plan: &Blueprint,
        sight: &Sight<'_>,
        book: &Book,
        occasion: Occasion,
    ) -> Result<Vec<Head>, MutationError> {
        if !self.ids.is_empty() {
            return self.ids.iter().map(|id| named(sight, book, id)).collect();
        }
        let dates = Span {
            from: self.day,
            to: self.day,
        };
        let eligible = |head: &Head| head.is_active() && !head.is_voided();
        let selection = sight.select(&Bounds {
            dates,
            ..Bounds::default()
        });
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let live = |ordinal: u64| sight.head(ordinal).filter(eligible);
        Ok(match self.pick {
            Pick::First => selection.iter().filter_map(live).take(count).collect(),
            Pick::Last => {
                let mut last: Vec<Head> = selection.iter().rev().filter_map(live).take(count).collect();
                last.reverse();
                last
            }
            Pick::Random => {
                let dice = Dice::new(plan.seed, topic("mutation"), occasion.number);
                some_of(&selection, count, dice, live)
            }
        })
    }

    fn odd(&self) -> Option<Odd> {
        self.oddity.map(|oddity| Odd {
            oddity,
            size: self.size.unwrap_or(oddity.usual_size()).min(LARGEST),
        })
    }

    fn change(&self, book: &Book, head: &Head, occasion: Occasion) {
        let mut overlay = book.overlay.write();
        let mut change = overlay.newest(head.ordinal).unwrap_or_default();
        let now = occasion.now.max(head.created);
        match self.kind {
            MutationKind::Create => {}
            MutationKind::Touch => change.updated = Some(now),
            MutationKind::Link => change.links += 1,
            MutationKind::Odd => {
                change.odd = self.odd();
                change.versions += 1;
                let distant = self.oddity == Some(Oddity::DistantInstant);
                change.updated = Some(if distant { DISTANT } else { now });
            }
            MutationKind::Spoil => {
                change.spoilt = Some(Spoilt {
                    status: self.status.unwrap_or(400),
                    code: self.code.unwrap_or(4002),
                });
            }
            MutationKind::Mend => change.spoilt = None,
            MutationKind::Update => {
                change.editions += 1;
                change.versions += 1;
                change.updated = Some(now);
            }
            MutationKind::LateChange => {
                change.editions += 1;
                change.versions += 1;
                change.updated = Some((now - i64::from(self.late_seconds)).max(head.updated));
            }
            MutationKind::Void => {
                change.standing = Some(Standing::Voided);
                change.versions += 1;
                change.updated = Some(now);
            }
            MutationKind::Redate => {
                change.date = self.to;
                change.versions += 1;
                change.updated = Some(now);
            }
            MutationKind::Delete if book.entity.removal == Removal::BecomesInactive => {
                change.standing = Some(Standing::Inactive);
                change.versions += 1;
                change.updated = Some(now);
            }
            MutationKind::Delete => change.deleted = Some(now),
        }
        overlay.put(head.ordinal, change, occasion.now, occasion.visible_at);
    }
}

/// Whether neither the books nor a mutation made a deposit of it.
fn is_undeposited(plan: &Blueprint, deposits: &Book, book: &Book, head: &Head) -> bool {
    let planned = head.ordinal < book.planned();
    planned
        && head.companion.is_none()
        && follower(
            plan,
            deposits.entity.census.name,
            book.entity.census.name,
            head.ordinal,
        )
        .is_none()
}

fn named(sight: &Sight<'_>, book: &Book, id: &str) -> Result<Head, MutationError> {
    sight.find(id).ok_or_else(|| MutationError::Record {
        entity: book.entity.name,
        id: id.to_owned(),
    })
}

/// `count` different ones in the order of their ids; fewer where there are not so many.
fn some_of(
    selection: &Selection,
    count: usize,
    mut dice: Dice,
    live: impl Fn(u64) -> Option<Head>,
) -> Vec<Head> {
    let mut chosen = BTreeMap::new();
    // Drawn and not shuffled, because a large book has millions. What is drawn twice or dead is drawn again, and when too
    // much of it is, the book is small or spent enough to be read through.
    for _ in 0..count.saturating_mul(20) {
        let drawn = selection.slice(dice.below(selection.len()), 1).next();
        if let Some(head) = drawn.and_then(&live) {
            chosen.insert(head.ordinal, head);
        }
        if chosen.len() == count {
            return chosen.into_values().collect();
        }
    }
    let rest = selection
        .iter()
        .filter(|ordinal| !chosen.contains_key(ordinal))
        .filter_map(live);
    let missing: Vec<Head> = rest.take(count - chosen.len()).collect();
    chosen.extend(missing.into_iter().map(|head| (head.ordinal, head)));
    chosen.into_values().collect()
}
