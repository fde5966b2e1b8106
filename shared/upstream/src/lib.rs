#![doc = include_str!("../README.md")]

pub mod asking;
pub mod by_id;
pub mod company;
pub mod counting;
mod gate_time;
pub mod known;
pub mod lessons;
mod page;
pub mod pass;
pub mod patience;
pub mod question;
mod search;
mod slot;
mod walk;

pub use asking::{Answered, Asking, Means};
pub use by_id::{Found, LookUps, LookedUp};
pub use company::{Company, Unknown};
pub use gate_time::GateTime;
pub use known::{KnownLessons, Learner};
pub use lessons::Lessons;
pub use page::ids_of;
pub use pass::{Fetched, Pass};
pub use patience::{Observer, Wait, stopped};
pub use question::Identify;
pub use walk::{Change, Words};
