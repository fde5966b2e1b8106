//! Figure: something that is measured, in one case or in several.

use futures::future::LocalBoxFuture;

use crate::bench::Bench;
use crate::results::Line;
use crate::values::Values;

/// Something that is measured.
#[derive(Debug)]
pub struct Figure {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about, in some words.
    pub title: &'static str,
    /// How it is taken, for the report.
    pub about: &'static str,
    /// In which cases.
    pub cases: &'static [Case],
    /// Cases that may be measured at the same time, because they leave the machine idle.
    pub side_by_side: usize,
    /// What follows from several cases together.
    pub derive: fn(&[Line]) -> Values,
}

/// One case of a figure.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// How often it is measured.
    pub times: Times,
    /// Measures it once, on a world of its own.
    pub measure: for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Values>,
}

/// How often a case is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// As often as was asked for: five times, if nothing else was.
    Repeated,
    /// Once: it takes minutes, and is long enough to be steady.
    Once,
}

/// For figures whose cases stand for themselves.
pub(crate) fn nothing(_: &[Line]) -> Values {
    Values::default()
}
