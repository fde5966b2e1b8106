use std::time::{Duration, Instant};

use ledgerfleet_emulator::{ContificoSwitches, EmulatorOptions, Pace, Rate, Size};
use serde_json::json;

use super::shop::{Shop, options, raw_rows, steady};

#[tokio::test]
async fn a_fault_speaks_this_apis_words() {
    for (fault, status, body) in [
        ("throttle=429,retry_after=7", 429, "mensaje"),
        ("fault=500,code=1057", 500, r#""cod_error":1057"#),
        ("html=502", 502, "<html>"),
        ("shaped_fault=html,status=504", 504, "<html>"),
        ("empty=204", 204, ""),
        ("echo=message,text=Clave $TOKEN,status=401", 401, "Clave "),
        ("expired", 401, "Empresa matching query does not exist"),
        ("large_page=50,status=502,shape=html", 502, "<html>"),
    ] {
        let shop = Shop::start().await;
        let set = shop
            .control(
                "faults",
                &json!({ "set": [format!("{fault},company=tienda,entity=persons")] }),
            )
            .await;
        assert_eq!(set.status, 200, "{}", set.body);
        let struck = shop.get("v1/persona/").await;
        assert_eq!(struck.status.as_u16(), status, "{fault}");
        assert!(struck.body.contains(body), "{fault}: {}", struck.body);
        assert_eq!(
            struck.headers.get("retry-after").is_some(),
            fault.contains("retry_after")
        );
        assert!(!struck.headers.contains_key("intuit_tid"));
        if fault.starts_with("echo") {
            assert!(struck.body.contains(&shop.key));
        }
        assert_eq!(shop.get("v1/bodega/").await.status, 200, "another list");
    }
}

#[tokio::test]
async fn a_fault_bends_the_pages_of_one_list() {
    for (fault, rows) in [("short_page=7", 7), ("empty_page", 0)] {
        let shop = Shop::start().await;
        shop.control(
            "faults",
            &json!({ "set": [format!("{fault},entity=products,times=1")] }),
        )
        .await;
        assert_eq!(raw_rows(&shop.get("v2/producto/").await).len(), rows, "{fault}");
        assert_eq!(raw_rows(&shop.get("v2/producto/").await).len(), 100);
    }
    let shop = Shop::start().await;
    shop.control("faults", &json!({ "set": ["repeat_rows=5,entity=products"] }))
        .await;
    let (first, second) = (
        shop.raw_rows("v2/producto/").await,
        shop.raw_rows("v2/producto/?page=2").await,
    );
    assert_eq!(first[95..], second[..5]);
    shop.control(
        "faults",
        &json!({ "clear": true, "set": ["truncate=50,entity=products"] }),
    )
    .await;
    assert!(serde_json::from_str::<serde_json::Value>(&shop.get("v2/producto/").await.body).is_err());
}

#[tokio::test]
async fn a_fault_strikes_the_documents_that_are_asked_for() {
    let shop = Shop::start().await;
    shop.control("faults", &json!({ "set": ["html=503,entity=purchases"] }))
        .await;
    for (path, status) in [
        ("v1/registro/documento/?tipo_registro=PRO", 503),
        ("v1/registro/documento/?tipo_registro=CLI", 200),
        ("v1/registro/documento/", 200),
    ] {
        assert_eq!(shop.get(path).await.status.as_u16(), status, "{path}");
    }
    let unknown = shop
        .control("faults", &json!({ "set": ["html=503,entity=compras"] }))
        .await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_key_dies_at_a_request() {
    let shop = Shop::start().await;
    shop.control("faults", &json!({ "set": ["disconnect,nth=2"] }))
        .await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(shop.get("v1/bodega/").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 401, 401]);
}

#[tokio::test]
async fn switches_of_this_api_are_set_by_dotted_names() {
    let shop = Shop::start().await;
    let set = shop
        .control(
            "faults",
            &json!({ "switches": { "contifico.v2": "absent", "gzip": "off" } }),
        )
        .await;
    assert_eq!(
        (set.status.as_u16(), &set.json()["switches"]["contifico"]["v2"]),
        (200, &json!("absent"))
    );
    assert_eq!(
        set.json()["switches"]["contifico"]["v2_order"],
        json!("stable"),
        "the others stay"
    );
    assert_eq!(shop.get("v2/persona/").await.status, 404);
    for wrong in ["contifico.v3", "contifico.v2.order", "xero.v2", "v2"] {
        let refused = shop
            .control("faults", &json!({ "switches": { wrong: "absent" } }))
            .await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn heavy_lists_are_slow_when_they_are_asked_for_whole() {
    let shop = Shop::with(ContificoSwitches {
        slow_lists_millis: 250,
        ..steady()
    })
    .await;
    for (path, slow) in [
        ("v1/registro/documento/", true),
        ("v1/registro/transaccion/", true),
        ("v1/contabilidad/cuenta-contable/", true),
        ("v1/registro/documento/?result_size=50&result_page=1", false),
        ("v1/bodega/", false),
    ] {
        let start = Instant::now();
        shop.get(path).await;
        // A fast answer may be late on a busy machine; a slow one is never early.
        assert!(!slow || start.elapsed() >= Duration::from_millis(250), "{path}");
    }
    let paced = Shop::with(ContificoSwitches {
        pace: Pace::Recorded,
        ..steady()
    })
    .await;
    let start = Instant::now();
    paced.get("v2/persona/").await;
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn requests_are_counted_and_limited_company_by_company() {
    let shop = Shop::open(EmulatorOptions {
        rate: Rate::PerSecond(2),
        ..options(Size::Small, steady())
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(shop.get("v1/bodega/").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    let summary = shop.emulator.summary();
    let seen = &summary.company("tienda").unwrap().api;
    assert_eq!(
        (seen.requests, seen.throttled, seen.peak_1s, seen.peak_in_flight),
        (3, 1, 3, 1)
    );
    assert_eq!(summary.company(&shop.company.realm).unwrap().api, *seen);
    let log = shop.look("requests").await.json();
    let first = &log["requests"][0];
    assert_eq!(
        (&first["path"], &first["company"]),
        (&json!("/sistema/api/v1/bodega/"), &json!("tienda"))
    );
    assert!(!log.to_string().contains(&shop.key));

    let free = Shop::open(EmulatorOptions {
        rate: Rate::Enforce,
        ..options(Size::Small, steady())
    })
    .await;
    for _ in 0..15 {
        assert_eq!(
            free.get("v1/bodega/").await.status,
            200,
            "this API announces no limit"
        );
    }
}
