use std::collections::{BTreeMap, BTreeSet};

use ledgerfleet_emulator::{
    BankMovementPath, CompanySpec, ContificoSwitches, EmulatorOptions, LargePages, Size, TruthFilter,
    V1Journals, V1Paging,
};
use serde_json::Value;

use super::shop::{Shop, cents, hashed, id, millionths, options, steady};

/// Every list: its path under each version.
const LISTS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("categories", Some("categoria"), Some("categoria")),
    ("brands", Some("marca"), None),
    ("variants", Some("variante"), None),
    ("products", Some("producto"), Some("producto")),
    ("warehouses", Some("bodega"), Some("bodega")),
    (
        "inventory_movements",
        Some("movimiento-inventario"),
        Some("movimiento-inventario"),
    ),
    ("remission_guides", Some("inventario/guia"), None),
    ("purchases", Some("registro/documento"), Some("documento")),
    ("sales", Some("registro/documento"), Some("documento")),
    ("documents", Some("documento"), Some("documento")),
    ("registry_transactions", Some("registro/transaccion"), None),
    ("persons", Some("persona"), Some("persona")),
    ("cost_centers", Some("contabilidad/centro-costo"), None),
    ("chart_of_accounts", Some("contabilidad/cuenta-contable"), None),
    (
        "journal_entries",
        Some("contabilidad/asiento"),
        Some("contabilidad/asiento"),
    ),
    ("bank_accounts", Some("banco/cuenta"), Some("banco/cuenta")),
    ("bank_movements", Some("banco/movimiento"), None),
];

fn filter_of(resource: &str) -> &'static str {
    match resource {
        "purchases" => "tipo_registro=PRO",
        "sales" => "tipo_registro=CLI",
        _ => "",
    }
}

#[tokio::test]
async fn every_list_of_either_version_holds_what_the_truth_says() {
    let shop = Shop::with(ContificoSwitches {
        v1_journals: V1Journals::Served,
        large_movement_pages: LargePages::Served,
        bank_movements: BankMovementPath::Both,
        ..steady()
    })
    .await;
    for (resource, v1, v2) in LISTS {
        let filter = filter_of(resource);
        if let Some(path) = v1 {
            let rows = shop.raw_rows(&format!("v1/{path}/?{filter}")).await;
            assert_eq!(hashed(&rows).len(), rows.len(), "{resource}");
            assert_eq!(
                hashed(&rows),
                shop.hashes(&format!("{resource}@v1")),
                "{resource}"
            );
            assert!(rows.len() > 2, "{resource}: {}", rows.len());
        }
        if let Some(path) = v2 {
            let rows = shop.walk(&format!("v2/{path}/?{filter}")).await;
            assert_eq!(hashed(&rows).len(), rows.len(), "{resource}");
            assert_eq!(
                hashed(&rows),
                shop.hashes(&format!("{resource}@v2")),
                "{resource}"
            );
        }
    }
}

#[tokio::test]
async fn purchases_and_sales_are_all_documents() {
    let shop = Shop::start().await;
    let of = |resource: &str| shop.hashes(resource);
    let mut both = of("purchases");
    let sales = of("sales");
    assert!(both.keys().all(|id| !sales.contains_key(id)));
    both.extend(sales);
    assert_eq!(both, of("documents"));
    let rows = shop.rows("v1/registro/documento/").await;
    let kinds: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["tipo_registro"].as_str().unwrap(),
                row["tipo_documento"].as_str().unwrap(),
            )
        })
        .collect();
    for kind in [
        ("CLI", "FAC"),
        ("CLI", "DNA"),
        ("CLI", "NCT"),
        ("PRO", "FAC"),
        ("PRO", "LQC"),
    ] {
        assert!(kinds.contains(&kind), "{kind:?} among {kinds:?}");
    }
}

fn sum(rows: &Value, key: &str) -> i64 {
    rows.as_array()
        .into_iter()
        .flatten()
        .map(|row| cents(&row[key]))
        .sum()
}

