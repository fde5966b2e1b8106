//! Seal: a secret made unreadable and bound to the one place where it belongs.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ledgerfleet_model::ConnectionId;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::MasterKey;

/// The name of the sealed text's format, which is also its first part.
const FORMAT: &str = "lfs1";

/// Bytes of a nonce of XChaCha20.
const NONCE: usize = 24;

/// Where a sealed text is kept. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table, with its schema: `fleet.credentials`.
    pub table: &'a str,
    /// The connection whose row it is.
    pub connection: ConnectionId,
    /// The column.
    pub column: &'a str,
    /// The row's version, so that an older text put back into the row does not open.
    pub version: i64,
}

/// Seals with one master key, and opens with that and with any number of others: those it replaces, or is replaced by.
#[derive(Debug, Clone)]
pub struct Vault {
    key: MasterKey,
    others: Vec<MasterKey>,
}

/// Why a sealed text does not open. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It is not a sealed text of a format that this program knows.
    #[error("this is not a sealed text of the format `{FORMAT}`")]
    UnknownFormat,
    /// Another master key sealed it.
    #[error("sealed with master key {sealed_with}, but the master key here is {here}")]
    WrongKey {
        /// The id of the key that sealed it.
        sealed_with: String,
        /// The id of this vault's key.
        here: String,
    },
    /// It was changed, or moved here from another row, column or version.
    #[error("the sealed text was changed, or belongs to another row, column or version")]
    Refused,
}

impl VaultError {
    /// Whether another process may open it: one with the key that sealed it, or a newer program.
    pub fn is_of_this_process(&self) -> bool {
        matches!(self, Self::UnknownFormat | Self::WrongKey { .. })
    }
}

impl Vault {
    /// A vault with this key.
    pub fn new(key: MasterKey) -> Self {
        Self {
            key,
            others: Vec::new(),
        }
    }

    /// The same, which also opens what these keys have sealed.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = MasterKey>) -> Self {
        self.others.extend(others);
        self
    }

    /// A vault that seals with this key, and opens also all that this one opens.
    #[must_use]
    pub fn turned_to(&self, key: MasterKey) -> Self {
        let keys = [&self.key].into_iter().chain(&self.others);
        Self::new(key).and(keys.cloned())
    }

    /// A vault that seals with the key of that id, and opens all that this one opens; none where it does not have that key.
    pub fn sealing_with(&self, id: &str) -> Option<Self> {
        self.key_with(id).map(|key| self.turned_to(key.clone()))
    }

    /// Whether it has another key besides its own.
    pub fn has_second(&self) -> bool {
        !self.others.is_empty()
    }

    /// Whether it has the key of that id.
    pub fn knows(&self, id: &str) -> bool {
        self.key_with(id).is_some()
    }

    /// The id of the key that has sealed a text.
    pub fn key_of(sealed: &str) -> Option<&str> {
        parts(sealed).map(|(key_id, _)| key_id)
    }

    fn key_with(&self, id: &str) -> Option<&MasterKey> {
        let mut keys = [&self.key].into_iter().chain(&self.others);
        keys.find(|key| key.id() == id)
    }

    /// The id of its key.
    pub fn key_id(&self) -> &str {
        self.key.id()
    }

    /// Seals `plain` for `place`: `lfs1.<key id>.<base64url>`. Sealing one text twice gives two different texts.
    ///
    /// # Panics
    /// If `plain` is longer than the cipher can take, which is 256 GiB.
    pub fn seal(&self, place: &Place<'_>, plain: &SecretString) -> String {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let bound = associated(place, self.key.id());
        let payload = Payload {
            msg: plain.expose_secret().as_bytes(),
            aad: &bound,
        };
        let sealed = cipher(&self.key)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is shorter than 256 GiB");
        let encoded = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        format!("{FORMAT}.{}.{encoded}", self.key.id())
    }

    /// Opens what [`Vault::seal`] sealed for the same place with one of these keys.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Result<SecretString, VaultError> {
        let (sealed_with, encoded) = parts(sealed).ok_or(VaultError::UnknownFormat)?;
        let key = self.key_with(sealed_with).ok_or_else(|| VaultError::WrongKey {
            sealed_with: sealed_with.to_owned(),
            here: self.key.id().to_owned(),
        })?;
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| VaultError::Refused)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE>().ok_or(VaultError::Refused)?;
        let bound = associated(place, key.id());
        let plain = cipher(key)
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: ciphertext,
                    aad: &bound,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| VaultError::Refused)?;
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Refused)?;
        Ok(SecretString::from(text))
    }
}

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

