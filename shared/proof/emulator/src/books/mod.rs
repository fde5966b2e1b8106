//! Books: what the companies of the upstream have written down, as a pure function of a seed plus an overlay of mutations.

mod accounts;
pub(crate) mod blueprint;
pub(crate) mod book;
pub(crate) mod bounds;
mod calendar;
pub(crate) mod census;
mod currency;
pub(crate) mod entities;
pub(crate) mod entity;
mod flow;
pub(crate) mod head;
pub(crate) mod mutation;
pub(crate) mod mutation_error;
pub(crate) mod mutation_kind;
pub(crate) mod name;
mod names;
pub(crate) mod oddity;
pub(crate) mod overlay;
mod planned;
pub(crate) mod property;
pub(crate) mod record;
mod roll;
pub(crate) mod scalar;
pub(crate) mod selection;
pub(crate) mod served;
#[cfg(test)]
pub(crate) mod tests_support;
pub(crate) mod text;
pub(crate) mod truth;

use blueprint::{Blueprint, Draft};
use book::Book;
use entity::Entity;
use name::Name;

/// All books of one company.
pub(crate) struct Books {
    pub(crate) blueprint: Blueprint,
    shelf: Vec<Book>,
}

impl Books {
    pub(crate) fn open(draft: Draft) -> Self {
        let blueprint = Blueprint::new(draft, &entities::CENSUS);
        let shelf = entities::ALL
            .iter()
            .map(|entity| Book::new(&blueprint, entity))
            .collect();
        Self { blueprint, shelf }
    }

    /// The books of all entities, also of those that the company does not have.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Book> {
        self.shelf.iter()
    }

    /// The book of the deposits that links of an entity's records are made with.
    pub(crate) fn deposits_of(&self, entity: &Entity) -> Option<&Book> {
        let (target, _) = entity.census.linked?;
        (target == Name::Deposit).then(|| &self.shelf[target as usize])
    }

    /// The book of an entity by any of its names.
    pub(crate) fn book(&self, entity: &str) -> Option<&Book> {
        self.shelf.iter().find(|book| book.entity.answers_to(entity))
    }
}
