#![doc = include_str!("../README.md")]

pub mod dates;
mod estimate;
mod gaps;
mod hints;
mod plan;
mod repair;
mod selection;
mod submit;
pub mod sync;
pub mod triggers;

pub use estimate::{Calls, Estimate, Known, Left, PartEstimate, Price};
pub use gaps::{Gap, GapReason, NeverAsked, gaps_of, never_asked};
pub use hints::submit_hinted;
pub use plan::{Part, Plan, PlanError, Request, plan};
pub use repair::{ReadAgain, joined, repair};
pub use selection::{
    SelectionError, check_days, connection_named, connections_named, connector_of, entities_named, entity_of,
};
pub use submit::{ring, submit};
