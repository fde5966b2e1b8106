//! A journal entry: amounts moved between accounts, with debits and credits in balance.

use crate::books::accounts::{Account, JOURNAL};
use crate::books::blueprint::Blueprint;
use crate::books::currency;
use crate::books::entity::{Entity, Population};
use crate::books::head::Head;
use crate::books::property::{COMMON, DOCUMENT, Kind, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "journal_entry",
    api: "JournalEntry",
    population: Population::Documents {
        per_day: [1, 10, 1_000],
    },
    properties: &[COMMON, DOCUMENT, JOURNAL_ENTRY],
    not_queryable: &[
        "SyncToken",
        "Line",
        "TxnTaxDetail",
        "CurrencyRef",
        "ExchangeRate",
        "DepartmentRef",
        "TotalAmt",
        "Adjustment",
        "PrivateNote",
        "domain",
        "sparse",
    ],
    write,
    total: |plan, head| Some(debits(&postings(plan, head))),
    ..Entity::DOCUMENT
};

const JOURNAL_ENTRY: &[Property] = &[Property {
    name: "DocNumber",
    kind: Kind::Text,
    read: |_, head| doc_number(head).map_or(Scalar::Null, |number| Scalar::text(&number)),
}];

struct Posting {
    /// Positive is a debit.
    amount: Money,
    account: &'static Account,
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

fn doc_number(head: &Head) -> Option<String> {
    (head.ordinal % 4 != 3).then(|| format!("JE-{}", head.id()))
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    json.value("Adjustment", head.ordinal.is_multiple_of(10));
    head.write(json);
    if let Some(number) = doc_number(head) {
        json.text("DocNumber", &number);
    }
    json.quoted("TxnDate", head.date);
    currency::write(plan, None, head.date, json);
    if head.ordinal.is_multiple_of(5) {
        json.text("PrivateNote", "Month's end – accrual «provisoire»");
    }
    let postings = postings(plan, head);
    json.array("Line", |json| write_lines(plan, &postings, json));
    json.object("TxnTaxDetail", |_| {});
    // Companies with one currency are not told the sum.
    currency::write_at_home(plan, None, head.date, ("TotalAmt", debits(&postings)), json);
    currency::write_at_home(plan, None, head.date, ("HomeTotalAmt", debits(&postings)), json);
}

fn write_lines(plan: &Blueprint, postings: &[Posting], json: &mut Json) {
    for (number, posting) in postings.iter().enumerate() {
        json.element(|json| write_line(plan, number, posting, json));
    }
}

/// The first line's id is "0", as upstream numbers these documents.
fn write_line(plan: &Blueprint, number: usize, posting: &Posting, json: &mut Json) {
    let debit = posting.amount > Money::ZERO;
    json.quoted("Id", number);
    if number.is_multiple_of(2) {
        json.text("Description", if debit { "to record" } else { "à reporter" });
    }
    json.value("Amount", if debit { posting.amount } else { -posting.amount });
    json.text("DetailType", "JournalEntryLineDetail");
    json.object("JournalEntryLineDetail", |json| {
        json.text("PostingType", if debit { "Debit" } else { "Credit" });
        json.reference(
            "AccountRef",
            posting.account.id,
            posting.account.name(plan.region),
        );
    });
}
