//! Limits: how fast somebody may ask, and how often an address may come with a key that is none.
//!
//! Each is a bucket that fills with time. Both are kept in this process alone: where several serve, each has its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests of one key: so many at once, and then so many a second.
const REQUESTS: Bucket = Bucket {
    most: 300.0,
    each: Duration::from_millis(10),
};

/// Failed authentications of one address: so many at once, and then one in this time.
const FAILURES: Bucket = Bucket {
    most: 20.0,
    each: Duration::from_secs(3),
};

/// So many are remembered; full buckets are forgotten first, and then all: nobody can fill the memory.
const MOST_KNOWN: usize = 10_000;

/// How much there may be of something.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// At once.
    most: f64,
    /// One more comes in this time.
    each: Duration,
}

/// What is left in a bucket, and when that was so.
#[derive(Debug, Clone, Copy)]
struct Left {
    amount: f64,
    at: Instant,
}

/// Buckets by whose they are.
#[derive(Debug)]
struct Buckets<K> {
    bucket: Bucket,
    known: Mutex<HashMap<K, Left>>,
}

/// The limits of the API.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: Buckets<String>,
    failures: Buckets<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: Buckets::of(REQUESTS),
            failures: Buckets::of(FAILURES),
        }
    }
}

impl Limits {
    /// Takes one request of this caller; otherwise says when the next may come.
    pub(super) fn request(&self, identity: &str) -> Result<(), Duration> {
        self.requests.take(&identity.to_owned(), Instant::now())
    }

    /// This address has come with a good key: what it did before was a mistake.
    pub(super) fn succeeded(&self, address: IpAddr) {
        let mut known = self.failures.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&network(address));
    }

    /// This address has come with a key that is none; too often, where it says when the next may come.
    pub(super) fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        self.failures.take(&network(address), Instant::now())
    }
}

/// Whose an address is: whoever has one of IPv6 has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        of_four @ IpAddr::V4(_) => of_four,
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn of(bucket: Bucket) -> Self {
        Self {
            bucket,
            known: Mutex::default(),
        }
    }

    fn take(&self, whose: &K, now: Instant) -> Result<(), Duration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN && !known.contains_key(whose) {
            known.retain(|_, left| self.bucket.left(Some(*left), now) < self.bucket.most);
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
        }
        let amount = self.bucket.left(known.get(whose).copied(), now);
        let judged = self.bucket.judge(amount);
        let amount = if judged.is_ok() { amount - 1.0 } else { amount };
        known.insert(whose.clone(), Left { amount, at: now });
        judged
    }
}

impl Bucket {
    fn left(self, known: Option<Left>, now: Instant) -> f64 {
        let Some(Left { amount, at }) = known else {
            return self.most;
        };
        let come = now.saturating_duration_since(at).as_secs_f64() / self.each.as_secs_f64();
        (amount + come).min(self.most)
    }

    fn judge(self, amount: f64) -> Result<(), Duration> {
        if amount >= 1.0 {
            return Ok(());
        }
        Err(self.each.mul_f64(1.0 - amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_what_it_holds_and_then_what_comes() {
        let buckets = Buckets::of(Bucket {
            most: 2.0,
            each: Duration::from_secs(3),
        });
        let begin = Instant::now();
        let take = |whose: &'static str, seconds| buckets.take(&whose, begin + Duration::from_secs(seconds));
        assert_eq!([take("a", 0), take("a", 0)], [Ok(()), Ok(())]);
        assert_eq!(take("a", 0), Err(Duration::from_secs(3)));
        assert_eq!(take("b", 0), Ok(()), "another has its own");
        assert_eq!(take("a", 1), Err(Duration::from_secs(2)));
        assert_eq!(take("a", 3), Ok(()));
        assert_eq!(take("a", 3), Err(Duration::from_secs(3)));
        assert_eq!([take("a", 3_600), take("a", 3_600)], [Ok(()), Ok(())]);
        assert!(take("a", 3_600).is_err(), "no more than it holds");
    }

    #[test]
    fn who_has_many_addresses_has_one_bucket() {
        for (one, other, is_same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let limits = Limits::default();
            let (one, other): (IpAddr, IpAddr) = (one.parse().unwrap(), other.parse().unwrap());
            while limits.failed(one).is_ok() {}
            assert_eq!(limits.failed(other).is_err(), is_same, "{one} {other}");
        }
    }

    #[test]
    fn buckets_are_forgotten_before_they_fill_the_memory() {
        let buckets = Buckets::of(FAILURES);
        let now = Instant::now();
        for number in 0..3 * MOST_KNOWN {
            buckets.take(&number, now).unwrap();
        }
        assert!(buckets.known.lock().unwrap().len() <= MOST_KNOWN);
    }
}
