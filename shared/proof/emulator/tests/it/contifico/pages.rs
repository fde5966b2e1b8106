use std::collections::BTreeSet;

use ledgerfleet_emulator::{
    ContificoSwitches, CountKept, LargePages, NextLink, PagePastEnd, PageSizeOverCap, Toggle, V1Paging,
    V2Documents, V2Order,
};
use serde_json::{Value, json};

use super::shop::{Shop, id, raw_rows, steady};

#[tokio::test]
async fn version_one_honours_sizes_and_pages_where_it_was_seen_to() {
    // The page asked for, and whether one of ten rows comes: of products, which were seen to page, and of persons.
    for (switch, products, persons) in [
        (V1Paging::Recorded, true, false),
        (V1Paging::Honoured, true, true),
        (V1Paging::Ignored, false, false),
        (V1Paging::FirstPage, true, true),
    ] {
        let shop = Shop::with(ContificoSwitches {
            v1_paging: switch,
            ..steady()
        })
        .await;
        for (path, paged) in [("producto", products), ("persona", persons)] {
            let all = shop.ids(&format!("v1/{path}/")).await;
            let first = shop
                .ids(&format!("v1/{path}/?result_size=10&result_page=1"))
                .await;
            let second = shop
                .ids(&format!("v1/{path}/?result_size=10&result_page=2"))
                .await;
            let expected = match (paged, switch) {
                (false, _) => (&all[..], &all[..]),
                (true, V1Paging::FirstPage) => (&all[..10], &all[..10]),
                (true, _) => (&all[..10], &all[10..20]),
            };
            assert_eq!((&first[..], &second[..]), expected, "{switch:?} {path}");
            assert_eq!(shop.ids(&format!("v1/{path}/?page=2&page_size=10")).await, all);
        }
    }
}