/// The key id and the base64 of a sealed text.
fn parts(sealed: &str) -> Option<(&str, &str)> {
    let (key_id, encoded) = sealed.strip_prefix(FORMAT)?.strip_prefix('.')?.split_once('.')?;
    let is_id = key_id.len() == 8 && key_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some((key_id, encoded))
}

/// What a seal is bound to, every part with its length before it.
fn associated(place: &Place<'_>, key_id: &str) -> Vec<u8> {
    let mut bound = Vec::with_capacity(128);
    let version = place.version.to_be_bytes();
    let parts: [&[u8]; 6] = [
        FORMAT.as_bytes(),
        key_id.as_bytes(),
        place.table.as_bytes(),
        place.connection.0.as_bytes(),
        place.column.as_bytes(),
        &version,
    ];
    for part in parts {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    bound
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn place() -> Place<'static> {
        Place {
            table: "fleet.credentials",
            connection: ConnectionId(Uuid::from_u128(7)),
            column: "sealed",
            version: 3,
        }
    }

    fn opened(vault: &Vault, place: &Place<'_>, sealed: &str) -> Result<String, VaultError> {
        vault
            .open(place, sealed)
            .map(|plain| plain.expose_secret().to_owned())
    }

    #[test]
    fn a_sealed_text_opens_where_it_was_sealed() {
        let vault = Vault::new(MasterKey::generate());
        let sealed = vault.seal(&place(), &SecretString::from("RT1-secret"));
        assert!(
            sealed.starts_with(&format!("lfs1.{}.", vault.key_id())),
            "{sealed}"
        );
        assert_eq!(opened(&vault, &place(), &sealed).unwrap(), "RT1-secret");
    }

    #[test]
    fn of_two_keys_the_own_one_seals_and_both_open() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let secret = SecretString::from("RT1-secret");
        let before = Vault::new(old.clone());
        let sealed = before.seal(&place(), &secret);
        let both = before.turned_to(new.clone());
        assert!(both.has_second() && both.knows(old.id()) && both.knows(new.id()) && !before.knows(new.id()));
        assert_eq!(opened(&both, &place(), &sealed).unwrap(), "RT1-secret");
        let anew = both.seal(&place(), &secret);
        assert_eq!(Vault::key_of(&anew), Some(new.id()));
        assert!(matches!(
            before.open(&place(), &anew),
            Err(VaultError::WrongKey { .. })
        ));
        let after = Vault::new(new).and(None);
        assert_eq!(opened(&after, &place(), &anew).unwrap(), "RT1-secret");
        assert!(matches!(
            after.open(&place(), &sealed),
            Err(VaultError::WrongKey { .. })
        ));
        assert_eq!(Vault::key_of("nothing"), None);
    }

    #[test]
    fn a_vault_that_is_turned_opens_all_that_it_opened_before() {
        let keys: [MasterKey; 4] = std::array::from_fn(|_| MasterKey::generate());
        let [own, second, former, next] = keys.clone();
        let turned = Vault::new(own).and([second, former]).turned_to(next.clone());
        assert_eq!(turned.key_id(), next.id());
        for key in keys {
            let sealed = Vault::new(key).seal(&place(), &SecretString::from("RT1-secret"));
            assert_eq!(opened(&turned, &place(), &sealed).unwrap(), "RT1-secret");
        }
    }

    #[test]
    fn sealing_twice_gives_two_texts() {
        let vault = Vault::new(MasterKey::generate());
        let secret = SecretString::from("the same");
        assert_ne!(vault.seal(&place(), &secret), vault.seal(&place(), &secret));
    }

    #[test]
    fn a_sealed_text_opens_in_no_other_place() {
        let vault = Vault::new(MasterKey::generate());
        let sealed = vault.seal(&place(), &SecretString::from("RT1-secret"));
        let elsewhere = [
            Place {
                table: "fleet.api_keys",
                ..place()
            },
            Place {
                connection: ConnectionId(Uuid::from_u128(8)),
                ..place()
            },
            Place {
                column: "previous",
                ..place()
            },
            Place {
                version: 2,
                ..place()
            },
            // The same letters, cut elsewhere.
            Place {
                table: "fleet.credentialss",
                column: "ealed",
                ..place()
            },
        ];
        for other in elsewhere {
            assert_eq!(
                opened(&vault, &other, &sealed).unwrap_err(),
                VaultError::Refused,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_wrong_key_is_named_together_with_the_right_one() {
        let (one, other) = (
            Vault::new(MasterKey::generate()),
            Vault::new(MasterKey::generate()),
        );
        let sealed = one.seal(&place(), &SecretString::from("RT1-secret"));
        let error = other.open(&place(), &sealed).unwrap_err();
        assert!(matches!(&error, VaultError::WrongKey { .. }));
        let text = error.to_string();
        assert!(
            text.contains(one.key_id()) && text.contains(other.key_id()),
            "{text}"
        );
    }

    #[test]
    fn a_sealed_text_under_a_forged_key_id_does_not_open() {
        let (one, other) = (
            Vault::new(MasterKey::generate()),
            Vault::new(MasterKey::generate()),
        );
        let sealed = one.seal(&place(), &SecretString::from("RT1-secret"));
        let forged = sealed.replace(one.key_id(), other.key_id());
        assert_eq!(
            opened(&other, &place(), &forged).unwrap_err(),
            VaultError::Refused
        );
    }

    #[test]
    fn what_is_not_sealed_is_refused() {
        let vault = Vault::new(MasterKey::generate());
        for text in [
            "",
            "RT1-secret",
            "lfs1.",
            "lfs1..",
            "lfs2.00000000.AAAA",
            "lfs1.zzzzzzzz.AAAA",
        ] {
            assert_eq!(
                opened(&vault, &place(), text).unwrap_err(),
                VaultError::UnknownFormat,
                "{text}"
            );
        }
        let empty = format!("lfs1.{}.", vault.key_id());
        assert_eq!(opened(&vault, &place(), &empty).unwrap_err(), VaultError::Refused);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = MasterKey::generate();
        let vault = Vault::new(key.clone());
        let plain = SecretString::from("RT1-secret");
        let sealed = vault.seal(&place(), &plain);
        let opened = vault.open(&place(), &sealed).unwrap();
        let printed = format!("{vault:?} {plain:?} {opened:?} {sealed}");
        assert!(!printed.contains("RT1-secret"), "{printed}");
        assert!(
            !printed.contains(&key.to_text().expose_secret()[5..]),
            "{printed}"
        );
    }

    proptest! {
        #[test]
        fn every_text_survives_the_seal(plain in any::<String>(), version in any::<i64>()) {
            let vault = Vault::new(MasterKey::generate());
            let place = Place { version, ..place() };
            let sealed = vault.seal(&place, &SecretString::from(plain.clone()));
            prop_assert_eq!(opened(&vault, &place, &sealed).unwrap(), plain);
        }

        #[test]
        fn no_changed_character_goes_unseen(plain in "[ -~]{1,60}", at in any::<prop::sample::Index>(), new in "[ -~]") {
            let vault = Vault::new(MasterKey::generate());
            let sealed = vault.seal(&place(), &SecretString::from(plain));
            let at = at.index(sealed.len());
            prop_assume!(sealed[at..=at] != new);
            let changed = format!("{}{new}{}", &sealed[..at], &sealed[at + 1..]);
            prop_assert!(vault.open(&place(), &changed).is_err(), "{changed}");
        }

        #[test]
        fn no_flipped_bit_of_the_sealed_bytes_goes_unseen(at in any::<prop::sample::Index>(), bit in 0..8) {
            let vault = Vault::new(MasterKey::generate());
            let sealed = vault.seal(&place(), &SecretString::from("RT1-secret"));
            let (head, encoded) = sealed.rsplit_once('.').unwrap();
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            let changed = format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(opened(&vault, &place(), &changed).unwrap_err(), VaultError::Refused);
        }

        #[test]
        fn opening_never_panics(text in any::<String>()) {
            let vault = Vault::new(MasterKey::generate());
            let _ = vault.open(&place(), &text);
            let _ = vault.open(&place(), &format!("lfs1.{}.{text}", vault.key_id()));
        }
    }
}
