//! Contífico as its clients meet it: over HTTP, with a key.

mod books;
mod faults;
mod filters;
mod mutations;
mod pages;
mod refusals;
mod shapes;
mod shop;
mod worst;
