//! Sources: what a movement and a journal entry follow from.

/// Why goods moved.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) enum MovementSource {
    Document(u64),
    /// Goods were counted, and more were found.
    Adjustment,
    /// From one warehouse to another.
    Transfer,
}

/// What an entry follows from.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) enum JournalSource {
    Document(u64),
    /// A transaction of the plan.
    Settlement(u64),
    Movement(u64),
    /// The end of a day, or a part of what was bought for months.
    Closing(u64),
}
