//! Server: what kind of Redis this is, and whether it may forget what it was told.

use std::time::Duration;

use ::redis::cmd;

use super::link::Link;
use super::reply::{CLUSTER, unreachable};
use crate::Unreachable;

/// The oldest version that knows all commands.
const OLDEST: u32 = 7;

/// The server that bell, gate and locks are on.
#[derive(Clone)]
pub struct RedisServer {
    commands: Link,
}

impl std::fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisServer")
    }
}

/// What was found out about a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examination {
    /// Why it cannot be used, if so.
    pub unsuitable: Option<String>,
    /// What is unwise about it.
    pub warnings: Vec<String>,
}

impl RedisServer {
    pub(super) fn new(commands: Link) -> Self {
        Self { commands }
    }

    /// Asks the server what it is.
    pub async fn examine(&self) -> Result<Examination, Unreachable> {
        let info: String = cmd("INFO")
            .query_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(examine(&info))
    }

    /// What its clock says: since 1970.
    pub async fn clock(&self) -> Result<Duration, Unreachable> {
        let (seconds, micros): (u64, u64) = cmd("TIME")
            .query_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(Duration::from_secs(seconds) + Duration::from_micros(micros))
    }
}

/// Reads the answer to `INFO`; what it does not tell is taken to be well.
fn examine(info: &str) -> Examination {
    let told = |name: &str| {
        let value = info
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    };
    let mut found = Examination::default();
    let version = told("redis_version").unwrap_or_default();
    let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
    if told("cluster_enabled") == Some("1") {
        found.unsuitable = Some(CLUSTER.to_owned());
    } else if major.is_some_and(|major| major < OLDEST) {
        found.unsuitable = Some(format!(
            "this Redis is version {version}; {OLDEST} or newer is needed"
        ));
    }
    let policy = told("maxmemory_policy").unwrap_or("noeviction");
    let bounded = told("maxmemory").is_some_and(|bytes| bytes != "0");
    if bounded && policy != "noeviction" {
        found.warnings.push(format!(
            "Redis forgets keys when its memory is full (maxmemory-policy {policy}), and with them who reads a window and \
             what a company was asked for: set noeviction, or give Ledgerfleet a Redis of its own"
        ));
    }
    // Its own setting then refuses every write: without a lock and a gate nothing is read.
    let failed = ["rdb_last_bgsave_status", "aof_last_write_status"].map(|name| told(name) == Some("err"));
    if failed.contains(&true) {
        found.warnings.push(
            "Redis could not write to its disk the last time, and may refuse every write until it can (MISCONF): give it \
             room, or start it with --save '' --appendonly no"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_judged_by_what_it_tells_of_itself() {
        let cases = [
            (
                "redis_version:7.0.15\r\ncluster_enabled:0\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n",
                None,
                0,
            ),
            (
                "redis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n",
                None,
                0,
            ),
            (
                "redis_version:8.0.0\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n",
                None,
                0,
            ),
            (
                "redis_version:8.0.0\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n",
                None,
                1,
            ),
            (
                "redis_version:8.0.0\r\nmaxmemory:1000\r\nmaxmemory_policy:volatile-ttl\r\n",
                None,
                1,
            ),
            (
                "redis_version:7.0.15\r\ncluster_enabled:1\r\n",
                Some("Cluster"),
                0,
            ),
            (
                "redis_version:7.0.15\r\nrdb_last_bgsave_status:err\r\naof_last_write_status:ok\r\n",
                None,
                1,
            ),
            (
                "redis_version:7.0.15\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n",
                None,
                1,
            ),
            ("redis_version:6.2.1\r\n", Some("6.2.1"), 0),
            ("redis_version:10.0.0\r\n", None, 0),
            ("", None, 0),
        ];
        for (info, unsuitable, warnings) in cases {
            let found = examine(info);
            let said = found.unsuitable.unwrap_or_default();
            assert!(
                unsuitable.map_or(said.is_empty(), |why| said.contains(why)),
                "{info}: {said}"
            );
            assert_eq!(found.warnings.len(), warnings, "{info}");
        }
    }
}
