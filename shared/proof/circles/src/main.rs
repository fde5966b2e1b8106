#![doc = include_str!("../README.md")]

mod circle;
mod modules;
mod paths;
mod source;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use circle::{Circle, circles};
use modules::{Modules, Use};

/// Crates whose circles are known, and why they are not opened yet.
const KNOWN: &[(&str, &str)] = &[
    (
        "shared/connectors/src/lib.rs",
        "the registry lists a connector's entry and defines its type",
    ),
    (
        "shared/proof/testkit/src/lib.rs",
        "a server waits through a session of its own",
    ),
    (
        "worker/src/lib.rs",
        "the fleet holds the attempts under way, which hold the fleet",
    ),
];

fn main() -> io::Result<ExitCode> {
    let mut folder = PathBuf::from(".");
    let mut lists = false;
    for argument in std::env::args_os().skip(1) {
        if argument == "--list" {
            lists = true;
        } else {
            folder = argument.into();
        }
    }
    let mut out = io::stdout().lock();
    let mut fails = false;
    for root in roots(&folder)? {
        let modules = Modules::read(&root)?;
        let name = root.strip_prefix(&folder).unwrap_or(&root).display().to_string();
        if lists {
            for one in modules.uses() {
                writeln!(out, "{name}: {}", line(&one))?;
            }
        }
        let found = circles(&modules);
        let known = KNOWN.iter().find(|(root, _)| *root == name);
        fails |= found.is_empty() == known.is_some();
        for circle in &found {
            write!(out, "{}", told(&name, circle))?;
        }
        match known {
            Some((_, why)) if !found.is_empty() => writeln!(out, "  known: {why}")?,
            Some(_) => writeln!(out, "{name} has no circle any more: take it out of KNOWN")?,
            None => {}
        }
    }
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Every `lib.rs` and `main.rs` of the workspace, in order.
fn roots(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        let src = at.join("src");
        if at.join("Cargo.toml").exists() && src.is_dir() {
            let files = ["lib.rs", "main.rs"].map(|name| src.join(name));
            roots.extend(files.into_iter().filter(|file| file.exists()));
        }
        for entry in std::fs::read_dir(&at)? {
            let entry = entry?;
            let name = entry.file_name();
            let skipped = name == "target" || name == "src" || name.to_string_lossy().starts_with('.');
            if entry.file_type()?.is_dir() && !skipped {
                open.push(entry.path());
            }
        }
    }
    roots.sort();
    Ok(roots)
}

/// A circle, as people read it.
fn told(root: &str, circle: &Circle) -> String {
    let names: Vec<String> = circle.members.iter().map(|name| shown(name)).collect();
    let mut text = format!("{root}: a circle of {}: {}\n", names.len(), names.join(", "));
    for one in &circle.way {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {}", line(one));
    }
    text
}

fn line(one: &Use) -> String {
    let (from, to) = (shown(&one.from), shown(&one.to));
    format!(
        "{from} → {to} ({}:{}, {})",
        one.file.display(),
        one.line,
        one.item
    )
}

fn shown(name: &[String]) -> String {
    if name.is_empty() {
        "the root".to_owned()
    } else {
        name.join("::")
    }
}
