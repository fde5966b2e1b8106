//! QuickBooks Online, Accounting API v3, read only.
//!
//! Facts about the API are from Intuit's developer documentation (pages "Query operations and syntax", "OAuth 2.0",
//! "REST API features", "Error codes") unless a comment names another source; where sources disagree, the worse
//! case is assumed.
//!
//! | file | holds |
//! |---|---|
//! | `entities` | what can be copied: one constant each |
//! | `source` | what is known of an entity here alone |
//! | `auth` | refresh token in, access token out |
//! | `client` | the connector: one method, one request |
//! | `first_days` | the beginning of a window in the order of days |
//! | `look_up` | records by their ids |
//! | `changes` | what has changed since an instant |
//! | `paging` | where the next page begins |
//! | `query` | the query language, built and never pasted together |
//! | `properties` | what may be filtered by |
//! | `answers` | what is an answer at all |
//! | `pages` | answers read strictly: pages, counts, one record by its id |
//! | `response` | a page that is as it should be, read in one pass |
//! | `record` | what is read out of a row |
//! | `webhook` | what Intuit sends when something has changed |
//! | `faults` | everything the API says instead of an answer |

mod answers;
mod auth;
mod changes;
mod client;
mod entities;
mod faults;
mod first_days;
mod look_up;
mod pages;
mod paging;
mod properties;
mod query;
mod record;
mod response;
#[cfg(test)]
mod samples;
mod source;
mod synopsis;
pub mod webhook;

use ledgerfleet_model::Environment;

use crate::{Account, ConnectorEntry, CredentialField, GateDefaults};

pub use client::QuickBooks;
pub use entities::ENTITIES;
pub use source::{ReadBy, RowShape, Source, source};

/// QuickBooks in the registry.
///
/// The limits per company are 500 requests in any minute, 10 in any second and 10 in flight ("REST API features",
/// limits and throttles); 8 evenly spaced requests a second and 9 slots stay below all three with room for
/// network jitter. A page has at most 1,000 rows.
pub const ENTRY: ConnectorEntry = ConnectorEntry {
    name: "quickbooks",
    title: "QuickBooks Online",
    entities: ENTITIES,
    gate: GateDefaults {
        requests_per_second: 8.0,
        slots: 9,
    },
    page_size_max: query::PAGE_SIZE_MAX,
    free_calls_a_month: Some(500_000),
    cuts_days: true,
    environments: &[Environment::Sandbox, Environment::Production],
    account: Account::Asked {
        flag: "realm",
        what: "realm id",
        digits: 20,
    },
    credential: &[CredentialField {
        flag: "refresh-token-file",
        what: "refresh token",
        is_kept: true,
    }],
    time_zone: chrono_tz::UTC,
    domains: &[],
    addresses: |environment| [client::api_address(environment), auth::ISSUER],
    build: client::build,
    synopsis: synopsis::synopsis,
};