#[tokio::test]
async fn the_lines_of_a_document_add_up_to_its_totals_and_its_collections_to_what_was_paid() {
    let shop = Shop::start().await;
    let (mut without_product, mut unpaid, mut paid, mut nulls) = (0, 0, 0, 0);
    let rows = shop.rows("v1/registro/documento/").await;
    for row in &rows {
        let lines = row["detalles"].as_array().unwrap();
        let mut vat = 0;
        for line in lines {
            let base = sum(&Value::Array(vec![line.clone()]), "base_gravable");
            let rate = line["porcentaje_iva"].as_i64().unwrap_or(0);
            vat += (base * rate + 50) / 100;
            let exact = i128::from(millionths(&line["precio"]))
                * i128::from(millionths(&line["cantidad"]))
                * i128::from(100 - cents(&line["porcentaje_descuento"]) / 100);
            let whole = base + cents(&line["base_cero"]) + cents(&line["base_no_gravable"]);
            assert_eq!(
                (exact + 500_000_000_000) / 1_000_000_000_000,
                i128::from(whole),
                "{line}"
            );
            without_product += u32::from(line["producto_id"].is_null());
        }
        let untaxed = sum(&row["detalles"], "base_cero") + sum(&row["detalles"], "base_no_gravable");
        let taxed = sum(&row["detalles"], "base_gravable");
        assert_eq!(
            (
                cents(&row["subtotal_0"]),
                cents(&row["subtotal_12"]),
                cents(&row["iva"])
            ),
            (untaxed, taxed, vat),
            "{row}"
        );
        assert_eq!(cents(&row["total"]), untaxed + taxed + vat);
        let collected = sum(&row["cobros"], "monto");
        let annulled = row["anulado"] == true;
        assert_eq!(
            cents(&row["saldo"]),
            if annulled {
                0
            } else {
                cents(&row["total"]) - collected
            }
        );
        unpaid += u32::from(collected == 0);
        paid += u32::from(collected > 0);
        nulls += u32::from(row["cobros"].is_null());
    }
    assert!(without_product > 0 && unpaid > 0 && paid > 0 && nulls > 0);
}

