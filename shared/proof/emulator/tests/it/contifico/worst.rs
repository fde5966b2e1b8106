use std::collections::BTreeSet;

use ledgerfleet_emulator::{
    BankMovementPath, ContificoSwitches, CountKept, DateStyle, ErrorBody, ItemShape, LastDay, MissingJournal,
    NextLink, NullIds, PagePastEnd, PosAnswer, Toggle, V1Journals, V1Paging, V2Documents, V2Order, WrongDate,
};
use serde_json::Value;

use super::shop::{Shop, raw_rows};

fn worst() -> ContificoSwitches {
    ContificoSwitches {
        v1_paging: V1Paging::FirstPage,
        v2_order: V2Order::Churning,
        count: CountKept::RepeatsAll,
        page_past_end: PagePastEnd::LastPage,
        next_link: NextLink::OtherHost,
        v1_journals: V1Journals::NotAllowed,
        bank_movements: BankMovementPath::Both,
        v2_documents: V2Documents::Envelope,
        null_ids: NullIds::Coded,
        items: ItemShape::Arrays,
        v2_dates: DateStyle::Iso,
        wrong_date: WrongDate::Ignored,
        v1_last_day: LastDay::Excluded,
        error_body: ErrorBody::Html,
        missing_journal: MissingJournal::NotAcceptable,
        pos: PosAnswer::Refused,
        document_changes: Toggle::On,
        twin_collections: Toggle::On,
        ..ContificoSwitches::default()
    }
}

/// The id of a row, or the name that is left of it.
fn name(row: &str) -> String {
    let row: Value = serde_json::from_str(row).expect("a row");
    let keys = ["id", "codigo", "numero", "numero_comprobante", "cedula", "ruc"];
    let told = keys
        .iter()
        .filter_map(|key| row[key].as_str())
        .find(|text| !text.is_empty());
    told.expect("a name").to_owned()
}

/// One pass through a list of version 2: page after page, until one brings nothing that is new.
async fn pass(shop: &Shop, path: &str, size: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for page in 1.. {
        let rows = raw_rows(
            &shop
                .get(&format!("v2/{path}/?page_size={size}&page={page}"))
                .await,
        );
        let before = names.len();
        names.extend(rows.iter().map(|row| name(row)));
        if names.len() == before {
            break;
        }
    }
    names
}

#[tokio::test]
async fn all_books_can_be_read_with_every_switch_in_its_worst_position() {
    let shop = Shop::with(worst()).await;
    for (resource, path) in [
        ("inventory_movements", "movimiento-inventario"),
        ("journal_entries", "contabilidad/asiento"),
        ("persons", "persona"),
        ("documents@v2", "documento"),
    ] {
        let truth: BTreeSet<String> = shop.hashes(resource).into_keys().collect();
        let mut read = BTreeSet::new();
        let mut passes = 0;
        for size in [97, 89, 71, 53].into_iter().cycle().take(12) {
            let found = pass(&shop, path, size).await;
            passes += 1;
            let before = read.len();
            read.extend(found);
            if passes > 1 && read.len() == before {
                break;
            }
        }
        assert_eq!(read, truth, "{resource} after {passes} passes");
    }
    for (resource, path) in [
        ("categories", "categoria"),
        ("brands", "marca"),
        ("variants", "variante"),
        ("products", "producto"),
        ("warehouses", "bodega"),
        ("remission_guides", "inventario/guia"),
        ("documents", "registro/documento"),
        ("registry_transactions", "registro/transaccion"),
        ("cost_centers", "contabilidad/centro-costo"),
        ("chart_of_accounts", "contabilidad/cuenta-contable"),
        ("bank_accounts", "banco/cuenta"),
        ("bank_movements", "banco/movimiento_bancario"),
    ] {
        let truth: BTreeSet<String> = shop.hashes(resource).into_keys().collect();
        let rows = shop.raw_rows(&format!("v1/{path}/")).await;
        let read: BTreeSet<String> = rows.iter().map(|row| name(row)).collect();
        assert_eq!(read, truth, "{resource}");
    }
}
