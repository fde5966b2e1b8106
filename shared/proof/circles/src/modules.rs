//! Modules: the files of a crate, and which of them use which.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::paths::{Paths, Written, paths};
use crate::source::tokens;

/// The modules of one program or library, by their path below its root; the root's is empty.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    files: BTreeMap<Vec<String>, Module>,
}

#[derive(Debug)]
struct Module {
    file: PathBuf,
    paths: Paths,
}

/// One module uses something of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) from: Vec<String>,
    pub(crate) to: Vec<String>,
    /// What is used.
    pub(crate) item: String,
    /// Where.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

/// A re-export that leads to a re-export is followed so often.
const DEPTH: usize = 8;

impl Modules {
    /// Reads the modules that are declared from this root on: a `lib.rs` or a `main.rs`.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut modules = Self::default();
        modules.add(&[], root)?;
        Ok(modules)
    }

    fn add(&mut self, path: &[String], file: &Path) -> io::Result<()> {
        let paths = paths(&tokens(&std::fs::read_to_string(file)?));
        let folder = folder_of(file);
        let children = paths.modules.clone();
        let module = Module {
            file: file.to_owned(),
            paths,
        };
        self.files.insert(path.to_owned(), module);
        for name in children {
            let candidates = [
                folder.join(format!("{name}.rs")),
                folder.join(&name).join("mod.rs"),
            ];
            if let Some(file) = candidates.iter().find(|file| file.exists()) {
                let mut child = path.to_owned();
                child.push(name);
                self.add(&child, file)?;
            }
        }
        Ok(())
    }

    /// The paths of all modules.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Vec<String>> {
        self.files.keys()
    }

    /// Every use of one module by another that counts.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let of_module = |(from, module): (&Vec<String>, &Module)| -> Vec<Use> {
            let used = module.paths.used.iter();
            used.filter_map(|written| self.use_of(from, module, written))
                .collect()
        };
        self.files.iter().flat_map(of_module).collect()
    }

    fn use_of(&self, from: &[String], module: &Module, written: &Written) -> Option<Use> {
        let (to, item) = self.find(from, &written.segments, DEPTH)?;
        let stands_in = from.len() > to.len() && from.starts_with(&to);
        let is_thing = item
            .as_deref()
            .is_some_and(|item| item.starts_with(char::is_uppercase));
        let counts = to != from && !(stands_in && is_thing);
        counts.then(|| Use {
            from: from.to_vec(),
            to,
            item: item.unwrap_or_else(|| "itself".to_owned()),
            file: module.file.clone(),
            line: written.line,
        })
    }

    /// The module that a path leads to, and what is meant there; none outside of the crate.
    fn find(
        &self,
        from: &[String],
        segments: &[String],
        depth: usize,
    ) -> Option<(Vec<String>, Option<String>)> {
        let (mut at, mut rest) = self.begin(from, segments)?;
        while let Some((name, further)) = rest.split_first() {
            let mut child = at.clone();
            child.push(name.clone());
            if !self.files.contains_key(&child) {
                let shown = depth
                    .checked_sub(1)
                    .and_then(|depth| self.shown(&at, name, depth));
                return Some(shown.unwrap_or_else(|| (at, Some(name.clone()))));
            }
            (at, rest) = (child, further);
        }
        Some((at, None))
    }

    fn begin<'a>(&self, from: &[String], segments: &'a [String]) -> Option<(Vec<String>, &'a [String])> {
        let (first, rest) = segments.split_first()?;
        let mut at = from.to_vec();
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop()?;
                let further = rest.iter().take_while(|segment| *segment == "super").count();
                at.truncate(at.len().checked_sub(further)?);
                return Some((at, &rest[further..]));
            }
            child => {
                at.push(child.to_owned());
                self.files.get(&at)?;
            }
        }
        Some((at, rest))
    }

    /// Where something is defined that a module re-exports.
    fn shown(&self, at: &[String], name: &str, depth: usize) -> Option<(Vec<String>, Option<String>)> {
        let module = self.files.get(at)?;
        let by_name = |shown: &&Written| shown.name.as_deref() == Some(name);
        if let Some(shown) = module.paths.shown.iter().find(by_name) {
            return self.find(at, &shown.segments, depth);
        }
        let all_of = module.paths.shown.iter().filter(|shown| shown.name.is_none());
        all_of
            .filter_map(|shown| self.find(at, &shown.segments, depth))
            .find(|(to, _)| {
                self.files
                    .get(to)
                    .is_some_and(|module| module.paths.defined.contains(name))
            })
            .map(|(to, _)| (to, Some(name.to_owned())))
    }
}

/// Where the modules of a file lie.
fn folder_of(file: &Path) -> PathBuf {
    let is_root = ["lib.rs", "main.rs", "mod.rs"]
        .iter()
        .any(|name| file.ends_with(name));
    if is_root {
        file.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        file.with_extension("")
    }
}
