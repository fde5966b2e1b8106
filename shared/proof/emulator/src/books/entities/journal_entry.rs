//! A journal entry: amounts moved between accounts, with debits and credits in balance.

use super::prelude::*;
use crate::books::accounts::{Account, JOURNAL};

pub(crate) static ENTITY: Entity = Entity {
    not_queryable: "SyncToken Line TxnTaxDetail CurrencyRef ExchangeRate DepartmentRef TotalAmt Adjustment PrivateNote \
        domain sparse",
    ..Entity::document(Name::JournalEntry, &JOURNAL_ENTRY).per_day([1, 10, 1_000])
};

static JOURNAL_ENTRY: Table<Vec<Posting>> = Table {
    content: postings,
    members: &[
        Flag("Adjustment", |entry| entry.head.ordinal.is_multiple_of(10)),
        Member::HEAD,
        Asked(&Optional("DocNumber", |entry| {
            (entry.head.ordinal % 4 != 3).then(|| format!("JE-{}", entry.head.id()))
        })),
        Member::TXN_DATE,
        Member::AT_HOME,
        When(
            |entry| entry.head.ordinal.is_multiple_of(5),
            &[Always(r#""PrivateNote":"Month's end – accrual «provisoire»""#)],
        ),
        List("Line", |entry, json| entry.each(entry, LINE, json)),
        Object("TxnTaxDetail", &[]),
        // Companies with one currency are not told the sum.
        When(
            has_currencies,
            &[
                Amount("TotalAmt", |entry| debits(entry)),
                Amount("HomeTotalAmt", |entry| debits(entry)),
            ],
        ),
    ],
    total: |plan, head| Some(debits(&postings(plan, head))),
};

const LINE: &[Member<Posting>] = &[
    // The first line's id is "0", as upstream numbers these documents.
    Id("Id", |posting| posting.number - 1),
    When(
        |posting| posting.number % 2 == 1,
        &[Word("Description", |posting| {
            if posting.is_debit() {
                "to record"
            } else {
                "à reporter"
            }
        })],
    ),
    Amount("Amount", |posting| {
        if posting.is_debit() {
            posting.amount
        } else {
            -posting.amount
        }
    }),
    Always(r#""DetailType":"JournalEntryLineDetail""#),
    Object(
        "JournalEntryLineDetail",
        &[
            Word(
                "PostingType",
                |posting| if posting.is_debit() { "Debit" } else { "Credit" },
            ),
            AccountRef("AccountRef", |posting| posting.account),
        ],
    ),
];

struct Posting {
    /// Positive is a debit.
    amount: Money,
    account: &'static Account,
}

impl Posting {
    fn is_debit(&self) -> bool {
        self.amount > Money::ZERO
    }
}

/// One to four debits and one or two credits of the same sum.
fn postings(plan: &Blueprint, head: &Head) -> Vec<Posting> {
    let mut dice = plan.dice("journal entry", head.ordinal);
    let mut lines: Vec<Posting> = (0..=dice.below(4))
        .map(|_| Posting {
            amount: Money::cents(dice.between(100, 250_000)),
            account: dice.pick(JOURNAL),
        })
        .collect();
    lines[0].amount += Money::cents(100 * i64::from(head.editions));
    let sum = debits(&lines);
    let first_part = if dice.chance(30) {
        Money::cents(sum.in_cents() / 3)
    } else {
        sum
    };
    for part in [first_part, sum - first_part] {
        if part != Money::ZERO {
            lines.push(Posting {
                amount: -part,
                account: dice.pick(JOURNAL),
            });
        }
    }
    lines
}

fn debits(lines: &[Posting]) -> Money {
    lines
        .iter()
        .map(|line| line.amount)
        .filter(|amount| *amount > Money::ZERO)
        .sum()
}
