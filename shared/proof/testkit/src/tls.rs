//! Certificates for a server that speaks TLS.

use std::path::Path;
use std::process::Command;

/// Makes an authority (`root.crt`) and what it has signed: a certificate for `localhost` (`server.crt`, `server.key`), and
/// one for who must show one (`client.crt`, `client.key`).
pub(crate) fn make_certificates(directory: &Path) {
    let name = |file: &str| directory.join(file).to_str().unwrap().to_owned();
    let (root_key, root) = (name("root.key"), name("root.crt"));
    let common = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    let authority = [
        "-subj",
        "/CN=Ledgerfleet tests",
        "-keyout",
        &root_key,
        "-out",
        &root,
    ];
    openssl(&[&common[..], &authority[..]].concat());
    for (whose, common_name) in [("server", "/CN=localhost"), ("client", "/CN=ledgerfleet")] {
        let (key, certificate) = (name(&format!("{whose}.key")), name(&format!("{whose}.crt")));
        let signed = [
            "-subj",
            common_name,
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            &root,
            "-CAkey",
            &root_key,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        openssl(&[&common[..], &signed[..]].concat());
    }
}

fn openssl(arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).output();
    let made =
        made.unwrap_or_else(|error| panic!("openssl cannot be started: {error}; ./deploy/test installs it"));
    assert!(
        made.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}
