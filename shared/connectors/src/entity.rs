//! Entity: one kind of object that an upstream keeps.

use ledgerfleet_model::Axis;

/// Everything the product knows about one entity of one connector. Adding an entity is adding one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table of facts, each of them a yes or no"
)]
pub struct EntitySpec {
    /// The product's name: snake_case, singular where the upstream allows it: `journal_entry`.
    pub name: &'static str,
    /// The upstream's own spelling: `JournalEntry`.
    pub upstream: &'static str,
    /// The member that holds the rows of an answer, where it differs from `upstream`.
    pub answer_key: Option<&'static str>,
    /// The table and view name, which is also the value of `raw.records.entity`: `qbo_journal_entry`.
    pub table: &'static str,
    /// How it is cut into windows when nothing else is asked for.
    pub kind: EntityKind,
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
    /// Whether the upstream may refuse it as unknown or not allowed; then a company simply has none.
    pub optional: bool,
    /// Whether it belongs to `all`.
    pub in_all: bool,
    /// The member that holds the amount of a document as a decimal number: `TotalAmt`.
    pub total: Option<&'static str>,
}

/// What kind of thing an entity is, which decides how requests for it are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// Has a document date: one window a day by default.
    Document,
    /// A list of names or settings: one window for all of it, unless asked for by created or updated.
    List,
    /// Exactly one object a company; it cannot be filtered, ordered, paged or counted.
    Single,
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

impl EntitySpec {
    /// Whether a record of that id is looked for in the list: its id is a word, and the upstream reads by numbers.
    pub(crate) fn is_looked_for_in_the_list(&self, id: &str) -> bool {
        self.has_word_ids && !id.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The axis a request lies on when nothing else is asked for.
    pub fn default_axis(&self) -> Axis {
        match self.kind {
            EntityKind::Document => Axis::TxnDate,
            EntityKind::List | EntityKind::Single => Axis::Whole,
        }
    }

    /// The axis on which a request along `asked` lies for this entity: what has no document date, or cannot be
    /// filtered at all, is read whole.
    pub fn axis_for(&self, asked: Axis) -> Axis {
        match (self.kind, asked) {
            (EntityKind::Single, _) | (EntityKind::List, Axis::TxnDate) => Axis::Whole,
            (_, asked) => asked,
        }
    }
}
