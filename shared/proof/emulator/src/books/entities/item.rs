//! An item: something that a company sells.

use super::prelude::*;
use crate::books::accounts::{COST_OF_GOODS, INVENTORY, SALES, SERVICES};
use crate::books::names;
use crate::books::planned::suffix;
use crate::money::Price;

pub(crate) static ENTITY: Entity = Entity {
    not_queryable: "SyncToken Taxable IncomeAccountRef ExpenseAccountRef AssetAccountRef PurchaseCost PurchaseDesc \
        QtyOnHand TrackQtyOnHand InvStartDate domain sparse",
    only_projected: &["Sku"],
    ..Entity::list(Name::Item, &ITEM).counting([60, 400, 5_000], Inactive::Percent(8), Opened::Throughout)
};

static ITEM: Table<Goods> = Table {
    content: |plan, head| {
        let mut goods = planned(plan, head.ordinal);
        goods.price.0 += i64::from(head.editions) * 10_000;
        goods
    },
    members: &[
        Asked(&Text("Name", name)),
        Optional("Description", |item| {
            let described = item.head.ordinal.is_multiple_of(3);
            described.then(|| format!("{}: \"as agreed\"\n2 × pièces", name(item)))
        }),
        Member::ACTIVE,
        Asked(&Text("FullyQualifiedName", name)),
        Flag("Taxable", |item| item.taxable),
        Asked(&Cost("UnitPrice", |item| item.price)),
        Asked(&Word("Type", |item| item.sort.word())),
        AccountRef("IncomeAccountRef", |item| {
            if item.sort == Sort::Service {
                &SERVICES
            } else {
                &SALES
            }
        }),
        When(
            |item| item.sort == Sort::Inventory,
            &[
                AccountRef("ExpenseAccountRef", |_| &COST_OF_GOODS),
                AccountRef("AssetAccountRef", |_| &INVENTORY),
                Other(|item, json| json.value("QtyOnHand", on_hand(item))),
                Date("InvStartDate", |item| item.plan.first_day),
            ],
        ),
        Cost("PurchaseCost", |item| match item.sort {
            Sort::Service => Price(0),
            _ => Price(item.price.0 / 200 * 100),
        }),
        Flag("TrackQtyOnHand", |item| item.sort == Sort::Inventory),
        Asked(&Text("Sku", |item| {
            let letters = item.plan.dice("sku", item.head.ordinal).letters(3);
            format!("{}-{:05}", letters.to_uppercase(), item.head.id())
        })),
        Member::HEAD,
    ],
    total: |_, _| None,
};

/// What the content of an item is.
pub(super) struct Goods {
    pub(super) price: Price,
    pub(super) sort: Sort,
    pub(super) taxable: bool,
}

/// The `Type` of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
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
pub(super) fn planned(plan: &Blueprint, ordinal: u64) -> Goods {
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

/// How documents refer to an item.
pub(super) fn reference(ordinal: u64) -> Reference {
    Reference {
        ordinal,
        name: planned_name,
    }
}

pub(super) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    good(plan, ordinal) + suffix(plan, Name::Item, ordinal)
}

fn good(plan: &Blueprint, ordinal: u64) -> String {
    names::good(&mut plan.dice("item name", ordinal), plan.region, ordinal + 1)
}

fn name(item: &Record<'_, Goods>) -> String {
    good(item.plan, item.head.ordinal) + item.head.suffix()
}

fn on_hand(item: &Record<'_, Goods>) -> i64 {
    if item.price.0 % 7 == 0 {
        return 0;
    }
    item.plan.dice("stock", item.head.ordinal).between(-3, 400)
}
