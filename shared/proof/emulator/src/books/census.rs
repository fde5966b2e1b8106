//! A census: how many records an entity has, when they were made and from what they follow; all that a blueprint needs to
//! know of it.

use super::name::Name;

/// How an entity's records are spread over the books.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Census {
    pub(crate) name: Name,
    pub(crate) population: Population,
    /// The documents from which some of these follow.
    pub(crate) streams: &'static [Stream],
    pub(crate) need: Need,
    pub(crate) voiding: Voiding,
    /// What a `link` mutation adds a link to, and the link's type.
    pub(crate) linked: Option<(Name, &'static str)>,
}

/// How many records there are, by size.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Population {
    /// Dated documents; so many a day stand for themselves, others follow from a stream.
    Documents { per_day: [u64; 3] },
    /// Dated records, exactly so many every day.
    Daily { per_day: u64 },
    /// Entries of a list.
    List {
        count: [u64; 3],
        inactive: Inactive,
        opened: Opened,
    },
    /// Exactly one.
    Single,
}

/// Which entries of a list are inactive from the start; the first never is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inactive {
    None,
    /// So many of a hundred, by chance.
    Percent(u64),
    /// The last so many.
    Last(u64),
}

/// When the entries of a list were made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opened {
    /// All within the year that began so many years before the first customer came.
    YearsBefore(u32),
    /// One after the other until the books close.
    Throughout,
    /// The same, from the first day of documents on: whatever they refer to is years older.
    WithDocuments,
}

/// What a company must have for the entity to exist there; without it upstream answers with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// The plan `essentials` or a larger one.
    Essentials,
    /// The plan `plus`.
    Plus,
    /// More than one currency.
    Currencies,
    /// A client that upstream lets: refused with this code unless a switch serves it.
    Favour(u32),
    /// Read-only and perhaps not queryable: served unless a switch refuses it.
    Luck,
}

/// Whether upstream can void a document of this kind, and how many are void from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voiding {
    /// `percent` of those that follow from nothing and that nothing follows from: the last of each day, from the share
    /// `beyond` on.
    Possible {
        percent: u64,
        beyond: u64,
    },
    Impossible,
}

/// A share of each day's documents of one entity from which documents of another follow some days later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) source: Name,
    /// Days from the source to what follows; negative where it comes before (a quote before its invoice). At least seven
    /// either way: then what comes first was also entered first, however early or late each was entered.
    pub(crate) lag: i64,
    /// From and to, in percent of the source's day in its own shuffled order. Shares of several streams may overlap.
    pub(crate) share: (u64, u64),
    /// How many of the source's documents make one of these.
    pub(crate) group: u64,
}

impl Census {
    /// Whether its records lie on days.
    pub(crate) fn is_dated(&self) -> bool {
        matches!(
            self.population,
            Population::Documents { .. } | Population::Daily { .. }
        )
    }
}

impl Stream {
    /// One document from each of the source's.
    pub(crate) const fn from(source: Name, lag: i64, share: (u64, u64)) -> Self {
        Self {
            source,
            lag,
            share,
            group: 1,
        }
    }

    /// How many documents follow from a day of the source.
    pub(crate) fn count(&self, of_source: u64) -> u64 {
        let (from, to) = self.turns(of_source);
        (to - from).div_ceil(self.group)
    }

    /// The turns of a day that it takes.
    pub(crate) fn turns(&self, of_source: u64) -> (u64, u64) {
        (of_source * self.share.0 / 100, of_source * self.share.1 / 100)
    }
}

/// How many documents of a day follow from others.
pub(crate) fn following(streams: &[Stream], day: i64, source: impl Fn(Name, i64) -> u64) -> u64 {
    streams
        .iter()
        .map(|stream| stream.count(source(stream.source, day - stream.lag)))
        .sum()
}
