//! Waiting for what must come, and failing where it does not.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Longer than anything takes that is not about time.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until something holds; answers how long that took.
pub async fn until(what: &str, patience: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < patience, "not within {patience:?}: {what}");
        sleep(PAUSE).await;
    }
    began.elapsed()
}
