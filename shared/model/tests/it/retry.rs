use std::time::Duration;

use ledgerfleet_model::Timings;
use ledgerfleet_model::retry::backoff;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn longest(failures: u32) -> Duration {
    let mut rng = StdRng::seed_from_u64(3);
    (0..2_000)
        .map(|_| backoff(failures, &Timings::default(), &mut rng))
        .max()
        .unwrap()
}

#[test]
fn the_ceiling_doubles_from_ten_seconds_and_stops_at_a_quarter_of_an_hour() {
    for (failures, seconds) in [
        (1, 10),
        (2, 20),
        (3, 40),
        (4, 80),
        (5, 160),
        (9, 900),
        (1_000, 900),
    ] {
        let ceiling = Duration::from_secs(seconds);
        let longest = longest(failures);
        assert!(
            longest <= ceiling && longest > ceiling.mul_f64(0.95),
            "{failures}: {longest:?}"
        );
    }
}

proptest! {
    #[test]
    fn waits_are_spread_over_the_whole_of_it(failures in 1..12u32, seed in any::<u64>()) {
        let mut rng = StdRng::seed_from_u64(seed);
        let waits: Vec<Duration> = (0..400).map(|_| backoff(failures, &Timings::default(), &mut rng)).collect();
        let ceiling = longest(failures);
        for quarter in 0..4u32 {
            let (from, to) = (ceiling / 4 * quarter, ceiling / 4 * (quarter + 1));
            let share = waits.iter().filter(|wait| **wait >= from && **wait <= to).count();
            prop_assert!((50..=160).contains(&share), "quarter {} has {} of 400", quarter, share);
        }
    }
}
