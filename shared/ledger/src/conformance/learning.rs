//! Learning: what is known of an entity's upstream.

use ledgerfleet_model::ConnectionId;

use super::World;
use super::scene::{company, scene, seconds};
use crate::Fact;
use crate::learned::{BELIEVED, SIZE_BELIEVED};

async fn learned(world: &dyn World, connection: ConnectionId, entity: &str) -> Vec<(Fact, u64)> {
    let mut learned = world.ledger().learned(connection, entity).await.unwrap();
    learned.sort_by_key(|(fact, _)| fact.as_str());
    learned
}

pub async fn what_is_learned_belongs_to_an_entity_of_a_company(world: &dyn World) {
    let (one, other) = (scene(world, 1).await.connection, company(world, "other").await);
    let ledger = world.ledger();
    assert!(ledger.learn(one, "invoice", Fact::LargestPage, 40).await.unwrap());
    assert!(ledger.learn(one, "invoice", Fact::OrderRefused, 1).await.unwrap());
    let both = [(Fact::LargestPage, 40), (Fact::OrderRefused, 1)];
    assert_eq!(learned(world, one, "invoice").await, both);
    assert!(learned(world, one, "bill").await.is_empty());
    assert!(learned(world, other, "invoice").await.is_empty());
}

pub async fn only_a_larger_value_is_news_while_the_fact_is_believed(world: &dyn World) {
    let connection = scene(world, 1).await.connection;
    let ledger = world.ledger();
    for (rows, is_news) in [(40, true), (40, false), (7, false), (41, true)] {
        let learned = ledger.learn(connection, "invoice", Fact::LargestPage, rows).await;
        assert_eq!(learned.unwrap(), is_news, "{rows}");
    }
    assert_eq!(
        learned(world, connection, "invoice").await,
        [(Fact::LargestPage, 41)]
    );

    assert!(
        ledger
            .learn(connection, "invoice", Fact::OrderRefused, 1)
            .await
            .unwrap()
    );

    world.pass_time(SIZE_BELIEVED + seconds(60)).await;
    let shrunk = [(Fact::LargestPage, 0), (Fact::OrderRefused, 1)];
    assert_eq!(
        learned(world, connection, "invoice").await,
        shrunk,
        "a limit may have been lowered since"
    );
    let learning = ledger.learn(connection, "invoice", Fact::LargestPage, 3);
    assert!(learning.await.unwrap());
    let again = [(Fact::LargestPage, 3), (Fact::OrderRefused, 1)];
    assert_eq!(learned(world, connection, "invoice").await, again);

    world.pass_time(BELIEVED + seconds(60)).await;
    assert!(
        learned(world, connection, "invoice").await.is_empty(),
        "it may have changed since"
    );
    assert!(
        ledger
            .learn(connection, "invoice", Fact::LargestPage, 3)
            .await
            .unwrap()
    );
    assert_eq!(
        learned(world, connection, "invoice").await,
        [(Fact::LargestPage, 3)]
    );
}
