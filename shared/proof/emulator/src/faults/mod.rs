//! Faults: answers that go wrong on purpose. A rule says when; a kind says how.

mod board;
mod echo;
mod kind;
mod shape;
mod spec;

pub(crate) use board::{Facts, FaultBoard, RuleReport};
pub use echo::EchoPlace;
pub use kind::{CutLength, DropMoment, FaultKind};
pub use shape::FaultShape;
pub use spec::{FaultSpec, SpecError, Surface};
