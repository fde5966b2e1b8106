//! The emulator as its clients meet it: over HTTP, without a look inside.

mod answers;
mod authorization;
mod batches;
mod books;
mod changes;
mod client;
mod command;
mod companies;
mod contifico;
mod faults;
mod integrity;
mod ledger;
mod limits;
mod mutations;
mod oddities;
mod pages;
mod queries;
mod refusals;
mod unkind;
