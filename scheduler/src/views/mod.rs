//! Views: one serialisable row type for each thing that is shown.

pub(crate) mod dead_letters;
pub(crate) mod runs;
pub(crate) mod verified;
