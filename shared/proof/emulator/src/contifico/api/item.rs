//! One record by its id.

use super::{Setting, refusal};
use crate::contifico::records::{Pen, write};
use crate::contifico::resource::{Resource, Table, Version};
use crate::contifico::switches::{ItemShape, MissingJournal};
use crate::json::Json;
use crate::server::reply::Reply;

pub(super) fn answer(setting: &Setting<'_>, version: Version, resource: &Resource, id: &str) -> Reply {
    if version == Version::V1 && resource.table == Table::Documents && id.len() != 16 {
        return refusal::plain(&setting.switches, 400, "id incorrecto");
    }
    let Some(record) = setting.sight.find(resource.table, id) else {
        return missing(setting, version, resource.table, id);
    };
    let pen = Pen {
        sight: setting.sight,
        version,
        switches: setting.switches,
    };
    let mut json = Json::with_capacity(4_096);
    let in_array = match setting.switches.items {
        ItemShape::Documented => {
            version == Version::V1 && matches!(resource.table, Table::Persons | Table::BankMovements)
        }
        ItemShape::Objects => false,
        ItemShape::Arrays => true,
    };
    if in_array {
        json.raw("[");
    }
    write(&pen, &record, &mut json);
    if in_array {
        json.raw("]");
    }
    Reply::json(200, json.into_string())
}

fn missing(setting: &Setting<'_>, version: Version, table: Table, id: &str) -> Reply {
    let switches = &setting.switches;
    match (version, table, switches.missing_journal) {
        (Version::V2, Table::Documents, _) => refusal::plain(switches, 400, "Documento no encontrado."),
        (_, Table::Journals, MissingJournal::NotAcceptable) => gone(setting, 406),
        (_, Table::Journals, MissingJournal::Either)
            if id.bytes().next().is_some_and(|byte| byte % 2 == 0) =>
        {
            gone(setting, 406)
        }
        _ => gone(setting, 404),
    }
}

fn gone(setting: &Setting<'_>, status: u16) -> Reply {
    refusal::plain(&setting.switches, status, "No encontrado")
}
