//! `backup`: an online, checked copy of the ledger's file.

use std::time::Instant;

use ledgerfleet_access::Spool;
use ledgerfleet_ledger::sqlite::back_up;

use crate::cli::BackupArgs;
use crate::exit::{Exit, Problem};
use crate::output::counted;
use crate::session::Session;
use crate::views::backup::BackupReport;

pub(crate) async fn run(session: &Session, args: &BackupArgs) -> anyhow::Result<Exit> {
    let Some(ledger) = session.settings.shape.embedded_path() else {
        return Err(fleet().into());
    };
    let begun = Instant::now();
    let backup = back_up(ledger, &args.file).await?;
    let report = BackupReport::new(&backup, begun.elapsed());
    session.output.one(&report)?;
    tell_what_is_not_in_it(session);
    Ok(Exit::Done)
}

fn fleet() -> Problem {
    Problem::usage(
        "a fleet's ledger is in Postgres, which has its own backups",
        "pg_dump --format=custom --file=ledgerfleet.dump \"$LEDGERFLEET_DATABASE_URL\", and keep the master key apart from it",
    )
}

fn tell_what_is_not_in_it(session: &Session) {
    if let Some(key) = session.settings.master_key_file().filter(|key| key.exists()) {
        session.talk.say(format!(
            "The key that opens its credentials is not in it: keep a copy of {} where the backup is not",
            key.display()
        ));
    }
    let folder = session.settings.spool();
    let waiting = Spool::at(folder.clone()).waiting();
    if waiting > 0 {
        session.talk.warn(format!(
            "{} that wait in {} for the ledger are not in it: any command that asks their companies stores them",
            counted(waiting as u64, "granted token"),
            folder.display()
        ));
    }
}
