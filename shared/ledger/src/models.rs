//! Models: the tables in which people read the records, and the values that do not fit into them.
//!
//! They are views, made from a layout ([`ledgerfleet_analysis`]): never a copy, always what is stored now. In Postgres each
//! connection has a schema of its own; in a file there is one view of each kind for all connections. Who queries often has
//! typed tables beside them: copies of the views' rows, as of the last refresh.

use async_trait::async_trait;
use ledgerfleet_analysis::{Layout, layout};
use ledgerfleet_model::{Connection, words};

use crate::LedgerError;

/// The tables of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The connection's name.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// Where the tables are: the schema in Postgres, what the names of the views begin with in a file.
    pub place: String,
    /// Whether they are there.
    pub state: ModelState,
}

/// Whether a connection's tables are as this program makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelState {
    /// They are, as far as what was noted when they were made tells.
    Current,
    /// They were made by another version of the program, or for the connection's former name.
    Outdated,
    /// They are not there.
    Missing,
}
words!(ModelState {
    Current => "current",
    Outdated => "outdated",
    Missing => "missing",
});

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What is missing, outdated or of removed connections.
    Differing,
    /// Everything, also what seems to be as it should.
    All,
}

/// The values of one column that are not of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypingNote {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The type that they are not of.
    pub kind: String,
    /// How many there are.
    pub count: u64,
    /// The id of one record that has one.
    pub id: String,
    /// That value, its first 200 characters.
    pub text: String,
}

/// What was copied into the typed tables of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The connection's name.
    pub connection: String,
    /// Where they are: the schema in Postgres, what the names begin with in a file. Empty where there is nothing to copy.
    pub place: String,
    /// Whether everything was copied, or what had changed.
    pub extent: Extent,
    /// Of how many records.
    pub records: u64,
}

impl Refreshed {
    /// Of a connection that is removed, or whose connector has no layout.
    pub(crate) fn nothing(connection: &Connection) -> Self {
        Self {
            connection: connection.name.clone(),
            place: String::new(),
            extent: Extent::Differing,
            records: 0,
        }
    }
}

/// Keeping the tables in line with the connections and with this program.
#[async_trait]
pub trait Models: Send + Sync {
    /// The tables of every connection that is not removed and whose connector has a layout, by name.
    async fn models(&self) -> Result<Vec<Model>, LedgerError>;

    /// Makes the tables of new connections, moves those of renamed ones, drops those of removed ones and makes anew those
    /// of another version, in one transaction. What others build on the tables is never dropped. Two at once come one
    /// after the other.
    ///
    /// # Errors
    /// [`LedgerError::InUse`] if somebody's view or table hangs on one that would have to go.
    async fn lay_out(&self, extent: Extent) -> Result<Vec<Model>, LedgerError>;

    /// The values of a connection that are not of their column's type, by table and column. Reads every record.
    async fn typing_notes(&self, connection: &Connection) -> Result<Vec<TypingNote>, LedgerError>;

    /// Copies the rows of a connection's tables into tables of their own, typed as the views are: those of records that have
    /// changed since they were copied last, or all. It is one transaction that sees one moment: a document and its lines
    /// always belong together. Two at once come one after the other; who reads the copies is not waited for.
    ///
    /// # Errors
    /// [`LedgerError::InUse`] if the tables are of another version and somebody's view hangs on one that would have to go.
    async fn refresh_typed(&self, connection: &Connection, extent: Extent) -> Result<Refreshed, LedgerError>;

    /// Lets a role of the database read the tables of every connection that is laid out, those that are
    /// laid out there later among them. A connection's first tables come in a schema of their own: grant again. Answers how many schemas there are. A file has no roles: whoever can read it reads all.
    ///
    /// # Errors
    /// [`LedgerError::Unsuitable`] if there is no such role, or there are no roles.
    async fn grant_models(&self, role: &str) -> Result<u64, LedgerError>;
}

/// The connections that have a layout, each with it.
pub(crate) fn with_layouts(connections: Vec<Connection>) -> Vec<(Connection, &'static Layout)> {
    let with_layout = |connection: Connection| {
        let layout = layout(&connection.connector)?;
        Some((connection, layout))
    };
    connections.into_iter().filter_map(with_layout).collect()
}
