//! `key`: makes master keys.

use ledgerfleet_vault::MasterKey;
use secrecy::ExposeSecret;

use crate::exit::Exit;
use crate::output::{Output, Talk};

/// The one command that prints a secret: it is made here, and stored nowhere.
pub(crate) fn generate(talk: &Talk) -> anyhow::Result<Exit> {
    let key = MasterKey::generate();
    Output::text(key.to_text().expose_secret())?;
    talk.say(format!(
        "Key {}: keep it where the database is not, and give it as LEDGERFLEET_MASTER_KEY_FILE. \
         Without it the stored credentials cannot be opened.",
        key.id()
    ));
    Ok(Exit::Done)
}
