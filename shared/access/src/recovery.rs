//! Recovery: what ended processes have left in the spool is brought to the ledger.

use std::io;
use std::path::{Path, PathBuf};

use ledgerfleet_ledger::RefreshOutcome;
use ledgerfleet_model::{ConnectionId, ConnectionState};

use crate::error::AccessError;
use crate::granted::Granted;
use crate::spool::{Left, SpoolFile, Spooled, on_disk};
use crate::store::{Kept, Store};

/// What to do with a file whose connection was looked at.
enum Owner {
    /// It can be stored.
    Ours,
    /// Its connection was removed: nobody wants it.
    Removed,
    /// Its connection is another ledger's.
    Foreign,
}

impl Store {
    /// Brings everything that processes have left in the spool to the ledger: at start. What cannot be brought now is
    /// told and stays.
    pub(crate) async fn recover_all(&self) {
        if let Err(error) = self.recover(None, Left::ByTheDead).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what is left in the spool is brought to the ledger later"
            );
        }
        let spool = self.spool.clone();
        let aside = on_disk(move || spool.unusable()).await.unwrap_or_default();
        if aside > 0 {
            tracing::warn!(
                files = aside,
                "the spool holds files that cannot be used; each may hold the only copy of a credential"
            );
        }
    }

    /// Brings what is left in the spool to the ledger, of one connection or of all. Answers how many files the ledger
    /// has decided on. Only a ledger that does not answer stops it; what is wrong with one file is told.
    pub(crate) async fn recover(&self, of: Option<ConnectionId>, left: Left) -> Result<usize, AccessError> {
        let mut brought = 0;
        for path in self.left_in_spool(of).await {
            let (file, spooled) = match take(path.clone(), left).await {
                Ok(Some(taken)) => taken,
                Ok(None) => continue,
                Err(error) => {
                    cannot(&path, &error, "a file of the spool cannot be read");
                    continue;
                }
            };
            match self.bring(file, spooled).await {
                Ok(was) => brought += usize::from(was),
                Err(AccessError::Ledger(error)) => return Err(AccessError::Ledger(error)),
                Err(error) => cannot(
                    &path,
                    &error,
                    "a file of the spool stays, because it cannot be stored",
                ),
            }
        }
        Ok(brought)
    }

    async fn left_in_spool(&self, of: Option<ConnectionId>) -> Vec<PathBuf> {
        let spool = self.spool.clone();
        match on_disk(move || spool.files(of)).await {
            Ok(Ok(files)) => files,
            // Where it matters, before an exchange, `check_spool` has told.
            Ok(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the spool cannot be read"
                );
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Brings one file to the ledger, and answers whether it came that far.
    async fn bring(&self, file: SpoolFile, spooled: Option<Spooled>) -> Result<bool, AccessError> {
        let Some(spooled) = spooled.filter(|spooled| belongs(file.path(), spooled.connection)) else {
            set_aside(file, &AccessError::Unreadable).await;
            return Ok(false);
        };
        let connection = spooled.connection;
        match self.owner(connection).await? {
            Owner::Foreign => {
                tracing::warn!(%connection, file = %file.path().display(), "a file of the spool belongs to another ledger; it stays");
                return Ok(false);
            }
            Owner::Removed => {
                tracing::warn!(%connection, "a credential in the spool is given up, because its connection was removed");
                remove(file).await;
                return Ok(false);
            }
            Owner::Ours => {}
        }
        let mut granted = match Granted::open(&self.keys.vault(), &spooled) {
            Ok(granted) => granted,
            // Whoever has the key that sealed it, or a newer program, will store it.
            Err(AccessError::Sealed(error)) if error.is_of_this_process() => {
                cannot(
                    file.path(),
                    &error,
                    "a file of the spool stays, because it cannot be opened here",
                );
                return Ok(false);
            }
            Err(error) => {
                set_aside(file, &error).await;
                return Ok(false);
            }
        };
        let kept = self
            .keep(connection, &mut granted, RefreshOutcome::Recovered)
            .await?;
        if let Kept::Stored(version) = kept {
            tracing::warn!(%connection, version, "a granted credential was found in the spool and stored");
        }
        remove(file).await;
        Ok(true)
    }

    async fn owner(&self, id: ConnectionId) -> Result<Owner, AccessError> {
        let connection = self.ledger.connection(id).await.map_err(AccessError::Ledger)?;
        Ok(match connection.map(|connection| connection.state) {
            None => Owner::Foreign,
            Some(ConnectionState::Removed) => Owner::Removed,
            Some(_) => Owner::Ours,
        })
    }
}

async fn take(path: PathBuf, left: Left) -> io::Result<Option<(SpoolFile, Option<Spooled>)>> {
    on_disk(move || {
        let Some(mut file) = SpoolFile::take(&path, left)? else {
            return Ok(None);
        };
        let spooled = file.read()?;
        Ok(Some((file, spooled)))
    })
    .await?
}

/// Whether the name says the same as the text.
fn belongs(path: &Path, connection: ConnectionId) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(&format!("{connection}.")))
}

/// Nothing is deleted that might be the only copy of a credential.
async fn set_aside(file: SpoolFile, why: &AccessError) {
    let path = file.path().to_owned();
    match on_disk(move || file.set_aside()).await {
        Ok(Ok(aside)) => tracing::error!(
            file = %aside.display(), error = why as &dyn std::error::Error,
            "a file of the spool cannot be used and is kept under another name; it may hold the only copy of a credential"
        ),
        Ok(Err(error)) | Err(error) => {
            cannot(&path, &error, "a file of the spool cannot be used, nor renamed");
        }
    }
}

/// Removes a file whose content is safe, or not wanted.
pub(crate) async fn remove(file: SpoolFile) {
    let path = file.path().to_owned();
    if let Ok(Err(error)) | Err(error) = on_disk(move || file.remove()).await {
        cannot(&path, &error, "a file of the spool cannot be removed");
    }
}

fn cannot(path: &Path, error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(file = %path.display(), error, "{what}");
}
