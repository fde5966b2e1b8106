//! The figures, one file each. This is the list.

mod calls;
mod emulator;
mod fairness;
mod queue;
mod quota;
mod rows;
mod scale;
mod start;

use crate::Figure;

/// All figures, in the order of the report.
pub const FIGURES: &[&Figure] = &[
    &start::FIGURE,
    &rows::FIGURE,
    &quota::FIGURE,
    &calls::FIGURE,
    &queue::FIGURE,
    &fairness::FIGURE,
    &scale::FIGURE,
    &emulator::FIGURE,
];

/// The figure of that name.
pub fn find_figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().copied().find(|figure| figure.name == name)
}
