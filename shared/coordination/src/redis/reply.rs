//! Reply: what errors of Redis mean to this program, and time as the scripts count it.

use std::time::Duration;

use ::redis::RedisError;

use crate::Unreachable;

/// What to tell of a Redis that is one of several.
pub(crate) const CLUSTER: &str = "this Redis belongs to a Redis Cluster, which is not followed: give a single Redis; what is kept \
    there is small";

/// A RedisError names the command's fault, never its arguments or the URL.
#[expect(clippy::needless_pass_by_value, reason = "its callers are `map_err`")]
pub(crate) fn unreachable(error: RedisError) -> Unreachable {
    // A server that sends its clients elsewhere; so may any one of a cluster do at any time.
    if matches!(error.code(), Some("MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN")) {
        return Unreachable(CLUSTER.to_owned());
    }
    Unreachable(error.to_string())
}

/// Microseconds, as the scripts count time.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
