//! Option: one setting by its key, as it is written in a file, in the environment and in messages.

/// Everything known of a setting before it has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its dotted key: `quickbooks.client_id`.
    pub key: &'static str,
    /// Whether its value is never shown, and can be read from a file.
    pub secret: bool,
    /// Variables of other programs' making that set it too, strongest first.
    pub aliases: &'static [&'static str],
}

impl OptionSpec {
    /// Its own environment variable: `LEDGERFLEET_QUICKBOOKS_CLIENT_ID`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.replace('.', "_").to_uppercase())
    }
}

/// What every variable of ours begins with.
pub(crate) const PREFIX: &str = "LEDGERFLEET_";

const fn plain(key: &'static str) -> OptionSpec {
    OptionSpec {
        key,
        secret: false,
        aliases: &[],
    }
}

const fn secret(key: &'static str) -> OptionSpec {
    OptionSpec {
        key,
        secret: true,
        aliases: &[],
    }
}

const fn standard(key: &'static str, aliases: &'static [&'static str]) -> OptionSpec {
    OptionSpec {
        key,
        secret: false,
        aliases,
    }
}

/// Every setting there is. `config.default.toml` explains each of them, in this order.
pub const OPTIONS: &[OptionSpec] = &[
    secret("database_url"),
    secret("redis_url"),
    plain("root_certificate"),
    plain("database_root_certificate"),
    plain("database_client_certificate"),
    plain("database_client_key"),
    plain("redis_root_certificate"),
    plain("redis_client_certificate"),
    plain("redis_client_key"),
    plain("database_connections"),
    plain("redis_prefix"),
    secret("master_key"),
    secret("second_master_key"),
    plain("spool_dir"),
    secret("api_key"),
    plain("page_size"),
    plain("segment"),
    plain("allow_custom_endpoints"),
    plain("time_scale"),
    plain("quickbooks.client_id"),
    secret("quickbooks.client_secret"),
    secret("quickbooks.webhook_verifier_token"),
    secret("quickbooks.webhook_former_verifier_token"),
    plain("quickbooks.api_url"),
    plain("quickbooks.oauth_url"),
    plain("quickbooks.redirect_url"),
    plain("quickbooks.requests_per_second"),
    plain("quickbooks.slots"),
    plain("quickbooks.monthly_calls"),
    plain("quickbooks.company_calls"),
    plain("quickbooks.reserve"),
    plain("quickbooks.month_zone"),
    plain("contifico.api_url"),
    plain("contifico.requests_per_second"),
    plain("contifico.slots"),
    plain("worker.concurrency"),
    plain("worker.metrics_listen"),
    plain("serve.listen"),
    standard("log.level", &["RUST_LOG", "LOG_LEVEL"]),
    plain("log.format"),
    plain("log.file"),
    standard("traces.endpoint", &["OTEL_EXPORTER_OTLP_ENDPOINT"]),
    standard(
        "traces.protocol",
        &[
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ],
    ),
    OptionSpec {
        key: "traces.headers",
        secret: true,
        aliases: &["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    },
    standard("traces.sampler", &["OTEL_TRACES_SAMPLER"]),
    standard("traces.sampler_arg", &["OTEL_TRACES_SAMPLER_ARG"]),
    standard("traces.service_name", &["OTEL_SERVICE_NAME"]),
    standard("traces.resource_attributes", &["OTEL_RESOURCE_ATTRIBUTES"]),
    plain("sync.every"),
    plain("sync.lists_every"),
    plain("sync.recount_every"),
    plain("sync.reread_every"),
    plain("sync.reread_days"),
    plain("timings.lease"),
    plain("timings.heartbeat"),
    plain("timings.rescue"),
    plain("timings.tick"),
    plain("timings.lock_ttl"),
    plain("timings.lock_renewal"),
    plain("timings.connect"),
    plain("timings.first_byte"),
    plain("timings.idle"),
    plain("timings.request"),
    plain("timings.backoff_base"),
    plain("timings.backoff_cap"),
    plain("timings.waiting_cap"),
    plain("timings.progress"),
    plain("timings.drain"),
    plain("timings.upper_margin"),
    plain("timings.calm"),
    plain("timings.grant_staleness"),
];

/// The setting of that key; `key_file` finds a secret too.
pub(crate) fn find(key: &str) -> Option<(&'static OptionSpec, Written)> {
    let by_key = |wanted: &str| OPTIONS.iter().find(|option| option.key == wanted);
    if let Some(option) = by_key(key) {
        return Some((option, Written::Plainly));
    }
    let option = by_key(key.strip_suffix("_file")?)?;
    option.secret.then_some((option, Written::InFile))
}

/// The setting of that variable.
pub(crate) fn find_variable(name: &str) -> Option<(&'static OptionSpec, Written)> {
    let by_name = |wanted: &str| OPTIONS.iter().find(|option| option.variable() == wanted);
    if let Some(option) = by_name(name) {
        return Some((option, Written::Plainly));
    }
    let option = by_name(name.strip_suffix("_FILE")?)?;
    option.secret.then_some((option, Written::InFile))
}

/// Whether a value stands where its key is, or in a file that is named there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The value itself.
    Plainly,
    /// The path of a file that holds it.
    InFile,
}

/// The known name that `unknown` is most like, if any is like it at all.
pub(crate) fn closest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(unknown.len()) / 3)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the default file, those behind a `#` included.
    fn documented() -> Vec<String> {
        let mut section = String::new();
        let mut keys = Vec::new();
        for line in crate::DEFAULTS.lines() {
            let line = line.trim_start_matches("# ");
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = format!("{name}.");
            } else if let Some((key, _)) = line.split_once(" = ")
                && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            {
                keys.push(format!("{section}{key}"));
            }
        }
        keys
    }

    #[test]
    fn the_default_file_explains_every_option_in_order() {
        let known: Vec<&str> = OPTIONS.iter().map(|option| option.key).collect();
        assert_eq!(documented(), known);
    }

    #[test]
    fn a_slip_of_the_pen_finds_the_key_that_was_meant() {
        let keys = || OPTIONS.iter().map(|option| option.key);
        assert_eq!(closest("page_sizes", keys()), Some("page_size"));
        assert_eq!(
            closest("quickbooks.clientid", keys()),
            Some("quickbooks.client_id")
        );
        assert_eq!(closest("something_else_entirely", keys()), None);
    }
}
