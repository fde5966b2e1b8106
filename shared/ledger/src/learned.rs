//! Learned: what reading an entity of a company has taught about its upstream.
//!
//! APIs change without a word, and not for all companies at once. What one worker finds out, the others need not: so it
//! is kept, for a while, because what was refused once may be accepted again.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, words};

use crate::LedgerError;

/// How long something learned is believed; then it is found out anew, at the price of a request.
pub const BELIEVED: Duration = Duration::from_hours(30 * 24);

/// The same of how large a page may be: a limit that is lowered meanwhile cuts pages that are believed to be whole.
pub const SIZE_BELIEVED: Duration = Duration::from_hours(24);

/// One thing that can be learned of an entity of a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The most rows that a page has shown: no limit below it cuts pages short. Its value only rises while it is believed;
    /// then it is 0, which says of empty pages alone that they are not cut.
    LargestPage,
    /// Pages are not served in an order.
    OrderRefused,
    /// The first days of a window are not served in their order.
    DaysUnordered,
    /// The first days of a window were served in their order, by the source's own count.
    DaysInOrder,
    /// Windows are not counted.
    CountRefused,
    /// Several records are not served by their ids at once.
    SeveralIdsRefused,
    /// Active and inactive records are not served together.
    ActiveInRefused,
}
words!(Fact {
    LargestPage => "largest_page",
    OrderRefused => "order_refused",
    DaysUnordered => "days_unordered",
    DaysInOrder => "days_in_order",
    CountRefused => "count_refused",
    SeveralIdsRefused => "several_ids_refused",
    ActiveInRefused => "active_in_refused",
});

impl Fact {
    /// How long it is believed to be of this value.
    pub fn believed(self) -> Duration {
        match self {
            Self::LargestPage => SIZE_BELIEVED,
            Self::OrderRefused
            | Self::DaysUnordered
            | Self::DaysInOrder
            | Self::CountRefused
            | Self::SeveralIdsRefused
            | Self::ActiveInRefused => BELIEVED,
        }
    }
}

/// What is believed of all that is known, where some of it was learned within the time that a size is believed.
pub(crate) fn of_age(known: Vec<(Fact, u64)>, recent: &[(Fact, u64)]) -> Vec<(Fact, u64)> {
    let value = |(fact, value)| {
        let is_over = fact == Fact::LargestPage && !recent.contains(&(fact, value));
        (fact, if is_over { 0 } else { value })
    };
    known.into_iter().map(value).collect()
}

/// Keeping what was learned.
#[async_trait]
pub trait Learning: Send + Sync {
    /// What is known of an entity of a company and believed still, with its value (1 where it has none).
    async fn learned(&self, connection: ConnectionId, entity: &str) -> Result<Vec<(Fact, u64)>, LedgerError>;

    /// Keeps a fact. Answers whether that is news: it was unknown, not believed any more, or of a smaller value.
    async fn learn(
        &self,
        connection: ConnectionId,
        entity: &str,
        fact: Fact,
        value: u64,
    ) -> Result<bool, LedgerError>;
}
