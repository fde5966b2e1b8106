//! Views: one serialisable row type for each thing that is shown. What is printed as JSON is what others will be served.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod checks;
pub(crate) mod companies;
pub(crate) mod connections;
pub(crate) mod coverage;
pub(crate) mod dead_letters;
pub(crate) mod entities;
pub(crate) mod keys;
pub(crate) mod plans;
pub(crate) mod quota;
pub(crate) mod records;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod syncs;
pub(crate) mod triggers;
pub(crate) mod verified;
