//! Release: which one this program is, for whoever reports a fault or watches an upgrade.

use std::sync::LazyLock;

/// The version of all crates.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from. A build is told by the variable `LEDGERFLEET_COMMIT`, as releases and images are; others do
/// not know it.
pub const COMMIT: Option<&str> = option_env!("LEDGERFLEET_COMMIT");

/// What `--version` says: `0.1.0`, or `0.1.0 (1a2b3c4d)`.
pub fn version() -> &'static str {
    static SHOWN: LazyLock<String> = LazyLock::new(|| match COMMIT {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    });
    &SHOWN
}
