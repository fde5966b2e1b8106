//! `key rotate`: what is sealed with one master key is sealed anew with another.

use std::sync::Arc;

use ledgerfleet_access::reseal;
use ledgerfleet_config::Shape;
use ledgerfleet_vault::Vault;
use ledgerfleet_wiring::{Parts, finish_rotation, next_key};

use crate::exit::{Exit, Problem};
use crate::output::counted;
use crate::running::role::take_lock;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let is_beside = session.settings.master_key.is_none();
    match session.settings.shape {
        Shape::Embedded { .. } if is_beside => of_file(session, &parts).await,
        _ => of_configured(session, &parts).await,
    }
}

/// The key of a file lies beside it: another is made, and takes its place at the end.
async fn of_file(session: &Session, parts: &Parts) -> anyhow::Result<Exit> {
    // Whoever runs this file has its key in memory, and could open nothing that is sealed anew.
    let lock = take_lock(&session.settings)?;
    refuse_what_does_not_open(parts).await?;
    let vault = parts.vault.turned_to(next_key(&session.settings)?);
    turn(session, parts, &vault).await?;
    let former = finish_rotation(&session.settings)?;
    drop(lock);
    session.talk.say(format!(
        "the key before is kept in {}: backups of the database from before need it; delete it once there are none",
        former.display()
    ));
    Ok(Exit::Done)
}

/// Before another key is made: a rotation that stops at a credential half-way would leave three keys in use.
async fn refuse_what_does_not_open(parts: &Parts) -> anyhow::Result<()> {
    for row in parts.ledger.sealed_rows().await? {
        let Some(key) = Vault::key_of(&row.sealed).filter(|key| !parts.vault.knows(key)) else {
            continue;
        };
        let what = format!("a credential is sealed with key {key}, which is not here; nothing was changed");
        let next = format!("give key {key} as LEDGERFLEET_SECOND_MASTER_KEY_FILE, then this command again");
        return Err(Problem::usage(what, next).into());
    }
    Ok(())
}

/// The new key is the configured one, and the one before is the second.
async fn of_configured(session: &Session, parts: &Parts) -> anyhow::Result<Exit> {
    let vault = Arc::clone(&parts.vault);
    if !vault.has_second() {
        let what = "only one master key is configured here: rotation is from one to another";
        let next = "first give every process the new key as LEDGERFLEET_SECOND_MASTER_KEY_FILE and restart it; then exchange \
                    the two and restart each again; then this command; then remove the former";
        return Err(Problem::usage(what, next).into());
    }
    turn(session, parts, &vault).await?;
    session.talk.say(
        "every process that has the new key alone can open all of it: remove LEDGERFLEET_SECOND_MASTER_KEY_FILE at the next \
         restart, and keep the key before as long as there are backups from before",
    );
    Ok(Exit::Done)
}

async fn turn(session: &Session, parts: &Parts, vault: &Vault) -> anyhow::Result<()> {
    let mut resealed = reseal(&*parts.ledger, vault).await?;
    // Until then every process may have either key as its own.
    parts.ledger.turn_key(vault.key_id(), &session.user).await?;
    // What somebody has sealed with the former between the two: from now on the ledger refuses that.
    resealed += reseal(&*parts.ledger, vault).await?;
    session.talk.say(format!(
        "{} sealed anew; all is sealed with key {}",
        counted(resealed, "credential"),
        vault.key_id()
    ));
    Ok(())
}
