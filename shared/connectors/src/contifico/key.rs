//! Key: what is sent as access, and where to. A connection may live at an address of its own, which is kept with its key,
//! so that the key goes nowhere else.

use ledgerfleet_model::{Failure, FailureKind};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// Where the API is.
pub(super) const API: &str = "https://api.contifico.com/sistema";

/// A connection's key and where it is sent.
#[derive(Debug)]
pub(super) struct Key<'a> {
    key: &'a str,
    base: &'a str,
}

impl<'a> Key<'a> {
    /// Reads what is stored of a connection: the key, and behind a space the address that it is for, if that is not
    /// `usual`.
    pub(super) fn of(access: &'a SecretString, usual: Option<&'a str>) -> Self {
        let stored = access.expose_secret();
        let (key, base) = stored.split_once(' ').unwrap_or((stored, usual.unwrap_or(API)));
        Self { key, base }
    }

    /// The header `Authorization`: the key and nothing before it.
    pub(super) fn header(&self) -> Result<HeaderValue, Failure> {
        let mut header = HeaderValue::from_str(self.key).map_err(|_| {
            Failure::new(
                FailureKind::NeedsReauthorisation,
                "the stored API key holds characters that no key has",
            )
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The address of a path behind `sistema/api/`; it ends in a slash.
    pub(super) fn address(&self, path: &[&str]) -> Result<Url, Failure> {
        let wrong = || Failure::new(FailureKind::BadRequest, "the address of the API is none");
        let mut url = Url::parse(self.base).map_err(|_| wrong())?;
        url.path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .push("api")
            .extend(path.iter().flat_map(|part| part.split('/')))
            .push("");
        Ok(url)
    }

    /// Whether it looks like the other of the two texts that Contífico hands out: the API token, a UUID, which opens
    /// nothing that is read.
    pub(super) fn looks_like_a_token(&self) -> bool {
        let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        self.key.len() == 36
            && self.key.bytes().enumerate().all(|(at, byte)| {
                if is_dash(at) {
                    byte == b'-'
                } else {
                    byte.is_ascii_hexdigit()
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_base_whatever_an_id_holds() {
        let stored = SecretString::from("k3y http://127.0.0.1:9/sistema");
        let key = Key::of(&stored, None);
        let address = key.address(&["v1/producto", "a b"]).unwrap();
        assert_eq!(
            address.as_str(),
            "http://127.0.0.1:9/sistema/api/v1/producto/a%20b/"
        );
        assert_eq!(key.header().unwrap(), "k3y");
        let usual = SecretString::from("k3y");
        let address = Key::of(&usual, None).address(&["v2/pos"]).unwrap();
        assert_eq!(address.as_str(), "https://api.contifico.com/sistema/api/v2/pos/");
    }

    #[test]
    fn a_token_is_told_from_a_key() {
        let told = |text: &str| Key::of(&SecretString::from(text), None).looks_like_a_token();
        assert!(told("0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert!(!told("FrguR1kDpFHaXHLQwplZ2CwTX3p8p9XHVTnukL98V5U"));
    }
}
