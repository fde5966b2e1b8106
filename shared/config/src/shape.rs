//! Shape: whether this is one process on a file or a fleet on Postgres and Redis.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::ConfigError;
use crate::urls::{check_postgres, check_redis};

/// The file that an embedded ledger uses when nothing is configured.
pub const DEFAULT_DATABASE: &str = "ledgerfleet.db";

/// The two shapes of one program.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One process: ledger and warehouse in one SQLite file, everything else in memory.
    Embedded {
        /// The file.
        path: PathBuf,
    },
    /// Any number of processes.
    Fleet {
        /// Ledger and warehouse: `postgres://…`.
        database_url: SecretString,
        /// Bell, gate and locks: `redis://…` or `rediss://…`.
        redis_url: SecretString,
    },
}

impl Shape {
    /// Where the ledger is, for people: without a password.
    pub fn place(&self) -> String {
        match self {
            Self::Embedded { path } => path.display().to_string(),
            Self::Fleet { database_url, .. } => without_password(database_url.expose_secret()),
        }
    }

    /// Two URLs make a fleet; none, or a `sqlite://` URL alone, one process. Anything else is half a shape, and
    /// running on with the other half missing would look like an empty fleet. Answers what is unwise in the URLs, too.
    pub(crate) fn decide(
        database: Option<&str>,
        redis: Option<&str>,
        directory: &Path,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let half = |text: &str| Err(ConfigError::HalfAShape(text.to_owned()));
        let embedded = |path: &str| {
            let path = directory.join(path);
            Ok((Self::Embedded { path }, Vec::new()))
        };
        match (database, redis) {
            (None, None) => embedded(DEFAULT_DATABASE),
            (None, Some(_)) => half("only one of the two URLs is set: redis_url without database_url"),
            (Some(url), redis) => match (Database::of(url), redis) {
                (Database::Sqlite(path), None) => embedded(path),
                (Database::Sqlite(_), Some(_)) => {
                    half("database_url is a SQLite file and redis_url is set, but one process needs no Redis")
                }
                (Database::Postgres, None) => {
                    half("only one of the two URLs is set: database_url (Postgres) without redis_url")
                }
                (Database::Postgres, Some(redis)) => Self::fleet(url, redis),
                (Database::Unknown, _) => half("database_url is neither sqlite://PATH nor postgres://…"),
            },
        }
    }

    fn fleet(database: &str, redis: &str) -> Result<(Self, Vec<String>), ConfigError> {
        check_redis(redis).map_err(ConfigError::Address)?;
        let unwise = check_postgres(database).map_err(ConfigError::Address)?;
        let shape = Self::Fleet {
            database_url: database.into(),
            redis_url: redis.into(),
        };
        Ok((shape, unwise))
    }

    /// The file of an embedded ledger.
    pub fn embedded_path(&self) -> Option<&Path> {
        match self {
            Self::Embedded { path } => Some(path),
            Self::Fleet { .. } => None,
        }
    }
}

enum Database<'a> {
    Sqlite(&'a str),
    Postgres,
    Unknown,
}

impl<'a> Database<'a> {
    fn of(url: &'a str) -> Self {
        let path = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"));
        match path {
            // A parameter would be part of the file's name, silently.
            Some(path) if path.is_empty() || path.contains(['?', '#']) || path.starts_with(':') => {
                Self::Unknown
            }
            Some(path) => Self::Sqlite(path),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => Self::Postgres,
            None => Self::Unknown,
        }
    }
}

/// A URL with its user, host and path alone. Whatever stands before the last `@` may belong to a password, and so may
/// every parameter.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (user.split(':').next(), place),
        None => (None, rest),
    };
    let place = place.split(['?', '&', '#']).next().unwrap_or_default();
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    format!("{scheme}://{user}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(database: Option<&str>, redis: Option<&str>) -> Result<Shape, ConfigError> {
        Shape::decide(database, redis, Path::new("")).map(|(shape, _)| shape)
    }

    #[test]
    fn without_urls_or_with_a_sqlite_url_alone_it_is_one_process() {
        let path = |url| decide(url, None).unwrap().embedded_path().unwrap().to_owned();
        assert_eq!(path(None), Path::new("ledgerfleet.db"));
        assert_eq!(path(Some("sqlite://books/mine.db")), Path::new("books/mine.db"));
        assert_eq!(
            path(Some("sqlite:///var/lib/mine.db")),
            Path::new("/var/lib/mine.db")
        );
    }

    #[test]
    fn two_urls_make_a_fleet() {
        let shape = decide(Some("postgres://localhost/books"), Some("rediss://localhost"));
        assert!(matches!(shape, Ok(Shape::Fleet { .. })));
    }

    #[test]
    fn half_a_shape_is_refused() {
        for (database, redis) in [
            (None, Some("redis://localhost")),
            (Some("postgres://localhost/books"), None),
            (Some("sqlite://books.db"), Some("redis://localhost")),
            (Some("mysql://localhost/books"), None),
            (Some("sqlite://"), None),
            (Some("sqlite://books.db?mode=ro"), None),
            (Some("sqlite::memory:"), None),
        ] {
            let shape = decide(database, redis);
            assert!(
                matches!(shape, Err(ConfigError::HalfAShape(_))),
                "{database:?} {redis:?}"
            );
        }
    }

    #[test]
    fn a_place_is_told_without_its_password() {
        for (url, told) in [
            (
                "postgres://ledger:word@db:5432/books",
                "postgres://ledger@db:5432/books",
            ),
            (
                "postgres://ledger:w@r/d?x#@db/books?sslmode=require",
                "postgres://ledger@db/books",
            ),
            ("postgres://db/books?user=a@b&password=word", "postgres://db@b"),
            ("postgres://db/books?password=word", "postgres://db/books"),
            ("postgres:///books", "postgres:///books"),
        ] {
            let shown = without_password(url);
            assert!(!shown.contains("word") && !shown.contains("w@r"), "{shown}");
            if !url.contains("a@b") {
                assert_eq!(shown, told);
            }
        }
    }
}
