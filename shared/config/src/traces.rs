//! Traces: where spans are sent, and how many of them.
//!
//! The variables are OpenTelemetry's own, and other programs of the machine may share them. So a value that this
//! program cannot use is a warning; it never keeps the work from being done.

use secrecy::SecretString;
use url::Url;

use crate::ConfigError;
use crate::typed::{check, invalid};
use crate::values::Values;

/// Where spans go. Without an endpoint there are none.
#[derive(Debug, Clone, Default)]
pub struct TraceSettings {
    /// The base URL of a collector that takes OTLP over HTTP; none: nothing is traced.
    pub endpoint: Option<String>,
    /// Headers of every request to it.
    pub headers: Vec<(String, SecretString)>,
    /// Which traces are kept.
    pub sampler: Sampler,
    /// What the process calls itself, where it is not its own name.
    pub service_name: Option<String>,
    /// More attributes of the process.
    pub resource_attributes: Vec<(String, String)>,
}

/// Which traces are kept. Every trace here begins in this program, so that a sampler that asks the parent first comes
/// to the same as one that does not, for all but the spans inside a trace, which follow its root.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Sampler {
    /// All.
    #[default]
    All,
    /// None.
    None,
    /// This share of them, 0 to 1.
    Share(f64),
}

pub(crate) fn traces(values: &mut Values) -> Result<TraceSettings, ConfigError> {
    let endpoint = endpoint(values)?;
    if endpoint.is_none() {
        return Ok(TraceSettings::default());
    }
    let mut warnings = Vec::new();
    let settings = TraceSettings {
        endpoint: endpoint.filter(|_| speaks_http(values, &mut warnings)),
        headers: headers(values, &mut warnings),
        sampler: sampler(values, &mut warnings),
        service_name: values.text("traces.service_name"),
        resource_attributes: pairs(
            values,
            "traces.resource_attributes",
            "OTEL_RESOURCE_ATTRIBUTES",
            &mut warnings,
        ),
    };
    values.warnings.append(&mut warnings);
    Ok(settings)
}

/// A base URL; a password in it would be shown where settings are shown.
fn endpoint(values: &Values) -> Result<Option<String>, ConfigError> {
    const KEY: &str = "traces.endpoint";
    let expected = "it takes an http:// or https:// URL without user, query or fragment, such as \
                    http://localhost:4318; keys belong in traces.headers";
    let Some(given) = values.get(KEY) else {
        return Ok(None);
    };
    let url = Url::parse(given.text.trim()).map_err(|_| invalid(KEY, given, expected))?;
    let is_base = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    check(values, KEY, is_base, expected)?;
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

fn speaks_http(values: &Values, warnings: &mut Vec<String>) -> bool {
    let protocol = values.text("traces.protocol").unwrap_or_default();
    let known = protocol == "http/protobuf";
    if !known {
        warnings.push(format!(
            "traces are not sent: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and this program speaks http/protobuf \
             only (collectors listen for it on port 4318)"
        ));
    }
    known
}

fn sampler(values: &Values, warnings: &mut Vec<String>) -> Sampler {
    let name = values.text("traces.sampler").unwrap_or_default();
    match name.strip_prefix("parentbased_").unwrap_or(&name) {
        "always_on" => Sampler::All,
        "always_off" => Sampler::None,
        "traceidratio" => share(values, warnings),
        _ => {
            warnings.push(format!(
                "OTEL_TRACES_SAMPLER is {name}, which this program does not have; every trace is kept. It knows \
                 always_on, always_off and traceidratio, each also with parentbased_ before it"
            ));
            Sampler::All
        }
    }
}

fn share(values: &Values, warnings: &mut Vec<String>) -> Sampler {
    let Some(text) = values.text("traces.sampler_arg") else {
        return Sampler::All;
    };
    match text.trim().parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Sampler::Share(share),
        _ => {
            warnings.push(format!(
                "OTEL_TRACES_SAMPLER_ARG is {text}, and it takes a number from 0 to 1; every trace is kept"
            ));
            Sampler::All
        }
    }
}

