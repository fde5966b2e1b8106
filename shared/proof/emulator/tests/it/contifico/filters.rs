use std::collections::BTreeSet;

use chrono::NaiveDate;
use ledgerfleet_emulator::{
    Axis, BankMovementDates, ContificoSwitches, LastDay, TruthFilter, UnknownParameters, WrongDate,
};

use super::shop::{Shop, steady};

const DAYS: [&str; 2] = ["2026-05-04", "2026-05-11"];

/// The ids that the truth has between two days, both included.
fn between(shop: &Shop, resource: &str, by: Axis, from: &str, to: &str) -> BTreeSet<String> {
    let filter = TruthFilter {
        by: Some(by),
        from: from.parse().ok(),
        to: to.parse().ok(),
        tz: Some("America/Guayaquil".to_owned()),
        ..TruthFilter::default()
    };
    let lines = shop.emulator.truth("tienda", resource, &filter).expect("a truth");
    lines.into_iter().map(|line| line.id).collect()
}

fn day_first(day: &str) -> String {
    let day: NaiveDate = day.parse().expect("a day");
    day.format("%d/%m/%Y").to_string()
}

/// All ids of a list of either version.
async fn listed(shop: &Shop, path: &str) -> BTreeSet<String> {
    let rows = if path.starts_with("v2") {
        shop.walk(path).await
    } else {
        shop.raw_rows(path).await
    };
    rows.iter()
        .map(|row| super::shop::id(&serde_json::from_str(row).expect("a row")))
        .collect()
}

#[tokio::test]
async fn a_range_of_days_is_what_the_truth_has_on_them() {
    let shop = Shop::start().await;
    let [first_day, to] = DAYS;
    // A list's few changes are spread over years.
    let years = "2025-02-03";
    for (path, resource, by, is_iso) in [
        ("v1/categoria", "categories", Axis::Updated, false),
        ("v1/producto", "products", Axis::Updated, false),
        ("v1/persona", "persons@v1", Axis::Updated, false),
        ("v1/registro/documento", "documents", Axis::TxnDate, false),
        ("v1/banco/movimiento", "bank_movements", Axis::TxnDate, false),
        ("v2/documento", "documents@v2", Axis::TxnDate, false),
        ("v2/contabilidad/asiento", "journal_entries", Axis::TxnDate, false),
        ("v2/persona", "persons@v2", Axis::Updated, true),
        ("v2/producto", "products@v2", Axis::Updated, true),
    ] {
        let from = if by == Axis::Updated { years } else { first_day };
        let (first, last) = if is_iso {
            (from.to_owned(), to.to_owned())
        } else {
            (day_first(from), day_first(to))
        };
        let found = listed(
            &shop,
            &format!("{path}/?fecha_inicial={first}&fecha_final={last}"),
        )
        .await;
        let expected = between(&shop, resource, by, from, to);
        assert_eq!(found, expected, "{path}");
        assert!(
            !found.is_empty() && found.len() < shop.hashes(resource).len(),
            "{path}: {}",
            found.len()
        );
    }
    let since = listed(&shop, &format!("v2/persona/?modificados_desde_fecha={years}")).await;
    assert_eq!(
        since,
        between(&shop, "persons", Axis::Updated, years, "2026-12-31")
    );
}

#[tokio::test]
async fn whether_the_last_day_belongs_to_a_range_is_a_switch_of_each_version() {
    let [from, to] = DAYS;
    let before = "2026-05-10";
    for (v1, movements, v1_last, movements_last) in [
        (LastDay::Included, LastDay::Excluded, to, before),
        (LastDay::Excluded, LastDay::Included, before, to),
    ] {
        let shop = Shop::with(ContificoSwitches {
            v1_last_day: v1,
            v2_movement_last_day: movements,
            ..steady()
        })
        .await;
        let range = format!("fecha_inicial={}&fecha_final={}", day_first(from), day_first(to));
        for (path, resource, last) in [
            ("v1/registro/documento", "documents", v1_last),
            ("v2/movimiento-inventario", "inventory_movements", movements_last),
            ("v2/documento", "documents@v2", to),
        ] {
            let found = listed(&shop, &format!("{path}/?{range}")).await;
            assert_eq!(
                found,
                between(&shop, resource, Axis::TxnDate, from, last),
                "{path} {v1:?}"
            );
        }
    }
}

