//! Redis: what its own account of itself says.

use ledgerfleet_testkit::PrivateRedis;

/// What scripts call: it is part of the one command that runs the script. No client sends these here.
const WITHIN_SCRIPTS: &[&str] = &[
    "del",
    "get",
    "hget",
    "hmget",
    "hset",
    "llen",
    "pexpire",
    "rpush",
    "set",
    "time",
    "zadd",
    "zcard",
    "zrangebyscore",
    "zremrangebyscore",
    "zscore",
];

/// A section of INFO.
pub(crate) async fn info(redis: &PrivateRedis, section: &str) -> String {
    let client = redis::Client::open(redis.tcp_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("INFO")
        .arg(section)
        .query_async(&mut connection)
        .await
        .unwrap()
}

/// How many commands its clients have sent since the start, but for those that ask this.
pub(crate) async fn count_commands(redis: &PrivateRedis) -> f64 {
    let stats = info(redis, "commandstats").await;
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let counts = name != "info" && !WITHIN_SCRIPTS.contains(&name);
        counts.then(|| rest.split(',').next()?.parse::<f64>().ok())?
    });
    calls.sum()
}
