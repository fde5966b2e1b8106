//! How entities are shown.

use serde::Serialize;

use crate::output::row;

/// One entity of one connector.
#[derive(Serialize)]
pub(crate) struct EntityRow {
    pub(crate) connector: &'static str,
    pub(crate) entity: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) cut_by: String,
    pub(crate) in_all: bool,
    pub(crate) source: &'static str,
    pub(crate) view: &'static str,
}

row! {
    EntityRow as row,
    LESSER = ["connector", "view", "source"],
    "entity" => row.entity,
    "kind" => row.kind,
    "cut by" => row.cut_by,
    "all" => if row.in_all { "yes" } else { "no" },
    "source" => row.source,
    "view" => row.view,
    "connector" => row.connector,
}
