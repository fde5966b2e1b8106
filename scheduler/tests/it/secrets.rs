//! No secret appears where it is not sealed: not in what is said, not in logs, not in the database.

use std::path::Path;

use crate::world::{World, emulator};

#[tokio::test]
async fn no_secret_is_said_logged_or_stored_in_clear() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let info = emulator.info();
    world.connect(&info.companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-20 --to 2026-06-30 -vv";
    let mut said = Vec::new();
    for line in [
        "connection test demo-us -vv",
        line,
        "connection show demo-us -o json",
        "doctor -vv",
    ] {
        let ended = world.run(line).await.expect(0);
        said.push((line.to_owned(), format!("{}{}", ended.stdout, ended.stderr)));
    }
    let key = std::fs::read_to_string(world.path("ledgerfleet.db.key")).unwrap();
    let mut secrets = vec![info.client_secret.clone(), key.trim().to_owned()];
    secrets.extend(info.companies.iter().map(|company| company.refresh_token.clone()));
    for file in ["ledgerfleet.db", "ledgerfleet.db-wal"] {
        said.push((file.to_owned(), text_of(&world.path(file))));
    }
    for secret in &secrets {
        for (place, text) in &said {
            assert!(
                !text.contains(secret.as_str()),
                "a secret stands in clear in: {place}"
            );
        }
    }
    for (place, text) in &said {
        // What the emulator grants begins like this. It is long enough that sealed text does not hold it by chance.
        let grants = text.contains("eyJlbmMiOiJBMTI4") || text.contains("Bearer ");
        assert!(!grants, "an access token stands in clear in: {place}");
    }
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