fn headers(values: &Values, warnings: &mut Vec<String>) -> Vec<(String, SecretString)> {
    let pairs = pairs(values, "traces.headers", "OTEL_EXPORTER_OTLP_HEADERS", warnings);
    pairs
        .into_iter()
        .map(|(name, value)| (name, SecretString::from(value)))
        .collect()
}

/// `name=value,name=value`, with values percent-encoded, as the standard has both lists.
fn pairs(
    values: &Values,
    key: &'static str,
    variable: &str,
    warnings: &mut Vec<String>,
) -> Vec<(String, String)> {
    let text = values.text(key).unwrap_or_default();
    let mut pairs = Vec::new();
    for written in text.split(',').filter(|written| !written.trim().is_empty()) {
        match pair(written) {
            Some(pair) => pairs.push(pair),
            // Without its text, which may be a key.
            None => warnings.push(format!(
                "a part of {variable} is not name=value and is passed over"
            )),
        }
    }
    pairs
}

fn pair(written: &str) -> Option<(String, String)> {
    let (name, value) = written.split_once('=')?;
    let (name, value) = (name.trim(), decoded(value.trim())?);
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

/// Percent-decoded; none where what comes out is no text.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{Inputs, Settings};

    fn load(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let directory = tempfile::tempdir().unwrap();
        Settings::load(&Inputs {
            environment: variables.iter().map(owned).collect(),
            working_directory: directory.path().to_owned(),
            ..Inputs::default()
        })
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318/");

    #[test]
    fn without_an_endpoint_nothing_is_traced_whatever_else_is_set() {
        let settings = load(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_TRACES_SAMPLER", "xray"),
        ])
        .unwrap();
        assert_eq!(settings.traces.endpoint, None);
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    }

    #[test]
    fn the_standard_variables_are_read() {
        let settings = load(&[
            ENDPOINT,
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20key, x-scope = blue",
            ),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_SERVICE_NAME", "books"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ]);
        let traces = settings.unwrap().traces;
        assert_eq!(traces.endpoint.as_deref(), Some("http://localhost:4318"));
        assert_eq!(traces.sampler, Sampler::Share(0.25));
        assert_eq!(traces.service_name.as_deref(), Some("books"));
        let attribute = ("deployment.environment.name".to_owned(), "test".to_owned());
        assert_eq!(traces.resource_attributes, [attribute]);
        let headers: Vec<(&str, &str)> = traces
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect();
        assert_eq!(headers, [("authorization", "Bearer key"), ("x-scope", "blue")]);
    }

    #[test]
    fn headers_are_never_shown() {
        let settings = load(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary,canary")]).unwrap();
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn what_other_programs_understand_and_this_one_does_not_is_a_warning() {
        let settings = load(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap();
        assert_eq!(settings.traces.endpoint, None);
        assert!(settings.warnings[0].contains("4318"), "{:?}", settings.warnings);
        let settings = load(&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "jaeger_remote")]).unwrap();
        assert_eq!(settings.traces.sampler, Sampler::All);
        assert!(settings.warnings[0].contains("jaeger_remote"));
        let ratio = [
            ENDPOINT,
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ];
        let settings = load(&ratio).unwrap();
        assert_eq!(
            (settings.traces.sampler, settings.warnings.len()),
            (Sampler::All, 1)
        );
    }

    #[test]
    fn an_endpoint_that_is_no_base_url_is_refused() {
        for wrong in [
            "collector:4318",
            "http://user:canary@collector:4318",
            "http://collector/?key=canary",
        ] {
            let refused = load(&[("OTEL_EXPORTER_OTLP_ENDPOINT", wrong)]).unwrap_err();
            assert!(
                matches!(
                    refused,
                    ConfigError::Invalid {
                        key: "traces.endpoint",
                        ..
                    }
                ),
                "{refused}"
            );
        }
    }
}
