//! Armed: what happens when a point is reached.

use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::Point;
use crate::plan::{Action, Plan};

/// The variable that holds the plan. It has no prefix of ours: it is no setting, and production does not know it.
const VARIABLE: &str = "FAIL_POINTS";

/// The exit code for a plan that cannot be read.
const UNREADABLE: i32 = 64;

static PLAN: LazyLock<Plan> = LazyLock::new(read);

pub(crate) async fn reach(point: Point, subject: &str) {
    match PLAN.strike(point, subject) {
        None => {}
        Some(Action::Kill) => signal(Signal::KILL),
        Some(Action::Stop) => signal(Signal::STOP),
        Some(Action::Panic) => panic!("told to panic at {}", point.name()),
        Some(Action::Delay(millis)) => tokio::time::sleep(Duration::from_millis(millis)).await,
    }
}

/// How long a signal to the whole process may take until it has reached this thread. By then it must not have gone on.
const UNTIL_STRUCK: Duration = Duration::from_millis(50);

fn signal(signal: Signal) {
    // A process may always signal itself.
    let _ = kill_process(getpid(), signal);
    std::thread::sleep(UNTIL_STRUCK);
}

#[expect(
    clippy::disallowed_methods,
    reason = "no setting: only builds for tests know it"
)]
fn read() -> Plan {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    text.parse().unwrap_or_else(|error| {
        let mut stderr = std::io::stderr();
        // Where nobody can be told, the code still tells.
        let _ = writeln!(stderr, "error: {VARIABLE}: {error}");
        std::process::exit(UNREADABLE)
    })
}
