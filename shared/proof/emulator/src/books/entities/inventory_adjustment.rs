//! An inventory adjustment: stock counted anew. Upstream lets only some clients ask for it.

use super::item::{self, Sort};
use super::members::{write_account, write_note};
use super::sale::known_at;
use crate::books::accounts::COST_OF_GOODS;
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Changes, Entity, Need};
use crate::books::head::Head;
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "inventory_adjustment",
    api: "InventoryAdjustment",
    // Permission denied: it takes a partner of a higher tier.
    need: Need::Favour(5020),
    changes: Changes::Uncertain,
    write,
    ..Entity::DOCUMENT
};

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let mut dice = plan.dice("inventory adjustment", head.ordinal);
    let items = plan.existing(&item::ENTITY, known_at(head));
    let first = dice.below(items);
    // The next one that is kept in stock, or the first one at all where none is.
    let stocked = (0..items).map(|step| (first + step) % items);
    let stocked = stocked
        .into_iter()
        .find(|item| item::planned(plan, *item).sort == Sort::Inventory);
    let item = stocked.unwrap_or(first);
    write_account(plan, "AdjustAccountRef", &COST_OF_GOODS, json);
    json.text("DocNumber", &format!("IA-{}", head.id()));
    json.quoted("TxnDate", head.date);
    write_note(head, None, json);
    json.array("Line", |json| {
        json.element(|json| {
            json.raw_member(r#""Id":"1","DetailType":"ItemAdjustmentLineDetail""#);
            json.object("ItemAdjustmentLineDetail", |json| {
                json.reference("ItemRef", item + 1, &item::planned_name(plan, item));
                json.value("QtyDiff", dice.between(-20, 20) + i64::from(head.editions));
            });
        });
    });
    head.write(json);
}
