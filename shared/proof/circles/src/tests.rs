//! Planted circles are found and named; what only looks like one is not.

use std::path::PathBuf;

use crate::circle::{Circle, circles};
use crate::modules::Modules;
use crate::told;

/// A crate whose files are written for one test, and removed with it.
struct Planted(PathBuf);

impl Planted {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("circles-{name}-{}", std::process::id()));
        for (path, text) in files {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(folder)
    }

    fn circles(&self) -> Vec<Circle> {
        circles(&Modules::read(&self.0.join("lib.rs")).unwrap())
    }

    fn told(&self) -> String {
        self.circles()
            .iter()
            .map(|circle| told("lib.rs", circle))
            .collect()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_circle_of_three_is_named_with_the_line_of_each_import() {
    let planted = Planted::new(
        "three",
        &[
            ("lib.rs", "mod a; mod b; mod c; pub use c::end;"),
            ("a.rs", "use crate::b::{Thing, go};"),
            ("b.rs", "\nfn f() { super::c::end() }"),
            ("c.rs", "use crate::a;\n"),
        ],
    );
    let told = planted.told();
    assert!(told.starts_with("lib.rs: a circle of 3: a, b, c\n"), "{told}");
    for step in ["a → b", "b.rs:2", "b → c", "c → a"] {
        assert!(told.contains(step), "{step}: {told}");
    }
}

#[test]
fn a_circle_through_a_re_export_is_found_where_the_thing_is_defined() {
    let planted = Planted::new(
        "shown",
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod inner; pub use inner::go; pub use inner::*;"),
            (
                "a/inner.rs",
                "use crate::b::back; pub fn go() {} pub fn other() {}",
            ),
            ("b.rs", "use crate::a::other; pub fn back() {}"),
        ],
    );
    assert!(
        planted.told().contains("a circle of 2: a::inner, b"),
        "{}",
        planted.told()
    );
}

const IMPLEMENTS: &str = "use super::{SIZE, Shape}; impl Shape for u8 {} pub fn go() {}";
const CALLS: &str = "use super::f; pub fn go() { f() }";

#[test]
fn a_child_that_implements_its_parents_trait_is_no_circle_and_one_that_calls_its_function_is() {
    let child = |text| {
        Planted::new(
            if text == CALLS { "calls" } else { "implements" },
            &[
                ("lib.rs", "mod a;"),
                (
                    "a/mod.rs",
                    "mod b; pub trait Shape {} pub const SIZE: u8 = 1; fn f() { b::go(); }",
                ),
                ("a/b.rs", text),
            ],
        )
    };
    assert_eq!(child(IMPLEMENTS).told(), "");
    assert!(child(CALLS).told().contains("a circle of 2: a, a::b"));
}

#[test]
fn tests_and_uses_in_one_direction_are_no_circle() {
    let planted = Planted::new(
        "straight",
        &[
            ("lib.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
            (
                "a.rs",
                "use crate::b::go; #[cfg(test)] mod tests { use super::*; }",
            ),
            (
                "b.rs",
                "pub fn go() {} #[cfg(test)] mod tests { use crate::a::f; }",
            ),
            ("tests.rs", "use crate::a; use crate::b;"),
        ],
    );
    assert_eq!(planted.told(), "");
}
