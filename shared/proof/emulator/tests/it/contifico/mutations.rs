use std::collections::BTreeSet;

use ledgerfleet_emulator::{Axis, ContificoKind, ContificoMutation, LargePages, Pick, TruthFilter};
use serde_json::{Value, json};

use super::shop::{Shop, cents, hashed, millionths, steady};

fn mutation(resource: &str, kind: ContificoKind) -> ContificoMutation {
    ContificoMutation {
        pick: Pick::Random,
        ..ContificoMutation::new("tienda", resource, kind)
    }
}

async fn by_id(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("v1/documento/{id}")).await.json()
}

#[tokio::test]
async fn what_is_created_changed_and_deleted_is_what_the_truth_then_has() {
    let shop = Shop::with(ledgerfleet_emulator::ContificoSwitches {
        large_movement_pages: LargePages::Served,
        ..steady()
    })
    .await;
    for (resource, path) in [
        ("categories", "v1/categoria"),
        ("brands", "v1/marca"),
        ("variants", "v1/variante"),
        ("products", "v1/producto"),
        ("warehouses", "v1/bodega"),
        ("inventory_movements@v1", "v1/movimiento-inventario"),
        ("remission_guides", "v1/inventario/guia"),
        ("documents", "v1/registro/documento"),
        ("registry_transactions", "v1/registro/transaccion"),
        ("persons@v1", "v1/persona"),
        ("cost_centers", "v1/contabilidad/centro-costo"),
        ("chart_of_accounts", "v1/contabilidad/cuenta-contable"),
        ("journal_entries@v2", "v2/contabilidad/asiento"),
        ("bank_accounts", "v1/banco/cuenta"),
        ("bank_movements", "v1/banco/movimiento"),
    ] {
        let name = resource.split('@').next().unwrap();
        let before = shop.hashes(resource);
        let made = shop
            .emulator
            .mutate_contifico(mutation(name, ContificoKind::Create))
            .unwrap();
        let edited = shop
            .emulator
            .mutate_contifico(mutation(name, ContificoKind::Update))
            .unwrap();
        let dead = shop
            .emulator
            .mutate_contifico(mutation(name, ContificoKind::Delete))
            .unwrap();
        let after = shop.hashes(resource);
        let rows = if path.starts_with("v2") {
            shop.walk(&format!("{path}/")).await
        } else {
            shop.raw_rows(&format!("{path}/")).await
        };
        assert_eq!(hashed(&rows), after, "{resource}");
        assert!(
            !before.contains_key(&made[0]) && !after.contains_key(&dead[0]),
            "{resource}"
        );
        if !dead.contains(&edited[0]) && !made.contains(&edited[0]) {
            assert_ne!(before[&edited[0]], after[&edited[0]], "{resource}");
        }
        let gone: Vec<String> = shop.gone(name).into_iter().map(|line| line.id).collect();
        assert_eq!(gone, dead, "{resource}");
    }
}

