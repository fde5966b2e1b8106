//! Renewal: keeping what ends by itself, such as a lock or a slot.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Unreachable;

/// Renews again and again what lives for `ttl` after a renewal. Returns when it is lost, or when it may be before the
/// next turn because renewals fail: whoever relies on it stops while it is still held.
pub async fn keep_renewing<R>(ttl: Duration, every: Duration, mut renew: impl FnMut() -> R)
where
    R: Future<Output = Result<bool, Unreachable>>,
{
    let mut known_until = Instant::now() + ttl;
    loop {
        sleep(every).await;
        let asked_at = Instant::now();
        match renew().await {
            Ok(true) => known_until = asked_at + ttl,
            Ok(false) => return,
            Err(_) if Instant::now() + every >= known_until => return,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const TTL: Duration = Duration::from_secs(20);
    const EVERY: Duration = Duration::from_secs(5);

    /// How long something is kept whose renewals are answered like this, the last one again and again.
    async fn kept_for(answers: &[Option<bool>]) -> Duration {
        let began = Instant::now();
        let asked = Cell::new(0);
        keep_renewing(TTL, EVERY, || {
            let answer = answers[asked.replace(asked.get() + 1).min(answers.len() - 1)];
            async move { answer.ok_or_else(|| Unreachable("away".to_owned())) }
        })
        .await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_is_told_at_once_and_what_cannot_be_renewed_before_it_ends() {
        assert_eq!(kept_for(&[Some(true), Some(true), Some(false)]).await, EVERY * 3);
        // Renewed at 5 s it lives until 25 s; the turn at 20 s is the last one before.
        assert_eq!(kept_for(&[Some(true), None]).await, EVERY * 4);
        assert_eq!(kept_for(&[None]).await, EVERY * 3);
        assert_eq!(kept_for(&[None, None, Some(true), Some(false)]).await, EVERY * 4);
        assert_eq!(kept_for(&[None, Some(true), None, Some(false)]).await, EVERY * 4);
    }
}
