//! Panics: a defect of the program is told like everything else, in the logs and without secrets. A message may hold whatever
//! the program had in its hands.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::PanicHookInfo;

use ledgerfleet_connectors::scrub::Scrubber;
use tracing::{Level, enabled, error};

/// Characters of a message that are shown.
const LONGEST: usize = 300;

/// From now on panics are logged, with a backtrace if `RUST_BACKTRACE` asks for one. Before there are logs, and where errors
/// are not logged, they are told on stderr.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = message(panic);
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = Backtrace::capture();
        if !enabled!(Level::ERROR) {
            // Where nobody can be told, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: this is a defect: {place}: {message}");
        } else if backtrace.status() == BacktraceStatus::Captured {
            error!(panic = message, place, %backtrace, "this is a defect of the program");
        } else {
            error!(panic = message, place, "this is a defect of the program");
        }
    }));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("without a message");
    Scrubber::default().clean(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn what_a_panic_says_is_one_line_without_secrets() {
        let told = Arc::new(Mutex::new(String::new()));
        let hears = told.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| *hears.lock().unwrap() = message(panic)));
        let token = "AB11abcdefghijklmnop";
        let panicked =
            std::panic::catch_unwind(|| panic!("no\n way \u{202e}{token} postgres://me:s3cret@a/b"));
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let told = told.lock().unwrap().clone();
        assert_eq!(told, "no way [secret] postgres://[secret]@a/b");
    }
}
