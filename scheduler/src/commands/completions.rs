//! `completions` and `man`: what the command line says of itself, for shells and for `man`.

use std::fs;
use std::io;

use crate::cli::{self, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::output::Output;

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "scheduler", &mut script);
    Output::text(&String::from_utf8(script).map_err(io::Error::other)?)?;
    Ok(Exit::Done)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    fs::create_dir_all(&args.folder)?;
    clap_mangen::generate_to(cli::command(), &args.folder)?;
    Ok(Exit::Done)
}
