//! Runs a command with `DATABASE_URL` naming a private database that the SQL files of a folder have made:
//! `with-postgres FOLDER COMMAND…`.
#![expect(clippy::unwrap_used, reason = "a tool of the developers'")]

use std::process::{Command, ExitCode};

use ledgerfleet_testkit::PrivatePostgres;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let database = PrivatePostgres::shared().empty_database();
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "sql"))
        .collect();
    files.sort();
    for file in files {
        database.command(&std::fs::read_to_string(file).unwrap());
    }
    let mut command = Command::new(arguments.next().unwrap());
    let status = command
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .status();
    ExitCode::from(u8::from(!status.unwrap().success()))
}
