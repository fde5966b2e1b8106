//! A selection: which records of a book are meant, without the records.

use std::ops::Range;

/// Records in the order of their ids.
pub(crate) enum Selection {
    /// Untouched records, which for documents are also in the order of their dates.
    Range(Range<u64>),
    List(Vec<u64>),
}

impl Selection {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Range(range) => range.end - range.start,
            Self::List(list) => u64::try_from(list.len()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn iter(&self) -> Box<dyn DoubleEndedIterator<Item = u64> + '_> {
        match self {
            Self::Range(range) => Box::new(range.clone()),
            Self::List(list) => Box::new(list.iter().copied()),
        }
    }

    /// So many records after having passed so many.
    pub(crate) fn slice(&self, passed: u64, count: u64) -> Box<dyn Iterator<Item = u64> + '_> {
        match self {
            Self::Range(range) => {
                let first = range.start.saturating_add(passed).min(range.end);
                Box::new(first..first.saturating_add(count).min(range.end))
            }
            Self::List(list) => {
                let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                Box::new(list.iter().copied().skip(index(passed)).take(index(count)))
            }
        }
    }
}
