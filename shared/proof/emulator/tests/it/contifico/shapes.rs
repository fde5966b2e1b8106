use std::collections::BTreeSet;

use ledgerfleet_emulator::{AmountStyle, ContificoSwitches, DateStyle, ItemShape, NullIds, Toggle};
use serde_json::{Value, json};

use super::shop::{Shop, id, steady};

#[tokio::test]
async fn one_record_comes_bare_or_in_an_array_of_one() {
    for (switch, in_array) in [
        (ItemShape::Documented, ["persona", "banco/movimiento"].as_slice()),
        (ItemShape::Objects, &[]),
        (
            ItemShape::Arrays,
            &["persona", "banco/movimiento", "producto", "documento"],
        ),
    ] {
        let shop = Shop::with(ContificoSwitches {
            items: switch,
            ..steady()
        })
        .await;
        for path in ["persona", "banco/movimiento", "producto", "documento"] {
            let row = shop.raw_rows(&format!("v1/{path}/")).await.remove(3);
            let wanted = id(&serde_json::from_str(&row).unwrap());
            for slash in ["", "/"] {
                let item = shop.get(&format!("v1/{path}/{wanted}{slash}")).await;
                let expected = if in_array.contains(&path) {
                    format!("[{row}]")
                } else {
                    row.clone()
                };
                assert_eq!(item.body, expected, "{switch:?} {path}");
            }
        }
    }
}

/// How often amounts of products and of documents' lines are texts and numbers.
async fn styles(switch: AmountStyle, version: &str) -> [BTreeSet<bool>; 2] {
    let shop = Shop::with(ContificoSwitches {
        amounts: switch,
        ..steady()
    })
    .await;
    let mut heads = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for row in shop.rows(&format!("{version}/documento/")).await {
        heads.insert(row["total"].is_string());
        lines.extend(
            row["detalles"]
                .as_array()
                .expect("lines")
                .iter()
                .map(|line| line["cantidad"].is_string()),
        );
    }
    [heads, lines]
}

#[tokio::test]
async fn amounts_are_texts_numbers_or_both() {
    let (texts, numbers, both) = (
        BTreeSet::from([true]),
        BTreeSet::from([false]),
        BTreeSet::from([true, false]),
    );
    for (switch, version, heads, lines) in [
        (AmountStyle::Mixed, "v1", &texts, &both),
        (AmountStyle::Mixed, "v2", &texts, &numbers),
        (AmountStyle::Texts, "v1", &texts, &texts),
        (AmountStyle::Numbers, "v1", &numbers, &numbers),
    ] {
        let seen = styles(switch, version).await;
        assert_eq!([&seen[0], &seen[1]], [heads, lines], "{switch:?} {version}");
    }
}

#[tokio::test]
async fn whole_amounts_have_a_decimal_and_prices_may_have_six() {
    let shop = Shop::start().await;
    let prices: Vec<String> = shop
        .rows("v1/producto/")
        .await
        .iter()
        .map(|row| row["pvp1"].as_str().unwrap().to_owned())
        .collect();
    assert!(prices.iter().all(|price| price.contains('.')));
    assert!(prices.iter().any(|price| price.ends_with(".0")));
    assert!(
        prices
            .iter()
            .any(|price| price.split_once('.').unwrap().1.len() == 6)
    );
    let stock = shop.rows("v1/producto/").await;
    assert!(
        stock
            .iter()
            .any(|row| row["cantidad_stock"].as_str().unwrap().starts_with('-'))
    );
}

#[tokio::test]
async fn version_two_writes_some_dates_otherwise() {
    for (switch, parts) in [(DateStyle::DayFirst, '/'), (DateStyle::Iso, '-')] {
        let shop = Shop::with(ContificoSwitches {
            v2_dates: switch,
            ..steady()
        })
        .await;
        let movement = shop.rows("v2/movimiento-inventario/").await.remove(0);
        assert_eq!(movement["fecha"].as_str().unwrap().matches(parts).count(), 2);
        let product = shop.rows("v2/producto/").await.remove(0);
        assert_eq!(
            product["fecha_creacion"].as_str().unwrap().matches(parts).count(),
            2
        );
        let document = shop.rows("v2/documento/").await.remove(0);
        assert_eq!(
            document["fecha_emision"].as_str().unwrap().matches('/').count(),
            2
        );
    }
}

