//! Flags of `model`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Makes the tables of every company, or makes them anew after an upgrade.
    ///
    /// They are views of what is stored now. With --typed, their rows are copied into tables beside them, too, for who
    /// queries often: what has changed since the last time, or everything with --full.
    Refresh(RefreshArgs),
    /// Lists the values that are not of their column's type: null in the tables, and kept as they are.
    ///
    /// Exit codes: 0 there are none, or some; with --exit-code 1 if there are some.
    Notes(NotesArgs),
    /// Lets a role of the database read the tables, and nothing else.
    Grant {
        /// The role.
        role: String,
    },
    /// Prints what every table, column and measure means, in Markdown; with -o json, jsonl or csv every column as data.
    Dictionary(DictionaryArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Shows, and copies, these companies; the tables of all are brought up to date.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Makes everything anew, also what is as it should be.
    #[arg(long)]
    pub(crate) full: bool,
    /// Copies the rows into typed tables: quickbooks_typed_NAME in Postgres, quickbooks_typed_… in a file.
    #[arg(long)]
    pub(crate) typed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NotesArgs {
    /// Of these companies.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Ends with 1 if there are any.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DictionaryArgs {
    /// Of this connector.
    #[arg(long, value_name = "NAME", default_value = "quickbooks")]
    pub(crate) connector: String,
}
