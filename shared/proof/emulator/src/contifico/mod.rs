//! Contífico: the API of an Ecuadorian retailer's books, in both of its versions, with what it is known to do wrong.

mod api;
mod books;
mod filter;
mod firm;
mod mutation;
mod parameter;
mod records;
mod resource;
mod switches;
mod truth;

pub(crate) use api::routes;
pub(crate) use firm::{Firm, Firms};
pub use mutation::{ContificoKind, ContificoMutation, ContificoMutationError};
pub(crate) use resource::knows;
pub use switches::*;
pub(crate) use truth::{counts, open, stream, text};