#[tokio::test]
async fn a_page_after_an_exact_last_one_of_version_one_is_empty() {
    let shop = Shop::start().await;
    assert_eq!(
        shop.ids("v1/producto/?result_size=120&result_page=2").await.len(),
        120
    );
    assert!(
        shop.ids("v1/producto/?result_size=120&result_page=3")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn version_two_pages_in_envelopes_of_at_most_a_hundred() {
    let shop = Shop::start().await;
    let first = shop.get("v2/producto/?page_size=90&estado=A").await.json();
    assert_eq!((&first["count"], &first["previous"]), (&json!(232), &Value::Null));
    let next = first["next"].as_str().unwrap();
    assert_eq!(next, shop.url("v2/producto/?page_size=90&estado=A&page=2"));
    let second = shop.follow(next).await.json();
    assert_eq!(second["results"].as_array().unwrap().len(), 90);
    let last = shop.follow(second["next"].as_str().unwrap()).await.json();
    assert_eq!(
        (last["results"].as_array().unwrap().len(), &last["next"]),
        (52, &Value::Null)
    );
    assert_eq!(
        shop.get("v2/producto/").await.json()["results"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
}

#[tokio::test]
async fn a_page_size_above_a_hundred_is_refused_or_cut() {
    for (switch, status, rows) in [
        (PageSizeOverCap::Refused, 400, 0),
        (PageSizeOverCap::Clamped, 200, 100),
    ] {
        let shop = Shop::with(ContificoSwitches {
            page_size_over_cap: switch,
            ..steady()
        })
        .await;
        let answer = shop.get("v2/producto/?page_size=100000").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["results"].as_array().map_or(0, Vec::len), rows);
        for wrong in ["page_size=0", "page=0", "page=-1", "page_size=many"] {
            assert_eq!(
                shop.get(&format!("v2/producto/?{wrong}")).await.status,
                400,
                "{wrong}"
            );
        }
        assert_eq!(shop.get("v1/producto/?result_size=0").await.status, 400);
    }
}

#[tokio::test]
async fn the_page_after_the_last_is_answered_in_four_ways() {
    for (switch, status) in [
        (PagePastEnd::Refused, 400),
        (PagePastEnd::NotFound, 404),
        (PagePastEnd::Empty, 200),
        (PagePastEnd::LastPage, 200),
    ] {
        let shop = Shop::with(ContificoSwitches {
            page_past_end: switch,
            ..steady()
        })
        .await;
        let answer = shop.get("v2/producto/?page=4").await;
        assert_eq!(answer.status, status, "{switch:?}");
        match switch {
            PagePastEnd::Refused | PagePastEnd::NotFound => {
                assert_eq!(answer.body, r#"{"code":"400","error":"Pagina fuera del rango"}"#);
            }
            PagePastEnd::Empty => assert_eq!(answer.json()["results"], json!([])),
            PagePastEnd::LastPage => {
                let last = shop.raw_rows("v2/producto/?page=3").await;
                assert_eq!(raw_rows(&answer), last);
            }
        }
        assert_eq!(shop.get("v2/banco/cuenta/").await.status, 200);
    }
}

async fn walked(shop: &Shop, size: usize) -> (usize, BTreeSet<String>) {
    let rows = shop
        .walk(&format!("v2/contabilidad/asiento/?page_size={size}"))
        .await;
    let ids = rows
        .iter()
        .map(|row| id(&serde_json::from_str(row).expect("a row")))
        .collect();
    (rows.len(), ids)
}

#[tokio::test]
async fn an_unstable_order_loses_what_it_repeats_and_another_page_size_finds_it() {
    for switch in [V2Order::Borders, V2Order::Churning] {
        let shop = Shop::with(ContificoSwitches {
            v2_order: switch,
            ..ContificoSwitches::default()
        })
        .await;
        let truth: BTreeSet<String> = shop.hashes("journal_entries").into_keys().collect();
        let (rows, ids) = walked(&shop, 20).await;
        assert_eq!(rows, truth.len(), "as many rows as there are, some of them twice");
        assert!(ids.len() < rows, "{switch:?}");
        assert!(ids.is_subset(&truth));
        let (again_rows, again) = walked(&shop, 20).await;
        assert_eq!(again_rows, rows);
        assert_eq!(again == ids, switch == V2Order::Borders, "{switch:?}");
        let mut found = ids;
        for size in [97, 89, 71, 53] {
            found.extend(walked(&shop, size).await.1);
        }
        assert_eq!(found, truth, "{switch:?}");
    }
}

#[tokio::test]
async fn a_count_is_exact_grows_or_counts_repeats() {
    for (switch, movements_repeat, products_repeat) in [
        (CountKept::Exact, false, false),
        (CountKept::Growing, false, false),
        (CountKept::Repeats, true, false),
        (CountKept::RepeatsAll, true, true),
        (CountKept::Zero, false, false),
    ] {
        let shop = Shop::with(ContificoSwitches {
            count: switch,
            ..steady()
        })
        .await;
        for (path, resource, repeats) in [
            ("movimiento-inventario", "inventory_movements", movements_repeat),
            ("producto", "products", products_repeat),
        ] {
            let truth: BTreeSet<String> = shop.hashes(resource).into_keys().collect();
            let first = shop.get(&format!("v2/{path}/?page_size=50")).await.json();
            let second = shop.get(&format!("v2/{path}/?page_size=50&page=2")).await.json();
            let rows = shop.walk(&format!("v2/{path}/?page_size=50")).await;
            let ids: BTreeSet<String> = rows
                .iter()
                .map(|row| id(&serde_json::from_str(row).unwrap()))
                .collect();
            assert_eq!(ids, truth, "{switch:?} {path}");
            let counted = if switch == CountKept::Zero { 0 } else { rows.len() };
            assert_eq!(first["count"], json!(counted), "{switch:?} {path}");
            assert_eq!(rows.len() > truth.len() * 5 / 4, repeats, "{switch:?} {path}");
            let grown = second["count"].as_u64().unwrap() - first["count"].as_u64().unwrap();
            assert_eq!(grown, u64::from(switch == CountKept::Growing));
        }
    }
}

#[tokio::test]
async fn next_leads_where_the_switch_wants_it() {
    for (switch, begins) in [
        (NextLink::Own, "http://127.0.0.1"),
        (
            NextLink::OtherHost,
            "https://api.otra-empresa.example/sistema/api/v2/producto/",
        ),
        (NextLink::OtherScheme, "https://127.0.0.1"),
        (NextLink::OtherPath, "http://127.0.0.1"),
    ] {
        let shop = Shop::with(ContificoSwitches {
            next_link: switch,
            ..steady()
        })
        .await;
        let next = shop.get("v2/producto/").await.json()["next"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(next.starts_with(begins), "{switch:?}: {next}");
        assert_eq!(next.contains("/unidad/"), switch == NextLink::OtherPath);
    }
}

#[tokio::test]
async fn documents_of_version_two_change_their_shape_with_the_parameters() {
    for (switch, by_page, by_results) in [
        (V2Documents::ByParameters, '{', '['),
        (V2Documents::Envelope, '{', '{'),
        (V2Documents::Array, '[', '['),
    ] {
        let shop = Shop::with(ContificoSwitches {
            v2_documents: switch,
            ..steady()
        })
        .await;
        let page = shop.get("v2/documento/?page=2&page_size=10").await;
        let results = shop.get("v2/documento/?result_page=2&result_size=10").await;
        assert!(page.body.starts_with(by_page), "{switch:?}");
        assert!(results.body.starts_with(by_results), "{switch:?}");
        let ids = |answer| {
            raw_rows(answer)
                .iter()
                .map(|row| id(&serde_json::from_str(row).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&page), ids(&results));
        if by_results == '[' {
            let row: Value = serde_json::from_str(&raw_rows(&results)[0]).unwrap();
            assert!(row["detalles"][0]["cantidad"].is_string());
        }
    }
}

#[tokio::test]
async fn lists_of_documents_may_leave_some_out_that_are_there() {
    let shop = Shop::with(ContificoSwitches {
        omitted_documents: Toggle::On,
        ..steady()
    })
    .await;
    let listed: BTreeSet<String> = shop.ids("v1/documento/").await.into_iter().collect();
    let counted = shop.get("v2/documento/").await.json()["count"].as_u64().unwrap();
    assert_eq!(counted, u64::try_from(listed.len()).unwrap(), "the count agrees");
    let omitted: Vec<String> = shop
        .hashes("documents")
        .into_keys()
        .filter(|id| !listed.contains(id))
        .collect();
    assert!(!omitted.is_empty());
    for id in omitted {
        assert_eq!(shop.get(&format!("v2/documento/{id}/")).await.status, 200);
    }
}

#[tokio::test]
async fn large_pages_of_movements_trip_the_first_version() {
    let shop = Shop::start().await;
    for large in ["result_size=101", "result_size=500&result_page=2", ""] {
        let answer = shop.get(&format!("v1/movimiento-inventario/?{large}")).await;
        assert_eq!(answer.status, 500, "{large}");
        assert!(
            answer
                .body
                .contains("'NoneType' object has no attribute 'id_integracion'")
        );
    }
    assert_eq!(
        shop.ids("v1/movimiento-inventario/?result_size=100").await.len(),
        100
    );
    let kind = Shop::with(ContificoSwitches {
        large_movement_pages: LargePages::Served,
        ..steady()
    })
    .await;
    assert_eq!(
        kind.ids("v1/movimiento-inventario/").await.len(),
        kind.hashes("inventory_movements").len()
    );
}
