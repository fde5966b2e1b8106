//! Source: what QuickBooks knows of an entity, and nobody else needs.

use crate::{EntitySpec, SourceSpec};

/// What QuickBooks knows of an entity, and nobody else needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table of facts, each of them a yes or no"
)]
pub struct Source {
    /// The member that holds the rows of an answer, where it differs from the entity's name upstream.
    pub answer_key: Option<&'static str>,
    /// How a row of an answer holds its record.
    pub rows: RowShape,
    /// How one record is asked for.
    pub read_by: ReadBy,
    /// Whether some of its records have a word for an id. A read by id takes numbers only, so these are looked for in the
    /// list.
    pub has_word_ids: bool,
    /// Whether inactive rows are hidden unless asked for by `Active IN (true, false)`.
    pub hides_inactive: bool,
    /// What is selected, where `*` alone leaves something out: `*, Sku`.
    pub projection: &'static str,
    /// Whether the source can count a window.
    pub countable: bool,
    /// Whether it can be ordered.
    pub orderable: bool,
}

/// How a row of an answer holds its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowShape {
    /// The row is the record, and its `Id` is the id.
    Plain,
    /// The row's only member is the record; the member's name says what it is.
    Wrapped,
    /// The row is the record and has no id: these members, joined by colons, are one.
    Keyed(&'static [&'static str]),
}

/// How one record of an entity is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// By its id, which ends the path.
    Id,
    /// It is the only one, and the company's own id ends the path.
    Account,
    /// It is the only one, and its path needs no id.
    Nothing,
    /// By parameters of these names: the parts of its id.
    Parameters(&'static [&'static str]),
}

/// What is known of most transactions.
pub(super) const TRANSACTION: Source = Source {
    answer_key: None,
    rows: RowShape::Plain,
    read_by: ReadBy::Id,
    has_word_ids: false,
    hides_inactive: false,
    projection: "*",
    countable: true,
    orderable: true,
};

/// What is known of most name lists.
pub(super) const NAMES: Source = Source {
    hides_inactive: true,
    ..TRANSACTION
};

/// What is known of most single objects.
pub(super) const OBJECT: Source = Source {
    read_by: ReadBy::Nothing,
    countable: false,
    orderable: false,
    ..TRANSACTION
};

/// What QuickBooks knows of one of its entities; of another connector's, what it knows of most.
pub fn source(entity: &EntitySpec) -> &Source {
    match &entity.source {
        SourceSpec::QuickBooks(source) => source,
        SourceSpec::Contifico(_) | SourceSpec::Name => &TRANSACTION,
    }
}

/// The member of an answer that holds an entity's rows.
pub(super) fn rows_key(entity: &EntitySpec) -> &'static str {
    source(entity).answer_key.unwrap_or(entity.upstream)
}

/// Whether a record of that id is looked for in the list: its id is a word, and the upstream reads by numbers.
pub(super) fn is_looked_for_in_the_list(entity: &EntitySpec, id: &str) -> bool {
    source(entity).has_word_ids && !id.bytes().all(|byte| byte.is_ascii_digit())
}
