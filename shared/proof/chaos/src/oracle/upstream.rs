//! Upstream: I6 limits, I7 refresh tokens, as the source itself saw them.

use ledgerfleet_vault::Place;
use secrecy::ExposeSecret;

use super::{Expect, Violation};
use crate::World;

/// Requests of one company that may be in flight.
const IN_FLIGHT: usize = 10;

pub(super) async fn check(world: &World, expect: &Expect) -> Vec<Violation> {
    let mut violations = Vec::new();
    let second = usize::try_from(world.ground.allowed()).unwrap_or(usize::MAX) + expect.late;
    let minute = usize::try_from(world.ground.allowed()).unwrap_or(usize::MAX) * 50;
    for company in &world.emulator.summary().companies {
        let (name, seen) = (&company.api.name, &company.api);
        let in_flight = IN_FLIGHT + expect.late;
        if seen.peak_1s > second || seen.peak_60s > minute || seen.peak_in_flight > in_flight {
            let what = format!(
                "{name} saw {} in a second ({second} allowed), {} in a minute ({minute}), {} in flight ({in_flight})",
                seen.peak_1s, seen.peak_60s, seen.peak_in_flight
            );
            violations.push(Violation::of("I6", what));
        }
        if company.tokens.superseded_uses > expect.superseded {
            let what = format!(
                "{name}: a superseded refresh token was sent {} times",
                company.tokens.superseded_uses
            );
            violations.push(Violation::of("I7", what));
        }
        if expect.tokens_current && stored_token(world, name).await != world.emulator.refresh_token(name) {
            let what = format!("{name}: the stored refresh token is not the one that opens it");
            violations.push(Violation::of("I7", what));
        }
    }
    violations
}

async fn stored_token(world: &World, company: &str) -> Option<String> {
    let connection = world.connection(company).id;
    let stored = world.parts.ledger.credential(connection).await.unwrap()?;
    let place = Place {
        table: "fleet.credentials",
        connection,
        column: "sealed",
        version: stored.version,
    };
    let clear = world.parts.vault.open(&place, &stored.sealed).unwrap();
    let clear: serde_json::Value = serde_json::from_str(clear.expose_secret()).unwrap();
    Some(clear["secret"].as_str()?.to_owned())
}
