//! Values: what each option was given, by the strongest source that gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Value;

use crate::injected::is_injected;
use crate::inputs::{Environment, Inputs, without_line_ends};
use crate::options::{self, OPTIONS, OptionSpec, PREFIX, Written};
use crate::{ConfigError, DEFAULTS, Origin};

/// One value, still as text.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Every option that has a value, and what was noticed on the way.
#[derive(Default)]
pub(crate) struct Values {
    given: BTreeMap<&'static str, Given>,
    pub(crate) warnings: Vec<String>,
}

/// One source of values: what it says of each option, plainly and as a file.
#[derive(Default)]
struct Layer {
    entries: BTreeMap<&'static str, Entry>,
}

#[derive(Default)]
struct Entry {
    plain: Option<Named>,
    file: Option<Named>,
}

/// A value with the name under which its source gives it.
struct Named {
    name: String,
    given: Given,
}

/// Reads every source, weakest first.
pub(crate) fn gather(inputs: &Inputs) -> Result<Values, ConfigError> {
    let mut values = Values::default();
    let directory = &inputs.working_directory;
    values.apply(
        of_toml(DEFAULTS, Path::new("config.default.toml"), &Origin::Default)?,
        directory,
    )?;
    if let Some((path, text)) = config_file(inputs)? {
        let layer = of_toml(&text, &path, &Origin::File(path.clone()))?;
        values.apply(layer, directory)?;
    }
    values.apply(of_environment(inputs)?, directory)?;
    for flag in &inputs.flags {
        let given = Given {
            text: flag.value.clone(),
            origin: Origin::Flag(flag.flag),
        };
        values.given.insert(flag.key, given);
    }
    values.warn_of_open_sources(directory);
    Ok(values)
}

impl Values {
    pub(crate) fn get(&self, key: &'static str) -> Option<&Given> {
        self.given.get(key)
    }

    fn apply(&mut self, layer: Layer, directory: &Path) -> Result<(), ConfigError> {
        for (key, entry) in layer.entries {
            let given = match (entry.plain, entry.file) {
                (Some(plain), Some(file)) => {
                    return Err(ConfigError::TwoSources {
                        plain: plain.name,
                        file: file.name,
                    });
                }
                (Some(plain), None) => plain.given,
                (None, Some(file)) => self.read_secret(file, directory)?,
                (None, None) => continue,
            };
            self.given.insert(key, given);
        }
        Ok(())
    }

    /// Notes `.env` and a configuration file that give a secret and are not their owner's alone.
    fn warn_of_open_sources(&mut self, directory: &Path) {
        let is_secret = |key: &str| options::find(key).is_some_and(|(option, _)| option.secret);
        let secrets = self.given.iter().filter(|(key, _)| is_secret(key));
        let sources = secrets.filter_map(|(_, given)| match &given.origin {
            Origin::File(path) => Some(path.clone()),
            Origin::DotEnv(_) => Some(directory.join(".env")),
            _ => None,
        });
        for path in sources.collect::<BTreeSet<_>>() {
            self.warn_if_others_may_read(&path);
        }
    }

    /// Notes a file with a secret that is not its owner's alone.
    pub(crate) fn warn_if_others_may_read(&mut self, path: &Path) {
        if others_may_read(path) {
            self.warnings.push(format!(
                "{path} holds a secret and others on this machine may read or change it; run: chmod 600 {path}",
                path = path.display()
            ));
        }
    }

    fn read_secret(&mut self, named: Named, directory: &Path) -> Result<Given, ConfigError> {
        let path = directory.join(&named.given.text);
        let text = read(&path)?;
        let text = without_line_ends(&text);
        if text.is_empty() {
            return Err(ConfigError::EmptySecret {
                path,
                name: named.name,
            });
        }
        self.warn_if_others_may_read(&path);
        let origin = Origin::SecretFile {
            path,
            named_by: Box::new(named.given.origin),
        };
        Ok(Given {
            text: text.to_owned(),
            origin,
        })
    }
}

impl Layer {
    fn add(&mut self, option: &'static OptionSpec, written: Written, named: Named) {
        let entry = self.entries.entry(option.key).or_default();
        match written {
            Written::Plainly => entry.plain = Some(named),
            Written::InFile => entry.file = Some(named),
        }
    }
}

