//! Pairs of settings that are each allowed and unwise together.

use ledgerfleet_model::Timings;

/// A sentence for every pair of durations that endangers work.
pub(crate) fn risky_pairs(timings: &Timings) -> Vec<String> {
    let pairs = [
        (
            timings.heartbeat * 3 > timings.lease,
            "timings.heartbeat is more than a third of timings.lease: one lost renewal can lose a claim",
        ),
        (
            timings.lock_renewal * 3 > timings.lock_ttl,
            "timings.lock_renewal is more than a third of timings.lock_ttl: one lost renewal can lose a lock",
        ),
        (
            timings.idle > timings.lease,
            "timings.idle is longer than timings.lease: a silent upstream outlasts the claim that waits for it",
        ),
        (
            timings.connect + timings.first_byte > timings.request,
            "timings.request is shorter than connect and first_byte together: slow answers are cut off as timeouts",
        ),
        (
            timings.request > timings.progress,
            "timings.progress is shorter than timings.request: one slow request is stopped as stalled",
        ),
        (
            timings.drain < timings.tick,
            "timings.drain is shorter than timings.tick: a stopping worker has no time to hand back",
        ),
        (
            timings.backoff_cap < timings.backoff_base,
            "timings.backoff_cap is shorter than timings.backoff_base: retries never wait longer than the cap",
        ),
    ];
    pairs
        .into_iter()
        .filter(|(risky, _)| *risky)
        .map(|(_, warning)| warning.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_defaults_are_not_risky() {
        assert_eq!(risky_pairs(&Timings::default()), Vec::<String>::new());
    }

    #[test]
    fn a_lease_shorter_than_the_silence_it_must_survive_is_risky() {
        let timings = Timings {
            lease: Duration::from_secs(15),
            ..Timings::default()
        };
        let warnings = risky_pairs(&timings);
        assert!(
            warnings.iter().any(|warning| warning.contains("timings.idle")),
            "{warnings:?}"
        );
    }
}
