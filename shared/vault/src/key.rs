//! Master key: the one secret that everything sealed rests on.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What a master key's text begins with: the kind of thing it is, and the version of its format.
const PREFIX: &str = "lfk1_";

/// Bytes of a key.
const LENGTH: usize = 32;

/// 256 random bits that seal and open. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; LENGTH]>,
    id: String,
}

/// Why a text is not a master key. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not begin as keys do.
    #[error("a master key begins with `{PREFIX}`, this text does not; `scheduler key generate` makes one")]
    NotAKey,
    /// What follows the prefix is not base64url.
    #[error("the master key is damaged: what follows `{PREFIX}` is not base64url")]
    NotBase64,
    /// It has too many or too few bytes.
    #[error("the master key is damaged: it holds {found} bytes instead of {LENGTH}")]
    WrongLength {
        /// How many bytes it holds.
        found: usize,
    },
}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        rand::rng().fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(bytes)
    }

    /// Reads a key from its text, as [`MasterKey::to_text`] wrote it. Whitespace around it is left out.
    pub fn parse(text: &SecretString) -> Result<Self, KeyError> {
        let encoded = text
            .expose_secret()
            .trim()
            .strip_prefix(PREFIX)
            .ok_or(KeyError::NotAKey)?;
        let decoded = Zeroizing::new(
            BASE64_URL_SAFE_NO_PAD
                .decode(encoded)
                .map_err(|_| KeyError::NotBase64)?,
        );
        let mut bytes = Zeroizing::new([0; LENGTH]);
        if decoded.len() != LENGTH {
            return Err(KeyError::WrongLength { found: decoded.len() });
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self::from_bytes(bytes))
    }

    /// The key as text: `lfk1_` and 43 characters of base64url.
    pub fn to_text(&self) -> SecretString {
        let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(self.bytes.as_slice()));
        SecretString::from(format!("{PREFIX}{}", encoded.as_str()))
    }

    /// Which key this is: eight hexadecimal digits derived from it, safe to show.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.bytes
    }

    fn from_bytes(bytes: Zeroizing<[u8; LENGTH]>) -> Self {
        // A derivation of its own, so that the id is no hash that the key serves for anywhere else.
        let digest = blake3::derive_key("ledgerfleet vault 2026-11 master key id", bytes.as_slice());
        let id = blake3::Hash::from(digest).to_hex()[..8].to_owned();
        Self { bytes, id }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MasterKey, KeyError> {
        MasterKey::parse(&SecretString::from(text))
    }

    #[test]
    fn a_key_is_read_back_from_its_text() {
        let key = MasterKey::generate();
        let text = key.to_text();
        assert!(text.expose_secret().starts_with("lfk1_"));
        assert_eq!(text.expose_secret().len(), 48);
        let read = MasterKey::parse(&text).unwrap();
        assert_eq!(read.bytes(), key.bytes());
        assert_eq!(read.id(), key.id());
    }

    #[test]
    fn whitespace_around_a_key_does_not_matter() {
        let key = MasterKey::generate();
        let padded = format!("  {}\n", key.to_text().expose_secret());
        assert_eq!(parse(&padded).unwrap().id(), key.id());
    }

    #[test]
    fn two_keys_differ_in_id() {
        assert_ne!(MasterKey::generate().id(), MasterKey::generate().id());
    }

    #[test]
    fn what_is_not_a_key_is_refused_with_the_reason() {
        assert_eq!(parse("").unwrap_err(), KeyError::NotAKey);
        assert_eq!(parse("sk_live_1234").unwrap_err(), KeyError::NotAKey);
        assert_eq!(parse("lfk1_!!!").unwrap_err(), KeyError::NotBase64);
        assert_eq!(
            parse("lfk1_AAAA").unwrap_err(),
            KeyError::WrongLength { found: 3 }
        );
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = MasterKey::generate();
        let text = key.to_text();
        let printed = format!("{key:?} {text:?}");
        assert!(!printed.contains(&text.expose_secret()[5..]), "{printed}");
        assert!(printed.contains(key.id()));
    }
}
