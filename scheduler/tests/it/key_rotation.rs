//! One master key is replaced by another, by the real program.

use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::consent::{begin, chosen, world_beside};
use crate::http::get;
use crate::world::{World, emulator};

async fn keys(world: &World) -> (String, String) {
    let checks = world.run("doctor -o json").await.json();
    let check = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == "keys");
    let text = |member: &str| check.unwrap()[member].as_str().unwrap().to_owned();
    (text("result"), text("detail"))
}

/// The id of the key that has sealed everything, by the doctor's word.
fn key_in(detail: &str) -> &str {
    detail
        .split("sealed with ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
}

#[tokio::test]
async fn the_key_beside_a_file_is_replaced_and_a_rotation_that_was_broken_off_goes_on() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    for company in &emulator.info().companies {
        world.connect(company).await;
    }
    let (_, before) = keys(&world).await;
    world
        .run("key rotate")
        .await
        .expect(0)
        .says("2 credentials sealed anew");
    let (result, after) = keys(&world).await;
    assert_eq!(result, "ok");
    assert_ne!(key_in(&before), key_in(&after));
    world.run("connection test demo-us").await.expect(0);

    // As it is after all is sealed anew, and before the files have changed their places.
    let file = |name: &str| world.path(&format!("ledgerfleet.db.key{name}"));
    let former = format!(".former.{}", key_in(&before));
    std::fs::rename(file(""), file(".next")).unwrap();
    std::fs::rename(file(&former), file("")).unwrap();
    let (result, told) = keys(&world).await;
    assert_eq!(result, "warning", "{told}");
    world.run("connection test demo-us").await.expect(0);
    world.run("key rotate").await.expect(0);
    let (result, last) = keys(&world).await;
    assert_eq!(
        (result.as_str(), key_in(&last)),
        ("ok", key_in(&after)),
        "it goes on with the key that it had made"
    );
    assert!(!file(".next").exists() && file(&former).exists());
    let kept = std::fs::read(file(&former)).unwrap();
    world.run("key rotate").await.expect(0);
    let second = format!(".former.{}", key_in(&after));
    assert!(file(&second).exists());
    assert_eq!(
        std::fs::read(file(&former)).unwrap(),
        kept,
        "the one before that is kept, too"
    );
    for company in ["demo-us", "demo-ca"] {
        world.run(&format!("connection test {company}")).await.expect(0);
    }
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    world.run("key rotate").await.expect(7);
    server.end_with("TERM").await;
    let audit = std::fs::read(world.path("ledgerfleet.db")).unwrap();
    assert!(
        !audit.windows(5).any(|text| text == b"lfk1_"),
        "no key is in the database"
    );
}

#[tokio::test]
async fn configured_keys_are_replaced_while_both_are_given_and_each_process_opens_all_meanwhile() {
    use ledgerfleet_vault::MasterKey;
    let emulator = emulator().await;
    let (old, new) = (MasterKey::generate().to_text(), MasterKey::generate().to_text());
    let (old, new) = (old.expose_secret(), new.expose_secret());
    let (own, second) = ("LEDGERFLEET_MASTER_KEY", "LEDGERFLEET_SECOND_MASTER_KEY");
    let world = World::beside(&emulator).with(own, old);
    world.connect(&emulator.info().companies[0]).await;
    world
        .run("key rotate")
        .await
        .expect(2)
        .says("only one master key");
    let both = world.elsewhere(second, new);
    both.run("connection test demo-us").await.expect(0);
    let turned = world.elsewhere(own, new).elsewhere(second, old);
    turned.run("connection test demo-us").await.expect(0);
    turned.run("key rotate").await.expect(0);
    world
        .run("connection test demo-us")
        .await
        .expect(2)
        .says("not the master key");
    // Whoever has the new one alone opens it, and whoever has not exchanged its keys yet, too.
    for process in [&world.elsewhere(own, new), &both] {
        process.run("connection test demo-us").await.expect(0);
        let listed: Value = process.run("connection list -o json").await.expect(0).json();
        assert_eq!(listed.as_array().unwrap().len(), 1);
    }
    // That one goes on sealing with the former: the same again does the rest.
    turned.run("key rotate").await.expect(0);
    world
        .elsewhere(own, new)
        .run("connection test demo-us")
        .await
        .expect(0);
}

