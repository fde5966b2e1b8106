//! A mutation's error: why a change cannot be done.

/// The overlay remembers every changed record.
pub(super) const MOST: u32 = 100_000;

/// A mutation that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MutationError {
    /// No such company.
    #[error("there is no company `{0}`")]
    Company(String),
    /// No such entity.
    #[error("there is no entity `{0}`")]
    Entity(String),
    /// No such record.
    #[error("there is no live {entity} with id `{id}`")]
    Record {
        /// The entity's name.
        entity: &'static str,
        /// The id asked for.
        id: String,
    },
    /// Something else than a voidable document.
    #[error("a {0} cannot be voided")]
    Void(&'static str),
    /// Something without a date of its own.
    #[error("a {0} has no date to move from")]
    Redate(&'static str),
    /// A move without its date, or a date without its move.
    #[error("`to` belongs to the kind `redate` and to no other")]
    To,
    /// Something that upstream never deletes.
    #[error("a {0} cannot be deleted")]
    Delete(&'static str),
    /// Something that links to nothing.
    #[error("a {0} links to nothing")]
    Link(&'static str),
    /// An oddity without its kind, or the other way round.
    #[error("`oddity` belongs to the kind `odd` and to no other")]
    Oddity,
    /// A fault without the kind that makes it.
    #[error("`status` and `code` belong to the kind `spoil` and to no other")]
    Spoil,
    /// Not a status of a refusal.
    #[error("a record that cannot be served is refused with a status from 400 to 599, not {0}")]
    Status(u16),
    /// A company that has no such entity, or all that there can be.
    #[error("this company cannot have another {0}")]
    Create(&'static str),
    /// More than memory is meant for.
    #[error("a mutation changes 1 to {MOST} records, not {0}")]
    Count(u32),
    /// Every 0-th request.
    #[error("`every` counts requests from 1")]
    Every,
}