fn config_file(inputs: &Inputs) -> Result<Option<(PathBuf, String)>, ConfigError> {
    if let Some(named) = &inputs.config_file {
        let path = inputs.working_directory.join(named);
        let text = read(&path)?;
        return Ok(Some((path, text)));
    }
    let path = inputs.working_directory.join("ledgerfleet.toml");
    Ok(read_if_there(&path)?.map(|text| (path, text)))
}

fn of_toml(text: &str, path: &Path, origin: &Origin) -> Result<Layer, ConfigError> {
    let not_toml = |message: String| ConfigError::NotToml {
        path: path.to_owned(),
        message,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| not_toml(error.message().to_owned()))?;
    let mut layer = Layer::default();
    for (name, value) in flatten(table) {
        let Some((option, written)) = options::find(&name) else {
            let suggestion = options::closest(&name, OPTIONS.iter().map(|option| option.key));
            let suggestion = suggestion.map(str::to_owned);
            return Err(ConfigError::Unknown {
                name,
                origin: origin.clone(),
                suggestion,
            });
        };
        let text = scalar(&value).ok_or_else(|| not_toml(format!("`{name}` takes a single value")))?;
        layer.add(
            option,
            written,
            Named {
                name,
                given: Given {
                    text,
                    origin: origin.clone(),
                },
            },
        );
    }
    Ok(layer)
}

/// The leaves of a table under dotted names. An empty table is a leaf, so that an unknown section is noticed.
fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                leaves.extend(
                    flatten(inner)
                        .into_iter()
                        .map(|(rest, leaf)| (format!("{key}.{rest}"), leaf)),
                );
            }
            Value::Table(_)
                if OPTIONS
                    .iter()
                    .any(|option| option.key.starts_with(&format!("{key}."))) => {}
            leaf => leaves.push((key, leaf)),
        }
    }
    leaves
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(without_line_ends(text).to_owned()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn of_environment(inputs: &Inputs) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    let dotenv = dot_env(&inputs.working_directory)?;
    for (variables, origin) in [
        (&dotenv, Origin::DotEnv as fn(String) -> Origin),
        (&inputs.environment, Origin::Environment as fn(String) -> Origin),
    ] {
        add_aliases(&mut layer, variables, origin);
        for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let origin = origin(name.to_owned());
            let Some((option, written)) = options::find_variable(name) else {
                if matches!(origin, Origin::Environment(_)) && is_injected(name, value) {
                    continue;
                }
                return Err(unknown_variable(name, origin));
            };
            let given = Given {
                text: value.to_owned(),
                origin,
            };
            layer.add(
                option,
                written,
                Named {
                    name: name.to_owned(),
                    given,
                },
            );
        }
    }
    Ok(layer)
}

fn add_aliases(layer: &mut Layer, variables: &Environment, origin: fn(String) -> Origin) {
    for option in OPTIONS {
        let strongest = option
            .aliases
            .iter()
            .find_map(|name| Some((*name, variables.get(name)?)));
        if let Some((name, value)) = strongest {
            let given = Given {
                text: value.to_owned(),
                origin: origin(name.to_owned()),
            };
            layer.add(
                option,
                Written::Plainly,
                Named {
                    name: name.to_owned(),
                    given,
                },
            );
        }
    }
}

fn unknown_variable(name: &str, origin: Origin) -> ConfigError {
    let known: Vec<String> = OPTIONS.iter().map(OptionSpec::variable).collect();
    let suggestion = options::closest(name, known.iter().map(String::as_str)).map(str::to_owned);
    ConfigError::Unknown {
        name: name.to_owned(),
        origin,
        suggestion,
    }
}

/// The variables of `.env`, read without touching the process's own environment, which children would inherit.
fn dot_env(directory: &Path) -> Result<Environment, ConfigError> {
    let path = directory.join(".env");
    let Some(text) = read_if_there(&path)? else {
        return Ok(Environment::default());
    };
    dotenvy::Iter::new(text.as_bytes())
        .collect::<Result<Environment, _>>()
        .map_err(|_| ConfigError::NotDotEnv { path })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn read_if_there(path: &Path) -> Result<Option<String>, ConfigError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(ConfigError::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o066 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_path: &Path) -> bool {
    false
}
