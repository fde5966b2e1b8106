//! The real program, as people and their scripts meet it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod api_client;
mod api_connections;
mod api_contract;
mod api_keyless;
mod api_keys;
mod api_pages;
mod api_refused;
mod api_repeated;
mod api_runs;
mod api_story;
mod asking_alike;
mod backups;
mod bad_input;
mod browser;
mod clocks;
mod closing;
mod connections;
mod consent;
mod contifico;
mod cutting;
mod deletions;
mod demo;
mod dlq;
mod doctor;
mod files;
mod fleet;
mod gaps;
mod http;
mod ids;
mod key_rotation;
mod models;
mod output;
mod panel;
mod panel_verified;
mod quota;
mod replays;
mod runner;
mod secrets;
mod served;
mod silence;
mod status;
mod syncs;
mod terminal;
mod traces;
mod triggers;
mod verify;
mod verify_asking;
mod verify_ending;
mod verify_fixing;
mod verify_quarantined;
mod verify_source;
mod webhooks;
mod world;
