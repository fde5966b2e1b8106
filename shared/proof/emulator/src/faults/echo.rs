//! An echo: an upstream that repeats what it was sent where it says what is wrong.

use serde::{Deserialize, Serialize};

/// Where it repeats it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoPlace {
    /// The message of a fault.
    Message,
    /// Its detail.
    #[default]
    Detail,
    /// Its code.
    Code,
    /// Its type.
    Class,
    /// The detail of a fault in XML.
    Xml,
    /// The name of a member of the answer.
    Member,
    /// The header `intuit_tid`.
    TransactionId,
    /// The `error` of the token endpoint.
    Error,
    /// Its `error_description`.
    Description,
    /// A page of HTML.
    Page,
}
