//! An item: something that a company sells.

use crate::books::accounts::{COST_OF_GOODS, INVENTORY, SALES, SERVICES};
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Inactive, Opened, Population};
use crate::books::head::Head;
use crate::books::names;
use crate::books::planned::suffix;
use crate::books::property::{COMMON, Kind, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Price;

pub(crate) static ENTITY: Entity = Entity {
    name: "item",
    api: "Item",
    population: Population::List {
        count: [60, 400, 5_000],
        inactive: Inactive::Percent(8),
        opened: Opened::Throughout,
    },
    properties: &[COMMON, LIST, ITEM],
    not_queryable: &[
        "SyncToken",
        "Taxable",
        "IncomeAccountRef",
        "ExpenseAccountRef",
        "AssetAccountRef",
        "PurchaseCost",
        "PurchaseDesc",
        "QtyOnHand",
        "TrackQtyOnHand",
        "InvStartDate",
        "domain",
        "sparse",
    ],
    only_projected: &["Sku"],
    write,
    ..Entity::LIST
};

const ITEM: &[Property] = &[
    Property {
        name: "Name",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&shown_name(plan, head)),
    },
    Property {
        name: "FullyQualifiedName",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&shown_name(plan, head)),
    },
    Property {
        name: "Sku",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(&sku(plan, head.ordinal)),
    },
    Property {
        name: "Type",
        kind: Kind::Text,
        read: |plan, head| Scalar::text(goods(plan, head).sort.word()),
    },
    Property {
        name: "UnitPrice",
        kind: Kind::Number,
        read: |plan, head| price_scalar(goods(plan, head).price),
    },
];

/// What the content of an item is.
pub(crate) struct Goods {
    pub(crate) price: Price,
    pub(crate) sort: Sort,
    pub(crate) taxable: bool,
}

/// The `Type` of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Service,
    NonInventory,
    Inventory,
}

impl Sort {
    fn word(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::NonInventory => "NonInventory",
            Self::Inventory => "Inventory",
        }
    }
}

/// The item as documents sell it: its price today does not follow later mutations.
pub(crate) fn planned(plan: &Blueprint, ordinal: u64) -> Goods {
    let mut dice = plan.dice("item", ordinal);
    let sort = *dice.pick(&[
        Sort::Service,
        Sort::NonInventory,
        Sort::NonInventory,
        Sort::Inventory,
    ]);
    let price = match dice.below(20) {
        // A few prices have more decimals than money has.
        0 => dice.between(375, 99_999),
        1..5 => dice.between(10, 900) * 100 * 100,
        _ => dice.between(95, 39_999) * 100,
    };
    Goods {
        price: Price(price),
        sort,
        taxable: sort != Sort::Service,
    }
}

/// The name by which documents refer to an item.
pub(crate) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    names::good(&mut plan.dice("item name", ordinal), plan.region, ordinal + 1)
        + suffix(plan, &ENTITY, ordinal)
}

fn goods(plan: &Blueprint, head: &Head) -> Goods {
    let mut goods = planned(plan, head.ordinal);
    goods.price.0 += i64::from(head.editions) * 10_000;
    goods
}

fn shown_name(plan: &Blueprint, head: &Head) -> String {
    let mut name = names::good(&mut plan.dice("item name", head.ordinal), plan.region, head.id());
    if !head.is_active() {
        name.push_str(" (deleted)");
    }
    name
}

fn sku(plan: &Blueprint, ordinal: u64) -> String {
    format!(
        "{}-{:05}",
        plan.dice("sku", ordinal).letters(3).to_uppercase(),
        ordinal + 1
    )
}

fn price_scalar(price: Price) -> Scalar {
    Scalar::Number(i128::from(price.0) * 100)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let goods = goods(plan, head);
    let name = shown_name(plan, head);
    json.text("Name", &name);
    if head.ordinal.is_multiple_of(3) {
        json.text("Description", &format!("{name}: \"as agreed\"\n2 × pièces"));
    }
    json.value("Active", head.is_active());
    json.text("FullyQualifiedName", &name);
    json.value("Taxable", goods.taxable);
    json.value("UnitPrice", goods.price);
    json.text("Type", goods.sort.word());
    let income = if goods.sort == Sort::Service {
        SERVICES
    } else {
        SALES
    };
    json.reference("IncomeAccountRef", income.id, income.name(plan.region));
    if goods.sort == Sort::Inventory {
        write_stock(plan, head, &goods, json);
    }
    json.value(
        "PurchaseCost",
        if goods.sort == Sort::Service {
            Price(0)
        } else {
            Price(goods.price.0 / 200 * 100)
        },
    );
    json.value("TrackQtyOnHand", goods.sort == Sort::Inventory);
    json.text("Sku", &sku(plan, head.ordinal));
    head.write(json);
}

fn write_stock(plan: &Blueprint, head: &Head, goods: &Goods, json: &mut Json) {
    let mut dice = plan.dice("stock", head.ordinal);
    json.reference(
        "ExpenseAccountRef",
        COST_OF_GOODS.id,
        COST_OF_GOODS.name(plan.region),
    );
    json.reference("AssetAccountRef", INVENTORY.id, INVENTORY.name(plan.region));
    let on_hand = if goods.price.0 % 7 == 0 {
        0
    } else {
        dice.between(-3, 400)
    };
    json.value("QtyOnHand", on_hand);
    json.quoted("InvStartDate", plan.first_day);
}
