//! Contífico: the API of an Ecuadorian retailer's books, in both of its versions, with what it is known to do wrong.

mod api;
mod books;
mod filter;
mod firm;
mod mutation;
mod records;
mod resource;
mod switches;
mod truth;

pub(crate) use api::routes;
pub(crate) use firm::{Firm, Firms};
pub use mutation::{ContificoKind, ContificoMutation, ContificoMutationError};
pub use switches::*;
pub(crate) use truth::{counts, open, stream, text};

/// Whether a resource bears that name.
pub(crate) fn knows(name: &str) -> bool {
    resource::named(name).is_some()
}
