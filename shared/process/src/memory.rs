//! Memory: the allocator of every program that links this crate.

/// Gives what is free back to the system at once; `.cargo/config.toml` tells it so when it is compiled.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