#[tokio::test]
async fn a_rotation_that_is_killed_anywhere_leaves_every_credential_open_and_goes_on() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    for company in &emulator.info().companies {
        world.connect(company).await;
    }
    let began = std::time::Instant::now();
    world.run("key rotate").await.expect(0);
    let whole = began.elapsed();
    // Wherever the kill strikes, the same must hold: the clock only spreads the places.
    for place in 0..12 {
        let rotating = world.start("key rotate", "").await;
        tokio::time::sleep(whole * place / 12).await;
        rotating.end_with("KILL").await;
        for company in ["demo-us", "demo-ca"] {
            world.run(&format!("connection test {company}")).await.expect(0);
        }
    }
    world.run("key rotate").await.expect(0);
    let (result, told) = keys(&world).await;
    assert_eq!(result, "ok", "{told}");
    assert!(!world.path("ledgerfleet.db.key.next").exists());
    for company in ["demo-us", "demo-ca"] {
        world.run(&format!("connection test {company}")).await.expect(0);
    }
}

#[tokio::test]
async fn a_person_who_consents_while_the_key_is_replaced_gets_a_credential_of_the_new_key() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    world.connect(us).await;
    for (company, name) in [(us, us.name.as_str()), (ca, "maple")] {
        let (running, page) = begin(&world, &format!("connection authorize --name {name}")).await;
        world.run("key rotate").await.expect(0);
        get(&chosen(&page, &company.realm).await).await.expect(200);
        running.end().await.expect(0);
        let (result, told) = keys(&world).await;
        assert_eq!(result, "ok", "{name}: {told}");
        world.run(&format!("connection test {name}")).await.expect(0);
    }
}

#[tokio::test]
async fn a_backup_from_before_two_rotations_opens_and_is_sealed_anew_by_the_next() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    for company in &emulator.info().companies {
        world.connect(company).await;
    }
    let (_, before) = keys(&world).await;
    world.run("backup before.db").await.expect(0);
    for _ in 0..2 {
        world.run("key rotate").await.expect(0);
    }
    let (_, now) = keys(&world).await;
    for rest in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(world.path(&format!("ledgerfleet.db{rest}")));
    }
    std::fs::rename(world.path("before.db"), world.path("ledgerfleet.db")).unwrap();
    let open_all = async || {
        for company in ["demo-us", "demo-ca"] {
            world.run(&format!("connection test {company}")).await.expect(0);
        }
    };

    // One credential is renewed. Without the key of its time the other does not open, and the rotation says so before it
    // makes another key.
    world.run("connection test demo-ca").await.expect(0);
    let file = |name: &str| world.path(&format!("ledgerfleet.db.key{name}"));
    let (former, away) = (file(&format!(".former.{}", key_in(&before))), world.path("away"));
    std::fs::rename(&former, &away).unwrap();
    world
        .run("key rotate")
        .await
        .expect(2)
        .says(&format!("used with master key {}", key_in(&before)));
    // As where that was turned back, and some of the credentials are sealed with either.
    let path = world.path("ledgerfleet.db");
    let mut session = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path))
        .await
        .unwrap();
    sqlx::query("UPDATE fleet_master_key SET key_id = ?")
        .bind(key_in(&now))
        .execute(&mut session)
        .await
        .unwrap();
    session.close().await.unwrap();
    world.run("key rotate").await.expect(2).says(&format!(
        "sealed with key {}, which is not here; nothing was changed",
        key_in(&before)
    ));
    assert!(!file(".next").exists(), "no third key");
    // Nor with one that cannot be read; which is said.
    std::fs::write(&former, "shopping list").unwrap();
    world
        .run("connection test demo-us")
        .await
        .expect(2)
        .says(&format!(
            "ledgerfleet.db.key.former.{} does not hold",
            key_in(&before)
        ));
    std::fs::rename(&away, &former).unwrap();
    open_all().await;
    world.run("key rotate").await.expect(0);
    let (result, last) = keys(&world).await;
    assert_eq!(result, "ok", "{last}");
    assert_ne!(key_in(&last), key_in(&now));
    open_all().await;

    // What nothing needs any more keeps nobody from starting.
    std::fs::write(&former, "shopping list").unwrap();
    world
        .run("connection test demo-us")
        .await
        .expect(0)
        .says("nothing needs that former key now");
}