#[tokio::test]
async fn a_late_payment_changes_an_old_document_and_no_date_of_emission() {
    let shop = Shop::start().await;
    let before = (
        shop.hashes("registry_transactions").len(),
        shop.hashes("journal_entries").len(),
    );
    let half = ContificoMutation {
        percent: Some(50),
        pick: Pick::First,
        ..mutation("sales", ContificoKind::Pay)
    };
    let id = shop.emulator.mutate_contifico(half).unwrap().remove(0);
    let paid_half = by_id(&shop, &id).await;
    let rest = ContificoMutation {
        ids: vec![id.clone()],
        ..mutation("sales", ContificoKind::Pay)
    };
    assert_eq!(
        shop.emulator.mutate_contifico(rest.clone()).unwrap(),
        std::slice::from_ref(&id)
    );
    let paid = by_id(&shop, &id).await;
    assert!(cents(&paid_half["saldo"]) > 0 && paid_half["estado"] == "P");
    assert_eq!((cents(&paid["saldo"]), &paid["estado"]), (0, &json!("C")));
    let collected: i64 = paid["cobros"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| cents(&row["monto"]))
        .sum();
    assert_eq!(collected, cents(&paid["total"]));
    assert_eq!(paid["fecha_emision"], paid_half["fecha_emision"]);
    assert!(
        paid["cobros"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["fecha"] == "20/07/2026")
    );
    assert!(
        shop.emulator.mutate_contifico(rest).unwrap().is_empty(),
        "nothing is left to be paid"
    );

    let after = (
        shop.hashes("registry_transactions").len(),
        shop.hashes("journal_entries").len(),
    );
    assert_eq!(
        (after.0 - before.0, after.1 - before.1),
        (2, 2),
        "a transaction and an entry for each"
    );
    let newest = shop
        .rows("v1/registro/transaccion/?result_size=1&result_page=1")
        .await
        .remove(0);
    assert_eq!(
        (&newest["documento_id"], &newest["tipo"]),
        (&json!(id), &json!("C"))
    );
    let today = TruthFilter {
        by: Some(Axis::Updated),
        from: "2026-07-20".parse().ok(),
        ..TruthFilter::default()
    };
    let changed = shop.emulator.truth("tienda", "documents", &today).unwrap();
    assert_eq!(changed.iter().map(|line| &line.id).collect::<Vec<_>>(), [&id]);
    let mut entries = shop
        .rows("v2/contabilidad/asiento/?fecha_inicial=20/07/2026&fecha_final=20/07/2026")
        .await;
    // What was bought for months is written off on that day, too.
    entries.retain(|entry| entry["glosa"].as_str().unwrap().starts_with("COBRO"));
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry["detalles"][0]["valor"], entry["detalles"][1]["valor"]);
    }
}

#[tokio::test]
async fn a_journal_entry_is_issued_anew_under_another_id_with_the_same_content() {
    let shop = Shop::start().await;
    let old: Vec<String> = shop.hashes("journal_entries").into_keys().collect();
    let wanted = ContificoMutation {
        count: 5,
        ..mutation("journal_entries", ContificoKind::Reissue)
    };
    let new = shop.emulator.mutate_contifico(wanted).unwrap();
    let now: BTreeSet<String> = shop.hashes("journal_entries").into_keys().collect();
    let gone: Vec<String> = old.iter().filter(|id| !now.contains(*id)).cloned().collect();
    assert_eq!((now.len(), gone.len(), new.len()), (old.len(), 5, 5));
    assert!(new.iter().all(|id| now.contains(id)));
    let told: BTreeSet<String> = shop
        .gone("journal_entries")
        .into_iter()
        .map(|line| line.id)
        .collect();
    assert_eq!(told, gone.iter().cloned().collect());
    for id in &gone {
        let missing = shop
            .get(&format!("v2/contabilidad/asiento/{id}/"))
            .await
            .status
            .as_u16();
        assert!(matches!(missing, 404 | 406), "{missing}");
    }
    let without_id = |text: String| text.split_once(',').unwrap().1.to_owned();
    let walked: BTreeSet<String> = shop
        .walk("v2/contabilidad/asiento/")
        .await
        .into_iter()
        .map(without_id)
        .collect();
    for id in &new {
        let entry = shop.get(&format!("v2/contabilidad/asiento/{id}/")).await;
        assert!(walked.contains(&without_id(entry.body)));
    }
}

#[tokio::test]
async fn a_document_that_is_edited_by_deleting_and_making_it_anew_leaves_no_trace() {
    let shop = Shop::start().await;
    let first = shop.hashes("sales").into_keys().next().unwrap();
    let mut id = first.clone();
    for _ in 0..5 {
        let again = ContificoMutation {
            ids: vec![id.clone()],
            ..mutation("sales", ContificoKind::Reissue)
        };
        id = shop.emulator.mutate_contifico(again).unwrap().remove(0);
    }
    assert_eq!(shop.gone("sales").len(), 5);
    assert_eq!(shop.get(&format!("v2/documento/{first}/")).await.status, 400);
    assert_eq!(shop.get(&format!("v2/documento/{id}/")).await.status, 200);
}

