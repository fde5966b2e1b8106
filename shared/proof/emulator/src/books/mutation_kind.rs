//! A mutation's kind: what it does to a record, and which records it is done to.

use serde::{Deserialize, Serialize};

/// What a mutation does to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MutationKind {
    /// Adds a record.
    Create,
    /// New content, a new version and now as the last update.
    Update,
    /// Now as the last update, and nothing else.
    Touch,
    /// A document vanishes; a list's entry becomes inactive, for upstream never deletes names.
    Delete,
    /// A document's amounts become zero.
    Void,
    /// A document moves to another day.
    Redate,
    /// As an update, but stamped with a moment in the past: it appears behind a reader's watermark.
    LateChange,
    /// The content gains a link without a new version or update time: a payment or a sales receipt to a deposit that is
    /// made of it, anything else to some record that is there.
    Link,
    /// As an update, but the text becomes strange.
    Odd,
    /// Nothing changes but that upstream can no longer serve the record: whatever would hold it is a fault.
    Spoil,
    /// A spoilt record can be served again.
    Mend,
}

/// Which of the records that fit are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The lowest ids.
    First,
    /// The highest ids.
    Last,
    /// Any, the same for the same seed.
    #[default]
    Random,
}
