//! A purchase: an expense paid at once, in cash, by check or by card; a customer may have to pay it back.

use super::prelude::*;
use super::sale::known_at;
use super::spending::{Spending, Spent, Wares};
use super::vendor;
use super::word_lists::{DEPARTMENTS, PAYMENT_METHODS};
use crate::books::accounts::{Account, CARDS, CHECKING};
use crate::books::currency::{self, Currency};
use crate::books::flow::follower;

pub(crate) static ENTITY: Entity = Entity::document(Name::Purchase, &PURCHASE)
    .per_day([3, 30, 1_500])
    .voidable(4, 25)
    .linked(Name::ReimburseCharge, "ReimburseCharge");

static PURCHASE: Table<Purchase> = Table {
    content: Purchase::drawn,
    members: &[
        AccountRef("AccountRef", |purchase| purchase.account),
        Asked(&Word("PaymentType", |purchase| purchase.way)),
        Object(
            "EntityRef",
            &[
                Id("value", |purchase| purchase.spending.vendor + 1),
                Text("name", |purchase| {
                    vendor::planned_name(purchase.plan, purchase.spending.vendor)
                }),
                Always(r#""type":"Vendor""#),
            ],
        ),
        When(
            |purchase| purchase.way == "Cash",
            &[Ref("PaymentMethodRef", |purchase| {
                PAYMENT_METHODS.known(purchase.plan, purchase.head)
            })],
        ),
        When(
            |purchase| purchase.plan.has(Name::Department) && purchase.head.ordinal.is_multiple_of(4),
            &[Ref("DepartmentRef", |purchase| {
                DEPARTMENTS.known(purchase.plan, purchase.head)
            })],
        ),
        // One charge on a card in eight is a refund.
        Flag("Credit", |purchase| {
            purchase.way == "CreditCard" && purchase.head.ordinal % 8 == 5
        }),
        Member::TOTAL_SPENT,
        Word("PrintStatus", |purchase| match purchase.way {
            "Check" => "NeedToPrint",
            _ => "NotSet",
        }),
        Object(
            "PurchaseEx",
            &[List("any", |purchase, json| purchase.one(TYPE, json))],
        ),
        Member::HEAD,
        Member::NO_CUSTOM_FIELDS,
        Asked(&Text("DocNumber", |purchase| {
            (5000 + purchase.head.id()).to_string()
        })),
        Member::TXN_DATE,
        Member::CURRENCY,
        Note(|purchase| purchase.head.ordinal.is_multiple_of(5).then_some("Reçu perdu 🧾")),
        Links(|purchase| {
            let charge = charge_of(purchase.plan, purchase.head);
            charge
                .map(|ordinal| Link::to(ordinal, "ReimburseCharge"))
                .into_iter()
                .collect()
        }),
        Member::SPENT,
    ],
    total: |plan, head| Some(spending(plan, head).total),
};

/// The kind of a purchase as an older interface numbers it.
const TYPE: &[Member<Purchase>] = &[
    Always(r#""name":"{http://schema.intuit.com/finance/v3}NameValue""#),
    Object(
        "value",
        &[
            Always(r#""Name":"TxnType""#),
            Word(
                "Value",
                |purchase| if purchase.way == "Check" { "3" } else { "54" },
            ),
        ],
    ),
];

/// The exact content of one purchase.
struct Purchase {
    spending: Spending,
    /// The `PaymentType`.
    way: &'static str,
    /// What paid.
    account: &'static Account,
}

impl Spent for Purchase {
    fn spending(&self) -> &Spending {
        &self.spending
    }
}

impl Dealt for Purchase {
    fn currency(&self) -> Option<&'static Currency> {
        self.spending.currency
    }
}

impl Purchase {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let (way, account) = match plan.dice("way of purchase", head.ordinal).below(10) {
            0..3 => ("Check", &CHECKING),
            3..6 => ("Cash", &CHECKING),
            _ => (
                "CreditCard",
                &CARDS[usize::try_from(head.ordinal % 2).unwrap_or(0)],
            ),
        };
        Self {
            spending: spending(plan, head),
            way,
            account,
        }
    }
}

pub(super) fn spending(plan: &Blueprint, head: &Head) -> Spending {
    let known_at = known_at(head);
    let mut spending = Spending::drawn(plan, head, "purchase", Wares::Accounts, known_at);
    spending.bill_to(charge_of(plan, head).map(|_| {
        let mut dice = plan.dice("billed to", head.ordinal);
        dice.below(plan.existing(Name::Customer, known_at))
    }));
    spending
}

/// What a customer will be billed for it.
fn charge_of(plan: &Blueprint, head: &Head) -> Option<u64> {
    follower(plan, Name::ReimburseCharge, Name::Purchase, head.ordinal)
}

/// What the books say a purchase is worth at home.
pub(super) fn worth(plan: &Blueprint, head: &Head) -> Money {
    let spending = spending(plan, head);
    currency::at_home(plan, spending.currency, head.date, spending.total)
}
