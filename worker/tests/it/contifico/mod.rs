//! Contífico, copied: what is stored equals the emulator's truth, with each of its switches in its worst position.

mod changing;
mod failing;
mod shop;
mod switches;

use ledgerfleet_connectors::contifico::ENTITIES;
use ledgerfleet_emulator::ContificoSwitches;

use shop::Shop;

/// Every resource.
fn all() -> Vec<&'static str> {
    ENTITIES.iter().map(|entity| entity.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_resources_are_copied_to_the_letter() {
    let shop = Shop::with(ContificoSwitches::default()).await;
    shop.copy(&all(), 1_000).await;
    shop.assert_truth(&all()).await;
}
