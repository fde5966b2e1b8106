use ledgerfleet_emulator::{
    BankMovementPath, ContificoSwitches, ErrorBody, MissingJournal, PosAnswer, Presence, Served, V1Journals,
};
use serde_json::json;

use super::shop::{Shop, steady};
use crate::client::answer;

#[tokio::test]
async fn the_header_is_the_key_and_nothing_else() {
    let shop = Shop::start().await;
    let token = shop.company.api_token.clone().unwrap();
    assert_eq!((token.len(), token.matches('-').count()), (36, 4));
    for (header, status, says) in [
        (Some(shop.key.clone()), 200, ""),
        (None, 401, "Falta Credenciales"),
        (Some(String::new()), 401, "Falta Credenciales"),
        (
            Some(format!("Bearer {}", shop.key)),
            401,
            "Empresa matching query does not exist",
        ),
        (
            Some(format!("Token {}", shop.key)),
            401,
            "Empresa matching query does not exist",
        ),
        (Some(token), 401, "Empresa matching query does not exist"),
        (
            Some(shop.key[1..].to_owned()),
            401,
            "Empresa matching query does not exist",
        ),
    ] {
        let request = shop.ask("v1/bodega/");
        let request = match &header {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        let answered = answer(request).await;
        assert_eq!(answered.status.as_u16(), status, "{header:?}");
        if status != 200 {
            assert_eq!(answered.json(), json!({ "mensaje": says }), "{header:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_was_taken_back_opens_nothing_until_another_is_issued() {
    let shop = Shop::start().await;
    assert_eq!(
        shop.control("disconnect", &json!({ "company": "tienda" }))
            .await
            .status,
        200
    );
    assert_eq!(shop.get("v1/bodega/").await.status, 401);
    let next = shop.emulator.issue_key("tienda").unwrap();
    assert_eq!(shop.get("v1/bodega/").await.status, 401, "the old one is dead");
    let opened = answer(shop.ask("v1/bodega/").header("authorization", &next)).await;
    assert_eq!(opened.status, 200);
    let issued = shop.emulator.issued_tokens();
    assert!(issued.contains(&shop.key) && issued.contains(&next));
}

#[tokio::test]
async fn a_refusal_is_spelt_in_four_ways() {
    for (switch, body) in [
        (ErrorBody::Mensaje, r#"{"mensaje":"Falta Credenciales"}"#),
        (ErrorBody::Detail, r#"{"detail":"Falta Credenciales"}"#),
        (
            ErrorBody::CodeError,
            r#"{"code":"401","error":"Falta Credenciales"}"#,
        ),
        (ErrorBody::Html, "<html>"),
    ] {
        let shop = Shop::with(ContificoSwitches {
            error_body: switch,
            ..steady()
        })
        .await;
        let refused = answer(shop.ask("v1/bodega/")).await;
        assert!(refused.body.starts_with(body), "{switch:?}: {}", refused.body);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_each_lists_own_way() {
    for (switch, statuses) in [
        (MissingJournal::Either, [404, 406]),
        (MissingJournal::NotFound, [404, 404]),
        (MissingJournal::NotAcceptable, [406, 406]),
    ] {
        let shop = Shop::with(ContificoSwitches {
            missing_journal: switch,
            ..steady()
        })
        .await;
        for (start, status) in ["A", "B"].iter().zip(statuses) {
            let path = format!("v2/contabilidad/asiento/{start}234567890123456/");
            assert_eq!(shop.get(&path).await.status.as_u16(), status, "{switch:?} {path}");
        }
    }
    let shop = Shop::start().await;
    let missing = shop.get("v2/documento/A234567890123456/").await;
    assert_eq!(
        (missing.status.as_u16(), missing.json()),
        (400, json!({ "mensaje": "Documento no encontrado." }))
    );
    let wrong = shop.get("v1/documento/venta/").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.json()),
        (400, json!({ "mensaje": "id incorrecto" }))
    );
    assert_eq!(shop.get("v1/documento/A234567890123456").await.status, 404);
    assert_eq!(shop.get("v1/producto/A234567890123456/").await.status, 404);
    let product = shop.ids("v1/producto/").await.remove(0);
    assert_eq!(
        shop.get(&format!("v1/persona/{product}")).await.status,
        404,
        "an id of another list"
    );
}

#[tokio::test]
async fn paths_that_sources_disagree_about_are_there_or_not() {
    let documents = |served| ContificoSwitches {
        v1_documents: served,
        ..steady()
    };
    let journals = |answer| ContificoSwitches {
        v1_journals: answer,
        ..steady()
    };
    let bank = |path| ContificoSwitches {
        bank_movements: path,
        ..steady()
    };
    let v2 = |presence| ContificoSwitches {
        v2: presence,
        ..steady()
    };
    let pos = |answer| ContificoSwitches {
        pos: answer,
        ..steady()
    };
    for (switches, path, status) in [
        (documents(Served::Served), "v1/documento/", 200),
        (documents(Served::Refused), "v1/documento/", 404),
        (documents(Served::Refused), "v1/registro/documento/", 200),
        (journals(V1Journals::NotFound), "v1/contabilidad/asiento/", 404),
        (journals(V1Journals::NotAllowed), "v1/contabilidad/asiento/", 405),
        (journals(V1Journals::BadRequest), "v1/contabilidad/asiento/", 400),
        (journals(V1Journals::Served), "v1/contabilidad/asiento/", 200),
        (bank(BankMovementPath::Short), "v1/banco/movimiento/", 200),
        (
            bank(BankMovementPath::Short),
            "v1/banco/movimiento_bancario/",
            404,
        ),
        (bank(BankMovementPath::Long), "v1/banco/movimiento/", 404),
        (bank(BankMovementPath::Long), "v1/banco/movimiento_bancario/", 200),
        (bank(BankMovementPath::Both), "v1/banco/movimiento_bancario/", 200),
        (v2(Presence::Served), "v2/persona/", 200),
        (v2(Presence::Absent), "v2/persona/", 404),
        (v2(Presence::Absent), "v1/persona/", 200),
        (pos(PosAnswer::Served), "v2/pos/", 200),
        (pos(PosAnswer::Absent), "v2/pos/", 404),
        (pos(PosAnswer::Refused), "v2/pos/", 403),
        (steady(), "v2/marca/", 404),
        (steady(), "v1/nada/", 404),
        (steady(), "v3/persona/", 404),
    ] {
        let shop = Shop::with(switches).await;
        assert_eq!(
            shop.get(path).await.status.as_u16(),
            status,
            "{path} {switches:?}"
        );
    }
}

#[tokio::test]
async fn pos_tells_whose_books_a_key_opens() {
    let shop = Shop::start().await;
    let answer = shop.get("v2/pos/").await.json();
    let point = &answer["results"][0];
    assert_eq!(point["ruc"], json!(shop.company.realm));
    assert_eq!(point["token"], json!(shop.company.api_token));
    assert_eq!(shop.company.realm.len(), 13);
}

#[tokio::test]
async fn the_fiscal_years_are_told_with_those_that_are_closed() {
    let shop = Shop::start().await;
    let years = shop.get("v2/contabilidad/periodo/").await.json();
    let years = years["results"].as_array().unwrap();
    assert_eq!(years.len(), 8);
    let standing = |year: i64| &years.iter().find(|row| row["anio"] == year).unwrap()["estado"];
    assert_eq!((standing(2025), standing(2026)), (&json!("C"), &json!("A")));
}

#[tokio::test]
async fn only_reading_is_served() {
    let shop = Shop::start().await;
    let url = shop.url("v1/persona/");
    let http = crate::client::raw_http();
    let written = answer(http.post(url).header("authorization", &shop.key).body("{}")).await;
    assert_eq!(written.status, 405);
}
