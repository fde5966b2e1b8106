//! What can be wrong with a configuration. All of it is a usage error: nothing has been done yet.

use std::path::PathBuf;

use crate::Origin;

/// Why the settings could not be loaded. `Display` says what and why; [`ConfigError::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A file is not TOML.
    #[error("{path} is not valid TOML: {message}", path = path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A `.env` file has a line that is not `NAME=value`.
    #[error("{path} has a line that is not NAME=value", path = path.display())]
    NotDotEnv {
        /// The file.
        path: PathBuf,
    },
    /// No setting has this key or variable.
    #[error("unknown setting `{name}` ({origin})")]
    Unknown {
        /// The key or variable.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// A secret is given plainly and as a file.
    #[error("two sources for one secret: `{plain}` and `{file}` are both set")]
    TwoSources {
        /// The name of the value.
        plain: String,
        /// The name of the file setting.
        file: String,
    },
    /// A file that should hold a secret holds nothing.
    #[error("{path}, named by `{name}`, is empty", path = path.display())]
    EmptySecret {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        name: String,
    },
    /// A value is not what its setting takes.
    #[error("`{value}` is no value for `{key}` ({origin}): {expected}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// What was given; `…` for a secret.
        value: String,
        /// Where it was given.
        origin: Origin,
        /// What it takes.
        expected: String,
    },
    /// Only half of a fleet, or a mix of both shapes.
    #[error("{0}")]
    HalfAShape(String),
    /// An address of Postgres or Redis that cannot be used.
    #[error("{0}")]
    Address(String),
    /// An endpoint beyond this machine.
    #[error("`{key}` points beyond this machine ({host}), and tokens would be sent there ({origin})")]
    CustomEndpoint {
        /// The setting.
        key: &'static str,
        /// The host it points to.
        host: String,
        /// Where it was given.
        origin: Origin,
    },
}

impl ConfigError {
    /// The next thing to try.
    pub fn advice(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check that the file exists and that you may read it".to_owned(),
            Self::NotToml { .. } => {
                "mend the file; `scheduler config show` prints every setting as it should stand".to_owned()
            }
            Self::NotDotEnv { .. } => "write one NAME=value a line; quote values that hold spaces".to_owned(),
            Self::Unknown { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::Unknown { suggestion: None, .. } => {
                "`scheduler config show` lists every setting".to_owned()
            }
            Self::TwoSources { plain, file } => format!("unset `{plain}` or `{file}`"),
            Self::EmptySecret { .. } => "write the secret into the file, or unset the setting".to_owned(),
            Self::Invalid { key, .. } => {
                format!("correct `{key}`; `scheduler config show --origin` says where every value comes from")
            }
            Self::HalfAShape(_) => {
                "give both LEDGERFLEET_DATABASE_URL=postgres://… and LEDGERFLEET_REDIS_URL=redis://… for a fleet, \
                 or neither (or LEDGERFLEET_DATABASE_URL=sqlite://PATH alone) for one process"
                    .to_owned()
            }
            Self::Address(_) => "write postgres://USER:PASSWORD@HOST:PORT/DATABASE and redis://USER:PASSWORD@HOST:PORT or \
                                 rediss://…; `scheduler config show --origin` says where every value comes from"
                .to_owned(),
            Self::CustomEndpoint { .. } => {
                "set LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS=true if you trust that host with your tokens".to_owned()
            }
        }
    }
}
