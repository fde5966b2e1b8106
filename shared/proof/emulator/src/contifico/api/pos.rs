//! `pos/`: the points of sale of a company, with the tax number by which a key is known to be the right one.

use super::{Setting, refusal};
use crate::contifico::switches::PosAnswer;
use crate::json::Json;
use crate::server::reply::Reply;

pub(super) fn answer(setting: &Setting<'_>) -> Reply {
    match setting.switches.pos {
        PosAnswer::Absent => return refusal::not_found(&setting.switches),
        PosAnswer::Refused => return refusal::plain(&setting.switches, 403, "No tiene permisos"),
        PosAnswer::NotAcceptable => return refusal::plain(&setting.switches, 406, "No es posible"),
        PosAnswer::Failing => return refusal::plain(&setting.switches, 500, "Error interno"),
        PosAnswer::Empty => {
            let body = r#"{"count":0,"next":null,"previous":null,"results":[]}"#;
            return Reply::json(200, body.to_owned());
        }
        PosAnswer::Served | PosAnswer::NullRuc => {}
    }
    let mut json = Json::with_capacity(512);
    json.element(|json| {
        json.value("count", 1);
        json.value("next", "null");
        json.value("previous", "null");
        json.array("results", |json| {
            json.element(|json| {
                json.quoted("establecimiento", "001");
                json.quoted("punto_emision", "001");
                match setting.switches.pos {
                    PosAnswer::NullRuc => json.value("ruc", "null"),
                    _ => json.quoted("ruc", &setting.firm.ruc),
                }
                json.text("razon_social", &setting.firm.name.to_uppercase());
                json.value("tiene_firma", true);
                json.quoted("token", &setting.firm.api_token);
            });
        });
    });
    Reply::json(200, json.into_string())
}
