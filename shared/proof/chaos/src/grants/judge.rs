//! Judge: whether what was granted kept to the limits, by the machine's own clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// One request: of which connection, and from when to when it was in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    /// Number of the connection.
    pub(super) connection: u64,
    /// Nanoseconds of the clock that no program sets.
    pub(super) start: u64,
    /// Nanoseconds of the same clock.
    pub(super) end: u64,
}

/// What is allowed to a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// So many starts in any window of this length.
    pub(super) windows: [(usize, Duration); 2],
    pub(super) in_flight: usize,
}

/// The most that was seen of any connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Peaks {
    pub(super) peaks: [usize; 2],
    pub(super) in_flight: usize,
}

impl Grant {
    /// How long one is in a file.
    pub(super) const BYTES: usize = 24;

    /// As it is written into a file.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (part, number) in bytes.chunks_mut(8).zip([self.connection, self.start, self.end]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(super) fn read_all(file: &Path) -> Vec<Self> {
        let bytes = std::fs::read(file).unwrap();
        let read = |bytes: &[u8]| {
            let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            Self {
                connection: number(0),
                start: number(8),
                end: number(16),
            }
        };
        bytes.chunks_exact(Self::BYTES).map(read).collect()
    }
}

/// The peaks of what was granted; panics where one is above its limit.
pub(super) fn judge(grants: &[Grant], limits: &Limits) -> Peaks {
    let mut by_connection: BTreeMap<u64, Vec<Grant>> = BTreeMap::new();
    for grant in grants {
        by_connection.entry(grant.connection).or_default().push(*grant);
    }
    let mut seen = Peaks::default();
    for (connection, grants) in &mut by_connection {
        grants.sort_by_key(|grant| grant.start);
        for (peak, (most, window)) in seen.peaks.iter_mut().zip(limits.windows) {
            let here = busiest(grants, window);
            assert!(
                here <= most,
                "{here} in {window:?} of connection {connection}, where {most} are allowed"
            );
            *peak = here.max(*peak);
        }
        let here = most_at_once(grants);
        assert!(
            here <= limits.in_flight,
            "{here} at once of connection {connection}"
        );
        seen.in_flight = here.max(seen.in_flight);
    }
    seen
}

/// The most starts in any window of that length; they are in order.
fn busiest(grants: &[Grant], window: Duration) -> usize {
    let window = u64::try_from(window.as_nanos()).unwrap();
    let (mut first, mut most) = (0, 0);
    for (last, grant) in grants.iter().enumerate() {
        while grant.start - grants[first].start >= window {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// The most in flight at any instant.
fn most_at_once(grants: &[Grant]) -> usize {
    let mut changes: Vec<(u64, i8)> = grants
        .iter()
        .flat_map(|grant| [(grant.start, 1), (grant.end, -1)])
        .collect();
    // Where one ends at the instant at which another starts, they were never at once.
    changes.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, change) in changes {
        now = now.saturating_add_signed(change.into());
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        windows: [(3, Duration::from_nanos(10)), (5, Duration::from_nanos(100))],
        in_flight: 2,
    };

    fn grants(times: &[(u64, u64, u64)]) -> Vec<Grant> {
        let grant = |&(connection, start, end): &(u64, u64, u64)| Grant {
            connection,
            start,
            end,
        };
        times.iter().map(grant).collect()
    }

    #[test]
    fn peaks_are_those_of_the_busiest_connection() {
        let seen = judge(
            &grants(&[
                (1, 0, 5),
                (2, 1, 3),
                (1, 4, 6),
                (1, 9, 12),
                (1, 10, 11),
                (2, 60, 61),
            ]),
            &LIMITS,
        );
        let expected = Peaks {
            peaks: [3, 4],
            in_flight: 2,
        };
        assert_eq!(seen, expected);
    }

    #[test]
    #[should_panic(expected = "4 in 10ns of connection 7")]
    fn too_many_in_a_window_are_seen() {
        judge(&grants(&[(7, 3, 4), (7, 5, 6), (7, 8, 9), (7, 12, 13)]), &LIMITS);
    }

    #[test]
    #[should_panic(expected = "3 at once of connection 7")]
    fn too_many_at_once_are_seen() {
        judge(&grants(&[(7, 3, 9), (7, 5, 9), (7, 8, 9)]), &LIMITS);
    }

    #[test]
    fn a_grant_survives_its_file() {
        let folder = std::env::temp_dir().join(format!("grants-{}", std::process::id()));
        let written = grants(&[(7, 3, u64::MAX), (0, 1, 2)]);
        let bytes: Vec<u8> = written.iter().flat_map(|grant| grant.to_bytes()).collect();
        std::fs::write(&folder, bytes).unwrap();
        let read = Grant::read_all(&folder);
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(read, written);
    }
}
