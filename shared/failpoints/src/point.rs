//! Point: every step that can be told to fail. Nothing else in the workspace names one.

macro_rules! points {
    ($($(#[$doc:meta])+ $point:ident = $name:literal;)+) => {
        /// A step at which something is at stake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])+ $point,)+
        }

        impl Point {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$point),+];

            /// Its name in a plan.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// A worker: ids are popped from the bell, nothing is claimed.
    AfterDequeue = "after_dequeue";
    /// A worker: the segment is claimed, nothing is asked of anybody.
    AfterClaim = "after_claim";
    /// A worker: a page has arrived whole, nothing of it is stored.
    AfterResponse = "after_response";
    /// The ledger on Postgres: the fence has held and rows are written, neither outcome nor coverage.
    InTransaction = "in_transaction";
    /// The ledger on Postgres: everything is written, COMMIT is not sent.
    BeforeCommit = "before_commit";
    /// A worker: COMMIT has been answered, the attempt has not ended.
    AfterCommit = "after_commit";
    /// A worker: the attempt has ended and is about to be counted.
    BeforeMetrics = "before_metrics";
    /// Access: the upstream has granted a token, and nobody but this process knows it.
    AfterGrant = "after_grant";
    /// Access: a granted token is in the spool, if it is a new one, and not in the ledger.
    AfterSpool = "after_spool";
}
