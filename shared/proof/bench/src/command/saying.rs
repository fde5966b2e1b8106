//! Saying: what a person is told while figures are taken.

use std::io::Write;

/// On stdout.
pub(super) fn say(line: &str) {
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// On stderr.
pub(super) fn complain(line: &str) {
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{line}");
}