#[tokio::test]
async fn documents_are_filtered_by_kind_party_and_single_days() {
    let shop = Shop::start().await;
    let rows = shop.rows("v1/registro/documento/").await;
    let one = &rows[rows.len() / 2];
    let text = |key: &str| one[key].as_str().unwrap();
    for key in [
        "tipo_registro",
        "fecha_emision",
        "fecha_creacion",
        "fecha_vencimiento",
        "persona_id",
    ] {
        let found = shop
            .rows(&format!("v1/registro/documento/?{key}={}", text(key)))
            .await;
        assert!(found.contains(one), "{key}");
        assert!(found.iter().all(|row| row[key] == one[key]), "{key}");
        assert!(found.len() < rows.len(), "{key}");
    }
    let found = shop
        .rows("v1/registro/documento/?tipo=FAC&tipo_registro=PRO")
        .await;
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|row| row["tipo_documento"] == "FAC" && row["tipo_registro"] == "PRO")
    );
    // Of version 2 alone: one day of modification, with its year first.
    let changed = listed(&shop, "v2/documento/?fecha_modificacion=2026-05-11").await;
    assert_eq!(
        changed,
        between(&shop, "documents", Axis::Updated, "2026-05-11", "2026-05-11")
    );
    assert_eq!(
        shop.get("v2/documento/?fecha_modificacion=11/05/2026")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn persons_and_products_are_found_by_number_and_code() {
    let shop = Shop::start().await;
    let persons = shop.rows("v1/persona/").await;
    let person = persons.iter().find(|row| row["tipo"] == "N").unwrap();
    let found = shop
        .rows(&format!(
            "v1/persona/?identificacion={}",
            person["cedula"].as_str().unwrap()
        ))
        .await;
    assert_eq!(found, std::slice::from_ref(person));
    let product = shop.rows("v1/producto/?codigo=00017").await;
    assert_eq!(
        (product.len(), &product[0]["codigo"]),
        (1, &serde_json::json!("00017"))
    );
    let groups = shop.rows("v1/contabilidad/cuenta-contable/?tipo=G").await;
    assert!(groups.len() > 3 && groups.iter().all(|row| row["tipo"] == "G"));
    let out = shop.walk("v2/movimiento-inventario/?tipo=EGR").await;
    assert!(out.len() > 50 && out.iter().all(|row| row.contains(r#""tipo":"EGR""#)));
}

#[tokio::test]
async fn unknown_parameters_are_passed_over_or_refused() {
    for (switch, status) in [
        (UnknownParameters::Ignored, 200),
        (UnknownParameters::Refused, 400),
    ] {
        let shop = Shop::with(ContificoSwitches {
            unknown_parameters: switch,
            ..steady()
        })
        .await;
        for wrong in [
            "v1/registro/documento/?tipo_documento=FAC",
            "v1/persona/?cedula=1",
            "v1/producto/?fecha_modificacion__gte=2026-05-04",
            "v1/registro/transaccion/?fecha_inicio=04/05/2026",
            "v2/producto/?limit=5",
        ] {
            let answer = shop.get(wrong).await;
            assert_eq!(answer.status.as_u16(), status, "{wrong}");
            if status == 200 && wrong.starts_with("v1") {
                let whole = wrong.split('?').next().unwrap();
                assert_eq!(
                    shop.get(whole).await.body,
                    answer.body,
                    "everything comes: {wrong}"
                );
            }
        }
        assert_eq!(
            shop.get("v1/producto/?page=1&result_size=5&result_page=1")
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn a_date_in_the_wrong_order_is_refused_or_passed_over() {
    for (switch, status) in [(WrongDate::Refused, 400), (WrongDate::Ignored, 200)] {
        let shop = Shop::with(ContificoSwitches {
            wrong_date: switch,
            ..steady()
        })
        .await;
        for wrong in [
            "v1/registro/documento/?fecha_inicial=2026-05-04",
            "v1/registro/documento/?fecha_emision=05/31/2026",
            "v2/persona/?fecha_inicial=04/05/2026",
            "v2/contabilidad/asiento/?fecha_inicial=2026-05-04",
        ] {
            let answer = shop.get(wrong).await;
            assert_eq!(answer.status.as_u16(), status, "{wrong}");
        }
        for either in ["2026-05-04", "04/05/2026"] {
            let path = format!("v2/movimiento-inventario/?fecha_inicial={either}");
            assert_eq!(shop.get(&path).await.status, 200, "not said which");
        }
    }
}

#[tokio::test]
async fn the_range_of_bank_movements_means_emission_or_modification() {
    let range = format!(
        "fecha_inicial={}&fecha_final={}",
        day_first(DAYS[0]),
        day_first(DAYS[1])
    );
    for (switch, by) in [
        (BankMovementDates::Emission, Axis::TxnDate),
        (BankMovementDates::Modification, Axis::Updated),
    ] {
        let shop = Shop::with(ContificoSwitches {
            bank_movement_dates: switch,
            ..steady()
        })
        .await;
        let changed = shop.ids("v1/banco/movimiento/").await.remove(0);
        shop.control(
            "mutate",
            &serde_json::json!({"company": "tienda", "entity": "bank_movements", "kind": "update", "ids": [changed]}),
        )
        .await;
        let found = listed(&shop, &format!("v1/banco/movimiento/?{range}")).await;
        assert_eq!(
            found,
            between(&shop, "bank_movements", by, DAYS[0], DAYS[1]),
            "{switch:?}"
        );
        let now = listed(&shop, "v1/banco/movimiento/?fecha_inicial=20/07/2026").await;
        assert_eq!(now.contains(&changed), switch == BankMovementDates::Modification);
    }
}
