//! A vendor credit: money that a vendor owes.

use super::prelude::*;
use super::sale::known_at;
use super::spending::{Spending, Wares};
use crate::books::accounts::PAYABLE;

pub(crate) static ENTITY: Entity = Entity::document(Name::VendorCredit, &VENDOR_CREDIT)
    .needing(Need::Essentials)
    .linked(Name::Bill, "Bill");

static VENDOR_CREDIT: Table<Spending> = Table {
    content: spending,
    members: &[
        Amount("Balance", |credit| credit.total),
        Member::HEAD,
        Asked(&Text("DocNumber", |credit| format!("AV {}", credit.head.id()))),
        Member::TXN_DATE,
        Member::CURRENCY,
        Member::NO_NOTE,
        Member::NO_LINKS,
        Member::SPENT,
        Member::VENDOR,
        AccountRef("APAccountRef", |_| &PAYABLE),
        Member::TOTAL_SPENT,
    ],
    total: |plan, head| Some(spending(plan, head).total),
};

fn spending(plan: &Blueprint, head: &Head) -> Spending {
    Spending::drawn(plan, head, "vendor credit", Wares::Both, known_at(head))
}
