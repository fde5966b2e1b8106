//! Which master key a ledger is used with.

use super::World;
use super::scene::{company, credential, new_connection};
use crate::KeyChoice::{First, WhileNothingIsSealed};
use crate::{LedgerError, Purge, SealedCredential};

pub async fn the_first_key_is_the_ledgers(world: &dyn World) {
    let ledger = world.ledger();
    assert_eq!(ledger.agree_on_key("aaaaaaaa", First).await.unwrap(), "aaaaaaaa");
    for _ in 0..2 {
        assert_eq!(ledger.agree_on_key("bbbbbbbb", First).await.unwrap(), "aaaaaaaa");
        assert_eq!(ledger.agree_on_key("aaaaaaaa", First).await.unwrap(), "aaaaaaaa");
    }
}

pub async fn of_keys_that_come_at_one_moment_one_is_the_ledgers(world: &dyn World) {
    let keys: Vec<String> = (0..8).map(|number| format!("0000000{number}")).collect();
    let agreed = keys.iter().map(|key| world.ledger().agree_on_key(key, First));
    let agreed = futures::future::join_all(agreed).await;
    let agreed: Vec<String> = agreed.into_iter().map(Result::unwrap).collect();
    assert!(agreed.iter().all(|key| *key == agreed[0]), "{agreed:?}");
}

pub async fn another_key_can_be_chosen_while_nothing_is_sealed(world: &dyn World) {
    let ledger = world.ledger();
    let choose = async |key: &str| ledger.agree_on_key(key, WhileNothingIsSealed).await.unwrap();
    assert_eq!(choose("aaaaaaaa").await, "aaaaaaaa");
    assert_eq!(choose("bbbbbbbb").await, "bbbbbbbb");
    company(world, "Alder").await;
    assert_eq!(choose("cccccccc").await, "bbbbbbbb");
    assert_eq!(choose("bbbbbbbb").await, "bbbbbbbb");
}

pub async fn what_is_sealed_is_sealed_anew_where_nobody_has_replaced_it(world: &dyn World) {
    let ledger = world.ledger();
    let (alder, birch) = (company(world, "Alder").await, company(world, "Birch").await);
    ledger.agree_on_key("aaaaaaaa", First).await.unwrap();
    let rows = ledger.sealed_rows().await.unwrap();
    let of = |connection| rows.iter().find(|row| row.connection == connection).unwrap();
    assert_eq!(
        (rows.len(), of(alder).sealed.as_str(), of(alder).version),
        (2, "sealed 1", 1)
    );
    assert!(ledger.replace_credential(birch, 1, &credential(2)).await.unwrap());
    assert!(ledger.reseal(of(alder), "sealed anew").await.unwrap());
    assert!(!ledger.reseal(of(alder), "sealed twice").await.unwrap());
    assert!(
        !ledger.reseal(of(birch), "sealed anew").await.unwrap(),
        "it is another one by now"
    );
    let stored = ledger.credential(alder).await.unwrap().unwrap();
    assert_eq!((stored.sealed.as_str(), stored.version), ("sealed anew", 1));
    assert_eq!(
        ledger.credential(birch).await.unwrap().unwrap().sealed,
        "sealed 2"
    );
    ledger.turn_key("bbbbbbbb", "ada").await.unwrap();
    assert_eq!(ledger.agree_on_key("aaaaaaaa", First).await.unwrap(), "bbbbbbbb");
}

/// A process that has read its key before a rotation, and stores something after it.
pub async fn what_a_former_key_has_sealed_is_not_stored(world: &dyn World) {
    let ledger = world.ledger();
    let by = |key: &str, version| SealedCredential {
        version,
        sealed: format!("lfs1.{key}.text"),
        stored_at: None,
    };
    let alder = company(world, "Alder").await;
    ledger.agree_on_key("aaaaaaaa", First).await.unwrap();
    assert!(
        ledger
            .replace_credential(alder, 1, &by("aaaaaaaa", 2))
            .await
            .unwrap()
    );
    // While one key is replaced by the other, either may have sealed it.
    assert!(
        ledger
            .replace_credential(alder, 2, &by("bbbbbbbb", 3))
            .await
            .unwrap()
    );
    ledger.turn_key("bbbbbbbb", "ada").await.unwrap();
    let is_refused = |stored: Result<bool, LedgerError>| match stored {
        Err(LedgerError::FormerKey { sealed, now }) => {
            (sealed, now) == ("aaaaaaaa".into(), "bbbbbbbb".into())
        }
        _ => false,
    };
    for version in [4, 5] {
        let stored = ledger
            .replace_credential(alder, 3, &by("aaaaaaaa", version))
            .await;
        assert!(is_refused(stored));
    }
    let birch = new_connection("Birch");
    let added = ledger.add_connection(&birch, &by("aaaaaaaa", 1)).await;
    assert!(is_refused(added.map(|_| true)));
    assert!(ledger.connection(birch.id).await.unwrap().is_none());
    ledger.add_connection(&birch, &by("bbbbbbbb", 1)).await.unwrap();
    ledger
        .remove_connection(birch.id, Purge::KeepRecords)
        .await
        .unwrap();
    let again = ledger.reconnect(&birch, &by("aaaaaaaa", 2)).await;
    assert!(is_refused(again.map(|_| true)));
    ledger.reconnect(&birch, &by("bbbbbbbb", 2)).await.unwrap();

    // One that no rotation has replaced, as after a backup was restored.
    assert!(
        ledger
            .replace_credential(alder, 3, &by("cccccccc", 4))
            .await
            .unwrap()
    );
    ledger.turn_key("bbbbbbbb", "ada").await.unwrap();
    assert!(
        ledger
            .replace_credential(alder, 4, &by("bbbbbbbb", 5))
            .await
            .unwrap()
    );
    ledger.turn_key("aaaaaaaa", "ada").await.unwrap();
    assert!(
        ledger
            .replace_credential(alder, 5, &by("aaaaaaaa", 6))
            .await
            .unwrap(),
        "it is the ledger's again"
    );
}