#[tokio::test]
async fn a_products_stock_is_what_the_movements_brought_and_took() {
    let shop = Shop::start().await;
    let mut stock: BTreeMap<String, i64> = BTreeMap::new();
    let movements = shop.walk("v2/movimiento-inventario/").await;
    let mut kinds = BTreeSet::new();
    for movement in &movements {
        let movement: Value = serde_json::from_str(movement).unwrap();
        let kind = movement["tipo"].as_str().unwrap().to_owned();
        let direction = match kind.as_str() {
            "EGR" => -1,
            "TRA" => 0,
            _ => 1,
        };
        for line in movement["detalles"].as_array().unwrap() {
            let product = line["producto_id"].as_str().unwrap().to_owned();
            *stock.entry(product).or_default() += direction * millionths(&line["cantidad"]);
        }
        assert_eq!(movement["bodega_destino_id"].is_null(), kind != "TRA");
        kinds.insert(kind);
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    for product in shop.rows("v1/producto/").await {
        let moved = stock.get(&id(&product)).copied().unwrap_or(0);
        assert_eq!(millionths(&product["cantidad_stock"]), moved, "{product}");
    }
}

#[tokio::test]
async fn what_lies_in_the_warehouses_that_sell_is_told_product_by_product() {
    let shop = Shop::start().await;
    let selling: BTreeSet<String> = shop
        .rows("v1/bodega/")
        .await
        .iter()
        .filter(|row| row["venta"] == true)
        .map(id)
        .collect();
    let (mut lying, mut hidden) = (0, 0);
    for product in shop.rows("v1/producto/?result_size=40&result_page=1").await {
        let rows = shop.rows(&format!("v2/producto/{}/stock/", id(&product))).await;
        assert!(
            rows.iter()
                .all(|row| selling.contains(row["bodega_id"].as_str().unwrap()))
        );
        assert!(rows.iter().all(|row| row["cantidad"].is_number()));
        let sum: i64 = rows.iter().map(|row| millionths(&row["cantidad"])).sum();
        lying += rows.len();
        hidden += i64::from(sum != millionths(&product["cantidad_stock"]));
    }
    assert!(lying > 20 && hidden > 0, "{lying} {hidden}");
    assert_eq!(shop.get("v1/producto/A234567890123456/stock/").await.status, 404);
}

#[tokio::test]
async fn a_movements_code_is_not_its_own() {
    let shop = Shop::start().await;
    let movements = shop.walk("v2/movimiento-inventario/?tipo=ING").await;
    let codes: BTreeSet<String> = movements
        .iter()
        .map(|row| serde_json::from_str::<Value>(row).unwrap()["codigo"].to_string())
        .collect();
    assert!(
        codes.len() < movements.len() && codes.len() > 5,
        "{} of {}",
        codes.len(),
        movements.len()
    );
}

#[tokio::test]
async fn debits_equal_credits_and_some_entries_are_dated_a_hundred_days_ahead() {
    let shop = Shop::start().await;
    let mut ahead = 0;
    let as_of = EmulatorOptions::AS_OF;
    for entry in shop.walk("v2/contabilidad/asiento/").await {
        let entry: Value = serde_json::from_str(&entry).unwrap();
        let side = |kind: &str| -> i64 {
            let lines = entry["detalles"].as_array().unwrap().iter();
            lines
                .filter(|line| line["tipo"] == kind)
                .map(|line| cents(&line["valor"]))
                .sum()
        };
        assert_eq!(side("D"), side("H"), "{entry}");
        assert!(side("D") > 0, "{entry}");
    }
    for line in shop.truth("journal_entries") {
        ahead += u32::from((line.date.unwrap() - as_of).num_days() >= 100);
    }
    assert!(ahead >= 3, "{ahead}");
}

#[tokio::test]
async fn persons_have_numbers_with_valid_check_digits_and_no_two_the_same() {
    let shop = Shop::start().await;
    let mut seen = BTreeSet::new();
    let (mut natural, mut companies) = (0, 0);
    for row in shop.rows("v1/persona/").await {
        let (cedula, ruc) = (row["cedula"].as_str().unwrap(), row["ruc"].as_str());
        let digits = |text: &str| {
            text.bytes()
                .map(|byte| u32::from(byte - b'0'))
                .collect::<Vec<_>>()
        };
        match row["tipo"].as_str().unwrap() {
            "N" => {
                let doubled = digits(cedula).into_iter().enumerate();
                let sum: u32 = doubled
                    .map(|(place, digit)| {
                        if place % 2 == 0 {
                            digit * 2 / 10 + digit * 2 % 10
                        } else {
                            digit
                        }
                    })
                    .sum();
                assert_eq!((cedula.len(), sum % 10), (10, 0), "{cedula}");
                natural += 1;
            }
            "J" => {
                let ruc = ruc.unwrap();
                let weighted = digits(ruc).into_iter().zip([4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
                let sum: u32 = weighted.map(|(digit, weight)| digit * weight).sum();
                assert_eq!((ruc.len(), sum % 11, &ruc[10..]), (13, 0, "001"), "{ruc}");
                companies += 1;
            }
            kind => assert_eq!((kind, &row["es_extranjero"]), ("P", &Value::Bool(true))),
        }
        assert!(seen.insert(format!("{cedula}{}", ruc.unwrap_or(""))));
    }
    assert!(natural > 50 && companies > 20);
}

#[tokio::test]
async fn a_company_is_what_its_name_and_the_seed_make_of_it() {
    let first = Shop::start().await;
    let mut beside = options(Size::Small, steady());
    beside
        .companies
        .insert(0, CompanySpec::new("demo-us", Size::Small));
    let beside = Shop::open(beside).await;
    assert_eq!(first.company.api_key, beside.company.api_key);
    assert_eq!(first.hashes("documents"), beside.hashes("documents"));
    let other = Shop::open(EmulatorOptions {
        seed: 2,
        ..options(Size::Small, steady())
    })
    .await;
    assert_ne!(first.company.realm, other.company.realm);
    assert_ne!(first.hashes("documents"), other.hashes("documents"));
    let quickbooks = beside
        .emulator
        .truth("demo-us", "invoice", &TruthFilter::default())
        .unwrap();
    let alone = EmulatorOptions {
        companies: vec![CompanySpec::new("demo-us", Size::Small)],
        ..options(Size::Small, steady())
    };
    let alone = ledgerfleet_emulator::Emulator::start(alone).await.unwrap();
    assert_eq!(
        alone
            .truth("demo-us", "invoice", &TruthFilter::default())
            .unwrap(),
        quickbooks
    );
}

#[tokio::test]
async fn the_totals_of_a_company_are_told_resource_by_resource() {
    let shop = Shop::start().await;
    let totals = shop.emulator.totals("tienda", &TruthFilter::default()).unwrap();
    assert_eq!(totals.len(), LISTS.len());
    for total in totals {
        let lines = shop.truth(&total.entity);
        assert_eq!(
            total.rows,
            u64::try_from(lines.len()).unwrap(),
            "{}",
            total.entity
        );
    }
    let streamed = shop.look("truth/tienda/journal_entries").await;
    assert_eq!(streamed.body.lines().count(), shop.truth("journal_entries").len());
    for (path, status) in [
        ("truth/tienda/invoice", 404),
        ("truth/tienda/products@v3", 404),
        ("truth/tienda/brands@v2", 404),
        ("truth/tienda/products?by=txn-date", 400),
        ("truth/nadie/products", 404),
        ("truth/tienda/products?form=v1", 400),
    ] {
        assert_eq!(shop.look(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_medium_company_has_the_numbers_of_a_real_one_and_serves_them_from_the_index() {
    let shop = Shop::open(EmulatorOptions {
        days: EmulatorOptions::DAYS,
        ..options(
            Size::Medium,
            ContificoSwitches {
                v1_paging: V1Paging::Honoured,
                ..steady()
            },
        )
    })
    .await;
    let totals = shop.emulator.totals("tienda", &TruthFilter::default()).unwrap();
    let rows: BTreeMap<&str, u64> = totals
        .iter()
        .map(|total| (total.entity.as_str(), total.rows))
        .collect();
    assert_eq!(rows["products"], 24_000);
    assert!((22_000..26_000).contains(&rows["documents"]), "{rows:?}");
    assert!((60_000..74_000).contains(&rows["journal_entries"]), "{rows:?}");
    let page = shop
        .rows("v1/registro/documento/?result_size=500&result_page=3")
        .await;
    let lines: usize = page
        .iter()
        .map(|row| row["detalles"].as_array().unwrap().len())
        .sum();
    assert!((1_400..1_800).contains(&lines), "{lines} lines of 500 documents");
    let last = shop
        .get(&format!(
            "v2/contabilidad/asiento/?page={}",
            rows["journal_entries"].div_ceil(100)
        ))
        .await;
    assert!(last.json()["next"].is_null());
}
