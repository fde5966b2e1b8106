//! The entities that the emulator has. Each is one file; this list is their registration.

pub(crate) mod customer;
pub(crate) mod invoice;
mod invoice_text;
pub(crate) mod item;
pub(crate) mod journal_entry;

use super::entity::Entity;

/// Every entity, in the order of their names.
pub(crate) const ALL: &[&Entity] = &[
    &customer::ENTITY,
    &invoice::ENTITY,
    &item::ENTITY,
    &journal_entry::ENTITY,
];
