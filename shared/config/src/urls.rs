//! URLs: addresses of Postgres and Redis that cannot be followed are refused in words, before a driver misreads them.

use url::Url;

/// What those parameters of a Postgres URL are called that the driver understands.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

const SEVERAL: &str = "names several hosts, and one connection cannot follow them: give one address that leads to the \
    primary, such as a virtual IP, a proxy or the name that your provider has for it";

const UNREADABLE: &str = "is not a URL; write characters such as @ / # % of a user or password percent-encoded (%40 %2F \
    %23 %25), and an IPv6 address in brackets: [::1]";

/// Says why a `postgres://` URL cannot be used, or answers what is unwise in it.
pub(crate) fn check_postgres(url: &str) -> Result<Vec<String>, String> {
    let parsed = parse("database_url", url)?;
    let mut warnings = Vec::new();
    for (name, value) in parsed.query_pairs() {
        if matches!(&*name, "host" | "hostaddr" | "port") && value.contains(',') {
            return Err(format!("database_url {SEVERAL}"));
        }
        if !POSTGRES_PARAMETERS.contains(&&*name) && !name.starts_with("options[") {
            warnings.push(format!(
                "database_url has the parameter `{name}`, which is not understood and has no effect"
            ));
        }
    }
    Ok(warnings)
}

/// Says why an address of Redis cannot be used.
pub(crate) fn check_redis(url: &str) -> Result<(), String> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme.contains("sentinel") {
        return Err("redis_url names Sentinels, which are not asked: give the address of the primary, or of a proxy or name \
                    that leads to it"
            .to_owned());
    }
    if scheme.contains("cluster") {
        return Err(
            "redis_url names a Redis Cluster, which is not followed: give a single Redis; what Ledgerfleet keeps there \
             is small"
                .to_owned(),
        );
    }
    if !matches!(scheme, "redis" | "rediss") {
        return Err("redis_url is neither redis://… nor rediss://…".to_owned());
    }
    let parsed = parse("redis_url", url)?;
    if parsed.host().is_none() {
        return Err("redis_url has no host: redis://HOST:PORT".to_owned());
    }
    Ok(())
}

/// Several hosts are looked for first: to a parser of URLs they are a wrong port. Nothing of the URL is told, because it
/// holds a password.
fn parse(key: &str, url: &str) -> Result<Url, String> {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    if hosts.contains(',') {
        return Err(format!("{key} {SEVERAL}"));
    }
    Url::parse(url).map_err(|_| format!("{key} {UNREADABLE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_taken_in_every_way_to_write_it() {
        for url in [
            "postgres://localhost/books",
            "postgresql://me:secret@db.example:5432/books?sslmode=verify-full",
            "postgres://me@[::1]:5432/books",
            "postgres://me@[2001:db8::7]/books",
            "postgres:///books?host=/var/run/postgresql",
            "postgres://me:a%40b%2Fc,d@localhost/books",
            "postgres://localhost/books?options=-c%20a%3Db,c",
        ] {
            assert_eq!(check_postgres(url), Ok(Vec::new()), "{url}");
        }
        for url in [
            "redis://localhost",
            "redis://[::1]:6379/1",
            "rediss://:secret@redis.example:6380",
        ] {
            assert_eq!(check_redis(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_in_words_without_its_password() {
        let postgres = [
            ("postgres://me:secret@a:5432,b:5432/books", "several hosts"),
            (
                "postgres://me:secret@a,b/books?target_session_attrs=primary",
                "several hosts",
            ),
            ("postgres:///books?host=a,b", "several hosts"),
            ("postgres:///books?host=a&port=1,2", "several hosts"),
            ("postgres://me:secret@[::1/books", "brackets"),
            ("postgres://me:se/cret@localhost/books", "percent-encoded"),
        ];
        let redis = [
            ("redis://:secret@a:6379,b:6379", "several hosts"),
            ("redis://a,b", "several hosts"),
            ("redis-sentinel://:secret@a:26379/mymaster", "Sentinels"),
            ("redis+sentinel://a:26379", "Sentinels"),
            ("redis-cluster://:secret@a:6379", "Cluster"),
            ("http://a:6379", "neither"),
            ("redis://::1:6379", "brackets"),
        ];
        let refused = postgres.map(|(url, why)| (url, why, check_postgres(url).map(drop)));
        let others = redis.map(|(url, why)| (url, why, check_redis(url)));
        for (url, why, refused) in refused.into_iter().chain(others) {
            let said = refused.expect_err(url);
            assert!(said.contains(why), "{url}: {said}");
            assert!(!said.contains("cret"), "{said}");
        }
    }

    #[test]
    fn a_parameter_that_has_no_effect_is_told() {
        let warnings =
            check_postgres("postgres://a/b?sslmode=require&channel_binding=require&target_session_attrs=any")
                .unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("channel_binding"), "{warnings:?}");
    }
}
