//! Inputs: everything outside the program that decides its settings, gathered once.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What settings are made of. Tests fill it by hand; programs take [`Inputs::of_this_process`].
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The file named by `--config`; it must exist. None: `ledgerfleet.toml` in the working directory, if there.
    pub config_file: Option<PathBuf>,
    /// Where relative paths begin. Empty for the process's own working directory.
    pub working_directory: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// Flags that set options.
    pub flags: Vec<FlagValue>,
}

/// A flag of the command line that sets an option.
#[derive(Debug, Clone)]
pub struct FlagValue {
    /// The option's key.
    pub key: &'static str,
    /// The flag, as people write it: `--listen`.
    pub flag: &'static str,
    /// Its value.
    pub value: String,
}

/// The variables of a process. Empty ones count as absent, because `NAME=` is how containers leave one out, and the ends
/// of lines behind a value are no part of it.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// A value without what tools put around it: `echo` and most editors end a file, and with it many a Secret of Kubernetes,
/// with a line end that no key contains; some editors begin one with a byte order mark.
pub(crate) fn without_line_ends(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n'])
}

impl Inputs {
    /// The environment and the working directory of this process, without flags.
    pub fn of_this_process() -> Self {
        Self {
            environment: Environment::of_this_process(),
            ..Self::default()
        }
    }
}

impl Environment {
    /// The variables of this process. One that is not UTF-8 is passed over: none of ours can be.
    pub fn of_this_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name, without_line_ends(&value).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: an environment is full of secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
