//! Entity: one kind of object that an upstream keeps.

use ledgerfleet_model::Axis;

use crate::{contifico, quickbooks};

/// Everything the product knows about one entity of one connector. Adding an entity is adding one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitySpec {
    /// The product's name: snake_case, singular where the upstream allows it: `journal_entry`.
    pub name: &'static str,
    /// The upstream's own spelling: `JournalEntry`.
    pub upstream: &'static str,
    /// The table and view name, which is also the value of `raw.records.entity`: `qbo_journal_entry`.
    pub table: &'static str,
    /// How it is cut into windows when nothing else is asked for.
    pub kind: EntityKind,
    /// The axes along which the upstream can be asked for a part of it. What has none is read whole.
    pub axes: &'static [Axis],
    /// Whether documents are dated ahead as a rule, and not only by mistake: a request that reaches today then reaches as
    /// far ahead as dates may lie.
    pub ahead: bool,
    /// Why a finished reading of a window is believed.
    pub trust: Trust,
    /// Whether the upstream may refuse it as unknown or not allowed; then a company simply has none.
    pub optional: bool,
    /// Whether it belongs to `all`.
    pub in_all: bool,
    /// The member that holds the amount of a document as a decimal number: `TotalAmt`.
    pub total: Option<&'static str>,
    /// What its connector knows of it, and nobody else needs.
    pub source: SourceSpec,
}

/// What a connector knows of its entity: a type of its own for each connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceSpec {
    /// How QuickBooks is asked.
    QuickBooks(quickbooks::Source),
    /// How Contífico is asked.
    Contifico(contifico::Source),
    /// Nothing: the name is enough.
    Name,
}

/// Why a finished reading of a window is believed. An upstream that can prove less is read more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The source counts the window when it is asked to, and pages overlap or are ordered: as many rows came as it counts,
    /// and none has changed since.
    CountAndOverlap,
    /// Nothing counts the rows and nothing joins the pages: the same rows came twice. One page is believed at once.
    SamePassTwice,
    /// Pages come in no stable order and announce how many rows there are: as many different ids came, in one reading or
    /// in several with different page sizes; or a further reading brought no id that was not known, and then the
    /// announced count is wrong.
    UniqueIdsEqualCount,
    /// One answer is everything.
    OnePage,
}

/// What stands for the entity of a segment that asks for the changes of several: it has a name for logs and sums, and
/// neither rows nor a table.
pub static CHANGES: EntitySpec = EntitySpec {
    name: ledgerfleet_model::work::CHANGES,
    upstream: "",
    table: "",
    kind: EntityKind::List,
    axes: &[],
    ahead: false,
    trust: Trust::OnePage,
    optional: false,
    in_all: false,
    total: None,
    source: SourceSpec::Name,
};

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

impl EntitySpec {
    /// The axis a request lies on when nothing else is asked for.
    pub fn default_axis(&self) -> Axis {
        self.axis_for(Axis::TxnDate)
    }

    /// The axis on which a request along `asked` lies for this entity. What cannot be cut so is cut by the document's date
    /// where it has one that can be asked for, and else read whole.
    pub fn axis_for(&self, asked: Axis) -> Axis {
        [asked, Axis::TxnDate]
            .into_iter()
            .find(|axis| self.axes.contains(axis))
            .unwrap_or(Axis::Whole)
    }
}