#[tokio::test]
async fn the_tax_offices_answer_comes_later_and_moves_no_date() {
    let shop = Shop::start().await;
    let many = ContificoMutation {
        count: 20,
        day: "2026-07-18".parse().ok(),
        ..mutation("documents", ContificoKind::Create)
    };
    let made = shop.emulator.mutate_contifico(many).unwrap();
    let mut electronic = None;
    for id in made {
        let row = by_id(&shop, &id).await;
        assert_eq!(
            (&row["autorizacion"], &row["fecha_emision"]),
            (&json!(""), &json!("18/07/2026"))
        );
        if row["electronico"] == true {
            electronic = Some(id);
        }
    }
    let id = electronic.expect("an electronic one among twenty");
    let updated = |shop: &Shop| {
        shop.truth("documents")
            .into_iter()
            .find(|line| line.id == id)
            .unwrap()
            .updated_at
    };
    let before = updated(&shop);
    shop.emulator.clock().step(std::time::Duration::from_hours(48));
    let authorise = ContificoMutation {
        ids: vec![id.clone()],
        ..mutation("documents", ContificoKind::Authorise)
    };
    shop.emulator.mutate_contifico(authorise).unwrap();
    let row = by_id(&shop, &id).await;
    assert_eq!(row["autorizacion"].as_str().unwrap().len(), 49);
    assert!(row["url_xml"].is_string() && row["firmado"] == true);
    assert_eq!(updated(&shop), before);
}

#[tokio::test]
async fn a_movement_more_is_stock_more() {
    let shop = Shop::start().await;
    let id = shop
        .emulator
        .mutate_contifico(mutation("inventory_movements", ContificoKind::Create))
        .unwrap()
        .remove(0);
    let movement = shop.get(&format!("v2/movimiento-inventario/{id}/")).await.json();
    let line = &movement["detalles"][0];
    let product = line["producto_id"].as_str().unwrap();
    let of_product = movement["detalles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["producto_id"] == product);
    let more: i64 = of_product.map(|line| millionths(&line["cantidad"])).sum();
    let stock =
        async || millionths(&shop.get(&format!("v1/producto/{product}")).await.json()["cantidad_stock"]);
    let with = stock().await;
    let delete = ContificoMutation {
        ids: vec![id],
        ..mutation("inventory_movements", ContificoKind::Delete)
    };
    shop.emulator.mutate_contifico(delete).unwrap();
    assert_eq!(with - stock().await, more);
}

#[tokio::test]
async fn a_mutation_happens_at_every_kth_request_and_is_hidden_for_a_while() {
    let shop = Shop::start().await;
    let wanted = json!({"company": "tienda", "entity": "sales", "kind": "delete", "every": 3, "times": 2});
    assert_eq!(shop.control("mutate", &wanted).await.json(), json!({"ids": []}));
    for _ in 0..12 {
        shop.get("v1/bodega/").await;
    }
    assert_eq!(shop.gone("sales").len(), 2);

    shop.control("faults", &json!({"set": ["visibility_delay=20,company=tienda"]}))
        .await;
    let made = shop
        .control(
            "mutate",
            &json!({"company": "tienda", "entity": "persons", "kind": "create"}),
        )
        .await
        .json();
    let id = made["ids"][0].as_str().unwrap();
    assert_eq!(shop.get(&format!("v2/persona/{id}/")).await.status, 404);
    assert!(shop.hashes("persons").contains_key(id), "the truth knows at once");
    shop.emulator.clock().step(std::time::Duration::from_secs(20));
    assert_eq!(shop.get(&format!("v2/persona/{id}/")).await.status, 200);
}

#[tokio::test]
async fn a_mutation_that_cannot_be_meant_is_explained() {
    let shop = Shop::start().await;
    for (wanted, why) in [
        (
            json!({"company": "tienda", "entity": "invoice", "kind": "update"}),
            "invoice",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "pay"}),
            "only documents",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "void"}),
            "void",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "update", "count": 0}),
            "1 to 100000",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "update", "every": 0}),
            "from 1",
        ),
        (
            json!({"company": "tienda", "entity": "sales", "kind": "pay", "percent": 101}),
            "percent",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "update", "ids": ["x"]}),
            "no record x",
        ),
        (
            json!({"company": "tienda", "entity": "persons", "kind": "update", "colour": 1}),
            "colour",
        ),
        (
            json!({"company": "nadie", "entity": "persons", "kind": "update"}),
            "nadie",
        ),
    ] {
        let refused = shop.control("mutate", &wanted).await;
        assert_eq!(refused.status, 400, "{wanted}");
        assert!(refused.body.contains(why), "{wanted}: {}", refused.body);
    }
}
