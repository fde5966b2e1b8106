//! `contabilidad/periodo/`: the fiscal years, and which of them are closed.

use chrono::Datelike;

use super::Setting;
use crate::json::Json;
use crate::server::reply::Reply;

/// Years before that of the books' end, with it and the next one eight in all.
const YEARS_BEFORE: i32 = 6;

pub(super) fn answer(setting: &Setting<'_>) -> Reply {
    let present = setting.sight.plan.as_of.year();
    let mut json = Json::with_capacity(1_024);
    json.element(|json| {
        json.value("count", YEARS_BEFORE + 2);
        json.value("next", "null");
        json.value("previous", "null");
        json.array("results", |json| {
            for year in present - YEARS_BEFORE..=present + 1 {
                json.element(|json| {
                    json.value("anio", year);
                    json.quoted("fecha_inicio", format!("01/01/{year}"));
                    json.quoted("fecha_fin", format!("31/12/{year}"));
                    json.quoted("estado", if year < present { "C" } else { "A" });
                });
            }
        });
    });
    Reply::json(200, json.into_string())
}
