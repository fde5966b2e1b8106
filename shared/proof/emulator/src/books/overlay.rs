//! An overlay: what mutations changed, on top of records that are computed. It is the only part of the books with memory.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::head::{Companion, Head, Spoilt, Standing};
use super::oddity::Odd;

/// The changed and the added records of one entity.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    layers: BTreeMap<u64, Layer>,
    /// How many records were added after those of the blueprint.
    pub(crate) added: u64,
}

/// A record's newest state, and while that is not visible yet, the one before.
#[derive(Debug, Clone, Copy)]
struct Layer {
    newest: Change,
    hidden: Option<Hidden>,
}

#[derive(Debug, Clone, Copy)]
struct Hidden {
    /// Unix seconds.
    until: i64,
    former: Option<Change>,
}

/// How a record differs from its blueprint.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    /// Set when the blueprint does not know the record at all.
    pub(crate) birth: Option<Birth>,
    pub(crate) date: Option<NaiveDate>,
    pub(crate) editions: u32,
    pub(crate) versions: u32,
    pub(crate) links: u32,
    pub(crate) updated: Option<i64>,
    pub(crate) standing: Option<Standing>,
    pub(crate) companion: Option<Companion>,
    pub(crate) odd: Option<Odd>,
    pub(crate) spoilt: Option<Spoilt>,
    /// Unix seconds.
    pub(crate) deleted: Option<i64>,
}

/// The date and moment at which a mutation created a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Birth {
    pub(crate) date: NaiveDate,
    /// Unix seconds.
    pub(crate) at: i64,
}

/// Who is looking.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View {
    /// A client at that moment (Unix seconds): what is not visible yet is not seen.
    At(i64),
    /// The truth.
    Newest,
}

/// What the overlay says about an ordinal.
pub(crate) enum Seen {
    Untouched,
    Changed(Change),
    Absent,
}

impl Overlay {
    pub(crate) fn see(&self, ordinal: u64, view: View) -> Seen {
        self.layers
            .get(&ordinal)
            .map_or(Seen::Untouched, |layer| layer.see(view))
    }

    /// The newest change of a record; none if it is as the blueprint has it.
    pub(crate) fn newest(&self, ordinal: u64) -> Option<Change> {
        self.layers.get(&ordinal).map(|layer| layer.newest)
    }

    /// The ordinals of all changed and added records, ascending.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = u64> + '_ {
        self.layers.keys().copied()
    }

    pub(crate) fn touches(&self, ordinals: std::ops::Range<u64>) -> bool {
        !ordinals.is_empty() && self.layers.range(ordinals).next().is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Puts a change in force, for clients only from `visible_at` on.
    pub(crate) fn put(&mut self, ordinal: u64, change: Change, now: i64, visible_at: i64) {
        let before = self.layers.get(&ordinal).copied();
        let hidden = (visible_at > now).then(|| Hidden {
            until: visible_at,
            former: before.and_then(|layer| match layer.hidden {
                Some(hidden) if hidden.until > now => hidden.former,
                _ => Some(layer.newest),
            }),
        });
        self.layers.insert(
            ordinal,
            Layer {
                newest: change,
                hidden,
            },
        );
    }
}

impl Layer {
    fn see(&self, view: View) -> Seen {
        let change = match (view, self.hidden) {
            (View::At(now), Some(hidden)) if now < hidden.until => hidden.former,
            _ => Some(self.newest),
        };
        match change {
            None if self.newest.birth.is_some() => Seen::Absent,
            None => Seen::Untouched,
            Some(change) if change.deleted.is_some() => Seen::Absent,
            Some(change) => Seen::Changed(change),
        }
    }
}

impl Change {
    /// The head of a record with this change.
    pub(crate) fn on(&self, mut head: Head) -> Head {
        head.date = self.date.unwrap_or(head.date);
        head.editions += self.editions;
        head.version += self.versions;
        head.links += self.links;
        head.updated = self.updated.unwrap_or(head.updated);
        head.standing = self.standing.unwrap_or(head.standing);
        head.companion = self.companion.or(head.companion);
        head.odd = self.odd.or(head.odd);
        head.spoilt = self.spoilt;
        head
    }
}
