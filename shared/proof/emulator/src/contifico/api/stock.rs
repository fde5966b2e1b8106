//! `producto/<ID>/stock/`: what of a product lies where. Warehouses that do not sell are left out, whatever lies there.

use super::{Setting, item};
use crate::contifico::books::amount::Amount;
use crate::contifico::records::{Pen, lying, sells};
use crate::contifico::resource::{self, Table, Version};
use crate::json::Json;
use crate::server::reply::Reply;

pub(super) fn answer(setting: &Setting<'_>, version: Version, id: &str) -> Reply {
    let Some(product) = setting.sight.find(Table::Products, id) else {
        return item::answer(setting, version, resource::of_table(Table::Products), id);
    };
    let pen = Pen {
        sight: setting.sight,
        version,
        switches: setting.switches,
    };
    let mut json = Json::with_capacity(1_024);
    json.raw("[");
    for (warehouse, millionths) in lying(&pen, product.ordinal) {
        if !sells(warehouse) {
            continue;
        }
        json.element(|json| {
            json.quoted("bodega_id", setting.sight.plan.id(Table::Warehouses, warehouse));
            json.text("bodega_nombre", &format!("BODEGA {}", warehouse + 1));
            json.value("cantidad", Amount::millionths(millionths).number());
        });
    }
    json.raw("]");
    Reply::json(200, json.into_string())
}
