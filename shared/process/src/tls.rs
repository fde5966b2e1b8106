//! TLS: a certificate and its key, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why TLS cannot be spoken.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file holds none of what it is to hold, or cannot be read.
    #[error("{path} holds no {what} as PEM, or cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        what: &'static str,
        /// Why not.
        source: PemError,
    },
    /// The key is not the certificate's, or neither can be used.
    #[error("certificate and key do not go together: {0}")]
    Pair(rustls::Error),
}

/// Speaks TLS with this certificate chain and key.
pub(crate) fn config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let failed = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::File { path, what, source }
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(failed(chain, "certificate"))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed(key, "key"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(TlsError::Pair)?;
    Ok(Arc::new(config))
}
