//! The master key is replaced while a process that has read it is still at work.

use std::sync::Arc;

use ledgerfleet_access::Reread;
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_vault::{MasterKey, Vault};
use secrecy::SecretString;

use crate::world::World;

#[tokio::test]
async fn what_a_person_brings_is_sealed_with_the_key_that_has_taken_the_place_of_this_process() {
    let world = World::start().await;
    let (ledger, id) = (&world.ledger, world.connection.id);
    let new = MasterKey::generate();
    let both = world.vault.as_ref().clone().and([new.clone()]);
    let replaced = Vault::new(new.clone());
    let by_reading = Reread::by(move || Some(replaced.clone()));
    ledger.turn_key(world.vault.key_id(), "ada").await.unwrap();
    ledger.turn_key(new.id(), "ada").await.unwrap();
    let secret = SecretString::from("RT1-brought");
    let mut version = 1;
    for (vault, reread, is_stored) in [
        (world.vault.as_ref().clone(), None, false),
        (both, None, true),
        (world.vault.as_ref().clone(), Some(by_reading), true),
        (Vault::new(new.clone()), None, true),
    ] {
        let access = world.process_with_keys(Arc::new(vault), reread);
        let replace = || async {
            let sealed = access.seal_replacement(id, version + 1, &secret);
            ledger.replace_credential(id, version, &sealed).await
        };
        match access.store_sealed(replace).await {
            Ok(replaced) => assert!(replaced && is_stored),
            Err(error) => assert!(
                !is_stored && matches!(error, LedgerError::FormerKey { .. }),
                "{error}"
            ),
        }
        version += i64::from(is_stored);
        let stored = ledger.credential(id).await.unwrap().unwrap();
        let by = if version == 1 {
            world.vault.key_id()
        } else {
            new.id()
        };
        assert_eq!(
            (Vault::key_of(&stored.sealed), stored.version),
            (Some(by), version)
        );
    }
}