#[tokio::test]
async fn ids_are_null_and_the_truth_names_records_by_what_is_left() {
    for (switch, nulls) in [
        (NullIds::None, [].as_slice()),
        (NullIds::Persons, &["v1/persona"]),
        (
            NullIds::Coded,
            &[
                "v1/persona",
                "v2/persona",
                "v1/producto",
                "v1/bodega",
                "v1/banco/cuenta",
            ],
        ),
    ] {
        let shop = Shop::with(ContificoSwitches {
            null_ids: switch,
            ..steady()
        })
        .await;
        for (path, resource, key) in [
            ("v1/persona", "persons@v1", ""),
            ("v2/persona", "persons@v2", ""),
            ("v1/producto", "products", "codigo"),
            ("v1/bodega", "warehouses", "codigo"),
            ("v1/banco/cuenta", "bank_accounts", "numero"),
            ("v1/registro/documento", "documents", ""),
        ] {
            let rows = shop.rows(&format!("{path}/")).await;
            let hidden = nulls.contains(&path);
            assert!(
                rows.iter().all(|row| row["id"].is_null() == hidden),
                "{switch:?} {path}"
            );
            let names: BTreeSet<String> = shop.hashes(resource).into_keys().collect();
            assert!(names.len() >= rows.len(), "each has a name of its own: {path}");
            if hidden && !key.is_empty() {
                assert!(rows.iter().all(|row| names.contains(row[key].as_str().unwrap())));
            }
        }
        let persons = shop.hashes("persons@v1");
        let by_number = shop
            .emulator
            .text("tienda", "persons@v1", persons.keys().next().unwrap());
        assert!(by_number.is_some());
        let inside = shop
            .rows("v1/registro/documento/?tipo_registro=CLI")
            .await
            .remove(0);
        assert_eq!(inside["persona"]["id"].is_null(), switch != NullIds::None);
    }
}

#[tokio::test]
async fn documents_of_version_two_may_tell_their_changes_and_their_collections_twice() {
    for (switch, there) in [(Toggle::Off, false), (Toggle::On, true)] {
        let shop = Shop::with(ContificoSwitches {
            document_changes: switch,
            twin_collections: switch,
            ..steady()
        })
        .await;
        let rows = shop.rows("v2/documento/").await;
        assert!(
            rows.iter()
                .all(|row| row.get("fecha_modificacion").is_some() == there)
        );
        assert!(
            rows.iter()
                .all(|row| row.get("cobros_read_only").is_some() == there)
        );
        if there {
            assert!(rows.iter().all(|row| row["cobros"] == row["cobros_read_only"]));
        }
        let first = shop.rows("v1/registro/documento/").await.remove(0);
        assert!(first.get("cobros_read_only").is_none());
    }
}

#[tokio::test]
async fn the_versions_name_a_documents_party_differently() {
    let shop = Shop::start().await;
    let (v1, v2) = (
        shop.rows("v1/registro/documento/").await,
        shop.rows("v2/documento/").await,
    );
    let parties = |rows: &[Value], key: &str| {
        rows.iter()
            .filter(|row| row[key]["razon_social"].is_string())
            .count()
    };
    assert!(parties(&v1, "persona") > v1.len() / 2 && parties(&v1, "cliente") == 0);
    assert!(
        v1.iter()
            .any(|row| row["persona"] == json!({}) && row["persona_id"].is_string()),
        "empty for some providers"
    );
    assert_eq!((parties(&v2, "cliente"), parties(&v2, "persona")), (v2.len(), 0));
    let person = &shop.rows("v2/persona/").await[0];
    assert!(person["cuenta_por_cobrar_id"]["id_integracion"].is_string());
    assert_eq!(person["aplicar_cupo"], json!("false"));
    assert!(shop.rows("v2/categoria/").await[0]["cuenta_venta"].is_u64());
}
