//! The tables in which people read the records: that they are there for every connection, that no value takes one down, and
//! that what they add up to is what the source knows.

mod books;
mod columns;
mod database;
mod odd;
mod schemas;
mod ties;
