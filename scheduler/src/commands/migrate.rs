//! `migrate`: brings the database's schema up to date.

use crate::exit::Exit;
use crate::session::Session;

pub(crate) async fn run(session: &Session) -> anyhow::Result<Exit> {
    for notice in ledgerfleet_wiring::migrate(&session.settings).await? {
        session.talk.say(notice);
    }
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
