//! An explanation: an error and its causes in one line, for answers and for the terminal.

use std::error::Error;

/// `what happened: why: why that`
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Writes an explanation to stderr.
pub fn complain(error: &dyn Error) {
    use std::io::Write;
    // Without a stderr there is nobody to complain to.
    let _ = writeln!(std::io::stderr(), "emulator: {}", explain(error));
}
