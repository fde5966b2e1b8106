//! Traces: the way of a request through the fleet, as OpenTelemetry spans.
//!
//! ```text
//! submit                        a trace of its own; its context is stored with the run
//!    ▲ link
//! attempt                       a trace of its own
//!    ├── lock
//!    ├── gate, request, commit  once a page
//!    └── settle                 where it did not finish
//! ```
//!
//! A run may have a million segments, and no backend shows a trace of a million attempts; so each attempt is a trace
//! that links to its run's. Every span there is stands in `spans`; nothing else makes one, and only these are sent: no
//! log line, no message of an error, nothing of an answer.

mod context;
mod export;
mod sender;
mod spans;

pub use context::{context_of, link};
pub(crate) use export::is_ours;
pub use export::{Identity, Traces};
pub use spans::{
    AttemptLabels, answered, asks, attempt, attempt_ended, commit, committed, ended, gate, lock, request,
    settle, submit, submitted, within,
};

/// The target of our spans. They are no lines of a log, and the log's filter leaves them out.
pub(crate) const TARGET: &str = "ledgerfleet::traces";
