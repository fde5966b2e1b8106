//! A new migration changes no Rust file; without this line it would not be embedded until something else does.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres");
    println!("cargo:rerun-if-changed=../../migrations/sqlite");
}
