//! A deposit: payments and receipts taken to the bank together, or money that came from nowhere else.

use super::prelude::*;
use super::{payment, sales_receipt};
use crate::books::accounts::{CHECKING, INTEREST, SAVINGS};
use crate::books::currency;
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity::document(Name::Deposit, &DEPOSIT).following(&[
    Stream {
        group: 4,
        ..Stream::from(Name::Payment, 7, (0, 75))
    },
    Stream {
        group: 3,
        ..Stream::from(Name::SalesReceipt, 7, (0, 70))
    },
]);

static DEPOSIT: Table<Deposit> = Table {
    content: Deposit::drawn,
    members: &[
        AccountRef("DepositToAccountRef", |_| &CHECKING),
        Asked(&Amount("TotalAmt", |deposit| deposit.total())),
        When(
            has_currencies,
            &[Amount("HomeTotalAmt", |deposit| deposit.total())],
        ),
        Member::HEAD,
        Member::TXN_DATE,
        Member::AT_HOME,
        Note(|deposit| {
            deposit
                .head
                .ordinal
                .is_multiple_of(6)
                .then_some("Bordereau nº 12/B")
        }),
        List("Line", |deposit, json| {
            deposit.each(&deposit.linked, LINKED_LINE, json);
            deposit.each(&deposit.own, OWN_LINE, json);
        }),
        When(
            |deposit| deposit.cash_back.is_some(),
            &[Object(
                "CashBack",
                &[
                    AccountRef("AccountRef", |_| &SAVINGS),
                    Amount("Amount", |deposit| deposit.cash_back.unwrap_or(Money::ZERO)),
                    Always(r#""Memo":"petty cash""#),
                ],
            )],
        ),
    ],
    total: |plan, head| Some(Deposit::drawn(plan, head).total()),
};

/// Lines of what came from elsewhere have neither an id nor a detail.
const LINKED_LINE: &[Member<(Link, Money)>] = &[
    Amount("Amount", |line| line.1),
    List("LinkedTxn", |line, json| line.0.write(json)),
];

const OWN_LINE: &[Member<Money>] = &[
    Member::NUMBERED,
    Amount("Amount", |line| **line),
    Always(r#""DetailType":"DepositLineDetail""#),
    Object("DepositLineDetail", &[AccountRef("AccountRef", |_| &INTEREST)]),
];

/// The exact content of one deposit, in the home currency.
struct Deposit {
    linked: Vec<(Link, Money)>,
    own: Vec<Money>,
    cash_back: Option<Money>,
}

impl Deposit {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("deposit", head.ordinal);
        let mut own = Vec::new();
        let mut from = Vec::new();
        if let Some(origin) = origin(plan, Name::Deposit, head.ordinal) {
            let ordinals = origin.ordinals.iter();
            from.extend(ordinals.map(|ordinal| linked(plan, origin.source, *ordinal)));
        } else if let Some(companion) = head.companion {
            from.push(linked(plan, companion.entity, companion.ordinal));
        } else {
            own.extend((0..=dice.below(2)).map(|_| Money::cents(dice.between(5_000, 120_000))));
        }
        if head.editions > 0 {
            own.push(Money::cents(100 * i64::from(head.editions)));
        }
        let cash_back = (from.is_empty() && dice.chance(25)).then(|| Money::cents(dice.between(500, 4_000)));
        Self {
            linked: from,
            own,
            cash_back,
        }
    }

    fn total(&self) -> Money {
        let linked: Money = self.linked.iter().map(|(_, amount)| *amount).sum();
        let own: Money = self.own.iter().copied().sum();
        linked + own - self.cash_back.unwrap_or(Money::ZERO)
    }
}

/// A payment or a receipt, and what it is worth at home.
fn linked(plan: &Blueprint, source: Name, ordinal: u64) -> (Link, Money) {
    if source == Name::Payment {
        return (Link::to(ordinal, "Payment"), payment::worth(plan, ordinal));
    }
    let head = plan.head(Name::SalesReceipt, ordinal);
    let sale = sales_receipt::sale(plan, &head);
    let amount = currency::at_home(plan, sale.currency, head.date, sale.total);
    (Link::to(ordinal, "SalesReceipt"), amount)
}
