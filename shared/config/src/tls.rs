//! TLS: how this program and each of the servers that it speaks to prove who they are.

use std::path::{Path, PathBuf};

use crate::typed::check;
use crate::values::Values;
use crate::{ConfigError, Shape};

/// Certificates for one server. PEM files all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The authority that signed the server's certificate, where it is a private one.
    pub root_certificate: Option<PathBuf>,
    /// What this program shows of itself.
    pub client: Option<ClientCertificate>,
}

/// A certificate that this program shows, with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, with those of authorities in between.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The keys of one server's settings.
pub(crate) struct TlsKeys {
    root: &'static str,
    certificate: &'static str,
    key: &'static str,
}

pub(crate) const DATABASE: TlsKeys = TlsKeys {
    root: "database_root_certificate",
    certificate: "database_client_certificate",
    key: "database_client_key",
};

pub(crate) const REDIS: TlsKeys = TlsKeys {
    root: "redis_root_certificate",
    certificate: "redis_client_certificate",
    key: "redis_client_key",
};

/// The certificates for one server: its own, else those for both.
pub(crate) fn tls(values: &mut Values, keys: &TlsKeys, directory: &Path) -> Result<TlsSettings, ConfigError> {
    let path = |key| values.text(key).map(|path| directory.join(path));
    let client = match (path(keys.certificate), path(keys.key)) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (certificate, key) => {
            let expected = format!("`{}` and `{}` belong together", keys.certificate, keys.key);
            check(values, keys.certificate, certificate.is_none(), &expected)?;
            check(values, keys.key, key.is_none(), &expected)?;
            None
        }
    };
    let root_certificate = path(keys.root).or_else(|| path("root_certificate"));
    if let Some(client) = &client {
        values.warn_if_others_may_read(&client.key);
    }
    Ok(TlsSettings {
        root_certificate,
        client,
    })
}

/// A sentence for certificates of Redis's own that are never looked at.
pub(crate) fn unused(shape: &Shape, values: &Values) -> Option<String> {
    use secrecy::ExposeSecret;
    let Shape::Fleet { redis_url, .. } = shape else {
        return None;
    };
    let given = values.get(REDIS.root).or_else(|| values.get(REDIS.certificate));
    (given.is_some() && !redis_url.expose_secret().starts_with("rediss://")).then(|| {
        "certificates are given for Redis, but redis_url is redis://…, which is not encrypted: write rediss://…".to_owned()
    })
}
