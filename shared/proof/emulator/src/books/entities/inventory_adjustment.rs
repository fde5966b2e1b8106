//! An inventory adjustment: stock counted anew. Upstream lets only some clients ask for it.

use super::item::{self, Sort};
use super::prelude::*;
use super::sale::known_at;
use crate::books::accounts::COST_OF_GOODS;

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Uncertain,
    // Permission denied: it takes a partner of a higher tier.
    ..Entity::document(Name::InventoryAdjustment, &INVENTORY_ADJUSTMENT).needing(Need::Favour(5020))
};

static INVENTORY_ADJUSTMENT: Table<Adjustment> = Table {
    content: Adjustment::drawn,
    members: &[
        AccountRef("AdjustAccountRef", |_| &COST_OF_GOODS),
        Text("DocNumber", |adjustment| format!("IA-{}", adjustment.head.id())),
        Member::TXN_DATE,
        Member::NO_NOTE,
        List("Line", |adjustment, json| adjustment.one(LINE, json)),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const LINE: &[Member<Adjustment>] = &[
    Always(r#""Id":"1","DetailType":"ItemAdjustmentLineDetail""#),
    Object(
        "ItemAdjustmentLineDetail",
        &[
            Ref("ItemRef", |adjustment| item::reference(adjustment.item)),
            Other(|adjustment, json| json.value("QtyDiff", adjustment.difference)),
        ],
    ),
];

/// The exact content of one adjustment.
struct Adjustment {
    item: u64,
    difference: i64,
}

impl Adjustment {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("inventory adjustment", head.ordinal);
        let items = plan.existing(Name::Item, known_at(head));
        let first = dice.below(items);
        // The next one that is kept in stock, or the first one at all where none is.
        let mut from_there_on = (0..items).map(|step| (first + step) % items);
        let stocked = from_there_on.find(|item| item::planned(plan, *item).sort == Sort::Inventory);
        Self {
            item: stocked.unwrap_or(first),
            difference: dice.between(-20, 20) + i64::from(head.editions),
        }
    }
}
