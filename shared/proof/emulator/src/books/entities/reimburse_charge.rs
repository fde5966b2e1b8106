//! A reimburse charge: an expense that a customer will be billed for. Upstream makes it; nobody else writes one.

use super::prelude::*;
use super::sale::known_at;
use super::{customer, purchase};
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Uncertain,
    ..Entity::document(Name::ReimburseCharge, &REIMBURSE_CHARGE)
        .per_day([0, 0, 0])
        .following(&[Stream::from(Name::Purchase, 7, (0, 25))])
        .needing(Need::Luck)
        .linked(Name::Purchase, "Purchase")
};

static REIMBURSE_CHARGE: Table<Charge> = Table {
    content: Charge::drawn,
    members: &[
        Ref("CustomerRef", |charge| customer::reference(charge.customer)),
        Always(r#""HasBeenInvoiced":false"#),
        Asked(&Amount("Amount", |charge| charge.amount)),
        Member::HEAD,
        Member::TXN_DATE,
        Member::AT_HOME,
        Member::NO_NOTE,
        Links(|charge| {
            let link = charge.purchase.map(|ordinal| Link::to(ordinal, "Purchase"));
            link.into_iter().collect()
        }),
        List("Line", |charge, json| charge.one(LINE, json)),
    ],
    total: |plan, head| Some(Charge::drawn(plan, head).amount),
};

const LINE: &[Member<Charge>] = &[
    Always(r#""Id":"1","LineNum":1"#),
    Amount("Amount", |charge| charge.amount),
    Always(r#""DetailType":"ReimburseLineDetail","ReimburseLineDetail":{}"#),
];

/// The exact content of one charge.
struct Charge {
    customer: u64,
    purchase: Option<u64>,
    /// In the home currency.
    amount: Money,
}

impl Charge {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let more = Money::cents(100 * i64::from(head.editions));
        let Some(origin) = origin(plan, Name::ReimburseCharge, head.ordinal) else {
            let customers = plan.existing(Name::Customer, known_at(head));
            return Self {
                customer: head.ordinal % customers,
                purchase: None,
                amount: Money::cents(2_500) + more,
            };
        };
        let purchase = plan.head(Name::Purchase, origin.ordinals[0]);
        Self {
            customer: purchase::spending(plan, &purchase).billed_to().unwrap_or(0),
            purchase: Some(purchase.ordinal),
            amount: purchase::worth(plan, &purchase) + more,
        }
    }
}
