//! An account: an entry of the chart. Those that documents post to are as old as the books.

use super::prelude::*;
use crate::books::accounts::{Account, Class, EXPENSE, known, parent_of};

pub(crate) static ENTITY: Entity =
    Entity::list(Name::Account, &ACCOUNT).counting([96, 120, 200], Inactive::Last(4), Opened::YearsBefore(2));

static ACCOUNT: Table<Entry> = Table {
    content: |_, head| Entry {
        known: known(head.id()),
    },
    members: &[
        Asked(&Text("Name", shown)),
        Flag("SubAccount", |entry| entry.parent().is_some()),
        Other(|entry, json| {
            if let Some(parent) = entry.parent() {
                parent.refer("ParentRef", entry.plan.region, json);
            }
        }),
        Asked(&Text("FullyQualifiedName", qualified_name)),
        Member::ACTIVE,
        Asked(&Word("Classification", |entry| entry.class().0)),
        Asked(&Word("AccountType", |entry| entry.class().1)),
        Word("AccountSubType", |entry| entry.class().2),
        Optional("AcctNum", |entry| {
            let numbered = entry.head.ordinal.is_multiple_of(3);
            numbered.then(|| format!("{:04}", 1000 + entry.head.id() * 10))
        }),
        Asked(&Amount("CurrentBalance", balance)),
        Amount("CurrentBalanceWithSubAccounts", balance),
        Member::HOME_CURRENCY,
        Member::HEAD,
    ],
    total: |_, _| None,
};

/// An entry of the chart, which documents may name.
struct Entry {
    known: Option<&'static Account>,
}

impl Entry {
    fn class(&self) -> Class {
        self.known.map_or(EXPENSE, |account| account.class)
    }

    fn parent(&self) -> Option<&'static Account> {
        self.known.and_then(parent_of)
    }
}

fn qualified_name(entry: &Record<'_, Entry>) -> String {
    match entry.known {
        Some(account) => account.name(entry.plan.region).to_owned(),
        None => format!("Dépenses – Expenses {:03}", entry.head.id()),
    }
}

/// The last part of its whole name.
fn shown(entry: &Record<'_, Entry>) -> String {
    let name = qualified_name(entry);
    let own = name.rsplit_once(':').map_or(name.as_str(), |(_, own)| own);
    format!("{own}{}{}", entry.head.asterisks(), entry.head.suffix())
}

/// Not the sum of what was posted: that would make an account depend on every document there is.
fn balance(entry: &Record<'_, Entry>) -> Money {
    let mut dice = entry.plan.dice("account balance", entry.head.ordinal);
    Money::cents(dice.between(-50_000, 9_000_000))
}
