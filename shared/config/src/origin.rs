//! Origin: where the value of a setting comes from.

use std::fmt;
use std::path::PathBuf;

/// Where the value of a setting comes from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config.default.toml`, which is part of the program.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// A variable in `.env`.
    DotEnv(String),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// A secret's own file, named by another origin.
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Who names it.
        named_by: Box<Self>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::DotEnv(variable) => write!(f, "{variable} in .env"),
            Self::Environment(variable) => write!(f, "{variable} in the environment"),
            Self::Flag(flag) => f.write_str(flag),
            Self::SecretFile { path, named_by } => write!(f, "{}, named by {named_by}", path.display()),
        }
    }
}
