//! A budget: a year of monthly amounts for some accounts.

use chrono::{Datelike, NaiveDate};

use crate::books::accounts::EXPENSES;
use crate::books::blueprint::Blueprint;
use crate::books::entity::{Entity, Inactive, Need, Opened, Population};
use crate::books::head::Head;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Money;

pub(crate) static ENTITY: Entity = Entity {
    name: "budget",
    api: "Budget",
    population: Population::List {
        count: [4, 6, 12],
        inactive: Inactive::Last(1),
        opened: Opened::WithDocuments,
    },
    need: Need::Plus,
    properties: &[
        COMMON,
        LIST,
        &[Property::text("Name", |plan, head| {
            Scalar::text(&shown(plan, head))
        })],
    ],
    write,
    ..Entity::LIST
};

fn year(plan: &Blueprint, head: &Head) -> i32 {
    plan.first_day.year() + i32::try_from(head.ordinal % 3).unwrap_or(0)
}

fn shown(plan: &Blueprint, head: &Head) -> String {
    let suffix = if head.is_active() { "" } else { " (deleted)" };
    format!("Budget prévu {} – v{}{suffix}", year(plan, head), head.id())
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let year = year(plan, head);
    let mut dice = plan.dice("budget", head.ordinal);
    json.text("Name", &shown(plan, head));
    json.quoted("StartDate", format_args!("{year}-01-01"));
    json.quoted("EndDate", format_args!("{year}-12-31"));
    json.raw_member(r#""BudgetType":"ProfitAndLoss","BudgetEntryType":"Monthly""#);
    json.value("Active", head.is_active());
    json.array("BudgetDetail", |json| {
        for month in 1..=12 {
            let date = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(plan.first_day);
            let account = dice.pick(EXPENSES);
            let amount = Money::cents(dice.between(10_000, 500_000) + 100 * i64::from(head.editions));
            json.element(|json| {
                json.quoted("BudgetDate", date);
                json.value("Amount", amount);
                json.reference("AccountRef", account.id, account.name(plan.region));
            });
        }
    });
    head.write(json);
}
