//! A budget: a year of monthly amounts for some accounts.

use chrono::{Datelike, NaiveDate};

use super::prelude::*;
use crate::books::accounts::{Account, EXPENSES};

pub(crate) static ENTITY: Entity = Entity::list(Name::Budget, &BUDGET)
    .counting([4, 6, 12], Inactive::Last(1), Opened::WithDocuments)
    .needing(Need::Plus);

static BUDGET: Table<Budget> = Table {
    content: Budget::drawn,
    members: &[
        Asked(&Text("Name", |budget| {
            let (id, suffix) = (budget.head.id(), budget.head.suffix());
            format!("Budget prévu {} – v{id}{suffix}", budget.year)
        })),
        Text("StartDate", |budget| format!("{}-01-01", budget.year)),
        Text("EndDate", |budget| format!("{}-12-31", budget.year)),
        Always(r#""BudgetType":"ProfitAndLoss","BudgetEntryType":"Monthly""#),
        Member::ACTIVE,
        List("BudgetDetail", |budget, json| {
            budget.each(&budget.months, MONTH, json);
        }),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const MONTH: &[Member<Month>] = &[
    Date("BudgetDate", |month| month.first_day),
    Amount("Amount", |month| month.amount),
    AccountRef("AccountRef", |month| month.account),
];

/// The exact content of one budget.
struct Budget {
    year: i32,
    months: Vec<Month>,
}

struct Month {
    first_day: NaiveDate,
    account: &'static Account,
    amount: Money,
}

impl Budget {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let year = plan.first_day.year() + i32::try_from(head.ordinal % 3).unwrap_or(0);
        let mut dice = plan.dice("budget", head.ordinal);
        let more = 100 * i64::from(head.editions);
        let month = |month| Month {
            first_day: NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(plan.first_day),
            account: dice.pick(EXPENSES),
            amount: Money::cents(dice.between(10_000, 500_000) + more),
        };
        Self {
            year,
            months: (1..=12).map(month).collect(),
        }
    }
}
