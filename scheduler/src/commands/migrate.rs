//! `migrate`: brings the database's schema up to date.

use crate::exit::Exit;
use crate::session::Session;

/// Opening a ledger migrates it, in one transaction.
pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    session.parts_or_new().await?;
    let place = session
        .settings
        .shape
        .embedded_path()
        .map(|path| path.display().to_string());
    session.talk.say(format!(
        "{} is up to date",
        place.as_deref().unwrap_or("the database")
    ));
    Ok(Exit::Done)
}
