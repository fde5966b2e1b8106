#![doc = include_str!("../README.md")]

pub mod dictionary;
mod expression;
pub mod layout;
pub mod measure;
mod parse;
pub mod path;
pub mod postgres;
pub mod sqlite;

use std::sync::LazyLock;

pub use layout::{Column, Kind, Layout, Rows, Source, Table};
pub use measure::Measure;
pub use parse::LayoutError;
pub use path::Value;

/// Every layout, by connector.
static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| vec![quickbooks()]);

/// The layout of every connector that has one.
pub fn layouts() -> &'static [Layout] {
    &LAYOUTS
}

/// The layout of a connector, if it has one.
pub fn layout(connector: &str) -> Option<&'static Layout> {
    layouts().iter().find(|layout| layout.connector == connector)
}

fn quickbooks() -> Layout {
    /// What others are made of comes first.
    const MEASURES: [&str; 10] = [
        include_str!("../measures/quickbooks/sold_line.sql"),
        include_str!("../measures/quickbooks/revenue.sql"),
        include_str!("../measures/quickbooks/revenue_by_month.sql"),
        include_str!("../measures/quickbooks/receivables_by_age.sql"),
        include_str!("../measures/quickbooks/payables_by_age.sql"),
        include_str!("../measures/quickbooks/top_customers.sql"),
        include_str!("../measures/quickbooks/sales_by_item.sql"),
        include_str!("../measures/quickbooks/cash_by_account.sql"),
        include_str!("../measures/quickbooks/account_tree.sql"),
        include_str!("../measures/quickbooks/tax_collected.sql"),
    ];
    let columns = include_str!("../columns/quickbooks.tsv");
    match Layout::parse("quickbooks", "qbo_", columns, &MEASURES) {
        Ok(layout) => layout,
        // The files are part of the program, and a test parses them.
        Err(error) => panic!("the columns of quickbooks: {error}"),
    }
}
