//! A bill payment: a bill paid, or half of it, by check or by card.

use super::bill;
use super::prelude::*;
use super::settlement::{is_paid_by_card, part_of_bill};
use super::spending::Spending;
use super::vendor;
use crate::books::accounts::{CARDS, CHECKING, PAYABLE};
use crate::books::currency::Currency;
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity::document(Name::BillPayment, &BILL_PAYMENT)
    .per_day([0, 0, 0])
    .following(&[
        Stream::from(Name::Bill, 14, (0, 35)),
        Stream::from(Name::Bill, 28, (35, 60)),
    ])
    .needing(Need::Essentials)
    .voidable(0, 100)
    .linked(Name::Bill, "Bill");

static BILL_PAYMENT: Table<BillPayment> = Table {
    content: BillPayment::drawn,
    members: &[
        When(
            |payment| payment.bill.is_some(),
            &[Asked(&Ref("VendorRef", |payment| {
                vendor::reference(payment.bill.as_ref().map_or(0, |(_, bill)| bill.vendor))
            }))],
        ),
        AccountRef("APAccountRef", |_| &PAYABLE),
        When(
            |payment| is_paid_by_card(payment.plan, payment.head.ordinal),
            &[
                Always(r#""PayType":"CreditCard""#),
                Object("CreditCardPayment", &[AccountRef("CCAccountRef", |_| &CARDS[0])]),
            ],
        ),
        When(
            |payment| !is_paid_by_card(payment.plan, payment.head.ordinal),
            &[
                Always(r#""PayType":"Check""#),
                Object(
                    "CheckPayment",
                    &[
                        AccountRef("BankAccountRef", |_| &CHECKING),
                        Always(r#""PrintStatus":"NotSet""#),
                    ],
                ),
            ],
        ),
        Asked(&Amount("TotalAmt", |payment| payment.total)),
        Member::HEAD,
        Asked(&Text("DocNumber", |payment| {
            (300 + payment.head.id()).to_string()
        })),
        Member::TXN_DATE,
        Member::CURRENCY,
        Member::NO_NOTE,
        When(|payment| payment.head.links > 0, &[Member::NO_LINKS]),
        List("Line", |payment, json| {
            if payment.bill.is_some() && !payment.head.is_voided() {
                payment.one(LINE, json);
            }
        }),
    ],
    total: |plan, head| Some(BillPayment::drawn(plan, head).total),
};

const LINE: &[Member<BillPayment>] = &[
    Amount("Amount", |payment| payment.total),
    List("LinkedTxn", |payment, json| {
        if let Some((bill, _)) = payment.bill {
            Link::to(bill, "Bill").write(json);
        }
    }),
];

/// The exact content of one payment.
struct BillPayment {
    /// The bill that it pays. One that a mutation made pays the first bill there is, a little.
    bill: Option<(u64, Spending)>,
    total: Money,
}

impl Dealt for BillPayment {
    fn currency(&self) -> Option<&'static Currency> {
        self.bill.as_ref().and_then(|(_, spending)| spending.currency)
    }
}

impl BillPayment {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let origin = origin(plan, Name::BillPayment, head.ordinal).map(|origin| origin.ordinals[0]);
        let ordinal = origin.or_else(|| (plan.planned(Name::Bill) > 0).then_some(0));
        let bill = ordinal.map(|ordinal| {
            let bill = plan.head(Name::Bill, ordinal);
            (ordinal, bill::spending(plan, &bill))
        });
        let owed = bill.as_ref().map_or(Money::ZERO, |(_, spending)| spending.total);
        let more = Money::cents(100 * i64::from(head.editions));
        let total = if head.is_voided() {
            Money::ZERO
        } else {
            part_of_bill(plan, head.ordinal, owed) + more
        };
        Self { bill, total }
    }
}
