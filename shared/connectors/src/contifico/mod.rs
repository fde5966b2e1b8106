//! Contífico (Ecuador), REST API, versions 1 and 2, read only.
//!
//! The public documentation is incomplete, and in places it and those who use the API disagree; where nothing is certain
//! the worse case is assumed. What is read, and how:
//!
//! | resource | list | cut by | what is known of a row without an id |
//! |---|---|---|---|
//! | categories, variants, warehouses | v1, one array | change | code of a warehouse |
//! | brands, remission_guides, bank_accounts, cost_centers, chart_of_accounts | v1, one array | – | code, number |
//! | bank_movements | v1, one array | – | number of its receipt |
//! | products | v1, `result_size`, `result_page` | change | code |
//! | registry_transactions | v1, the same | – | – |
//! | purchases, sales, documents | v1, the same, of all kinds | day of emission | – |
//! | inventory_movements | v2, `page`, half-open days | day | – |
//! | journal_entries | v2, `page` | day, also ahead | – |
//! | persons | v2, `page` | change | cédula, else RUC |
//!
//! | file | holds |
//! |---|---|
//! | `entities` | what can be copied: one constant each |
//! | `source` | what is known of an entity here alone |
//! | `key` | what is sent as access, and where to |
//! | `client` | the connector: one method, one request |
//! | `paging` | where the next page begins |
//! | `request` | the address of a list and of a record |
//! | `days` | calendar days, as this API writes them |
//! | `answers` | what is an answer at all |
//! | `pages` | answers read strictly: pages, one record by its id |
//! | `record` | what is read out of a row |
//! | `faults` | everything the API says instead of an answer |

mod answers;
mod client;
mod days;
mod entities;
mod faults;
mod key;
mod pages;
mod paging;
mod record;
mod request;
mod source;
mod synopsis;

use crate::{Account, ConnectorEntry, CredentialField, GateDefaults};

pub use entities::ENTITIES;
pub use source::Source;

/// Contífico in the registry.
///
/// No limit is documented and no 429 was recorded; answers take seconds, so few requests are sent. Pages of version 2 have
/// 100 rows at most; the lists of version 1 that have pages were asked for 1,000 and 2,000.
pub const ENTRY: ConnectorEntry = ConnectorEntry {
    name: "contifico",
    title: "Contífico",
    entities: ENTITIES,
    gate: GateDefaults {
        requests_per_second: 2.0,
        slots: 2,
    },
    page_size_max: 1_000,
    free_calls_a_month: None,
    cuts_days: false,
    environments: &[],
    account: Account::OfKey { what: "RUC" },
    credential: &[
        CredentialField {
            flag: "api-key-file",
            what: "API key",
            is_kept: true,
        },
        // What writes names it; no reading needs it.
        CredentialField {
            flag: "api-token-file",
            what: "API token",
            is_kept: false,
        },
    ],
    time_zone: chrono_tz::America::Guayaquil,
    domains: &["contifico.com"],
    addresses: |_| [key::API, key::API],
    build: client::build,
    synopsis: synopsis::synopsis,
};
