//! Source: what Contífico knows of an entity, and nobody else needs.

use crate::{EntitySpec, SourceSpec};

/// How a resource is asked for and what its rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The path of its list behind `sistema/api/`, without slashes at its ends.
    pub list: &'static str,
    /// Another path that its list was seen under.
    pub other_list: Option<&'static str>,
    /// The path before an id, where it is not that of the list.
    pub item: Option<&'static str>,
    /// How its list is paged.
    pub paging: Paging,
    /// `CLI` or `PRO`, where it is one half of the documents.
    pub register: Option<&'static str>,
    /// How its list is asked for some days of its records' date.
    pub dated: Option<Dated>,
    /// How its list is asked for what has changed on some days.
    pub changed: Option<Written>,
    /// The member that holds its date.
    pub date: Option<&'static str>,
    /// The members of which the first that says something tells a row without an id from others.
    pub names: &'static [&'static str],
    /// The parameter by which it is found by such a name.
    pub find_by: Option<&'static str>,
}

/// How a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Not at all: one array is everything. The lists of version 1 whose paging is unknown are asked so, which was seen to
    /// bring all of them.
    Whole,
    /// Arrays, by `result_size` and `result_page`.
    Results,
    /// Envelopes of version 2, by `page` and a `page_size` of at most 100.
    Pages,
}

/// How a list is asked for days.
///
/// Nothing documents whether the end of a range belongs to it, and both were seen: the day after the last one is asked for,
/// and that is noticed if it comes. A range that ends where it begins would have no rows where its end is outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The parameter that takes exactly one day.
    pub on: Option<&'static str>,
}

/// How days are written in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// `dd/mm/yyyy`.
    DayFirst,
    /// `yyyy-mm-dd`.
    Iso,
}

/// A list of version 1 that is one array.
pub(super) const LIST: Source = Source {
    list: "",
    other_list: None,
    item: None,
    paging: Paging::Whole,
    register: None,
    dated: None,
    changed: None,
    date: None,
    names: &[],
    find_by: None,
};

/// What Contífico knows of one of its entities.
pub(super) fn source(entity: &EntitySpec) -> &Source {
    match &entity.source {
        SourceSpec::Contifico(source) => source,
        SourceSpec::QuickBooks(_) | SourceSpec::Name => &LIST,
    }
}
