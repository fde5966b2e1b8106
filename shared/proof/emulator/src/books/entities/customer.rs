//! A customer: somebody to invoice, or a job of one.

use super::prelude::*;
use crate::books::currency::{self, Currency};
use crate::books::names;
use crate::books::planned::suffix;
use crate::books::scalar::{Kind, Scalar};

pub(crate) static ENTITY: Entity = Entity {
    properties: &[
        COMMON,
        LIST,
        // A job's, too, although it does not show one.
        &[Property::new("CompanyName", Kind::Text, |plan, head| {
            Scalar::text(&own_name(plan, head.ordinal))
        })],
    ],
    not_queryable: "SyncToken BillAddr ShipAddr ParentRef Level PrimaryPhone PrimaryEmailAddr CurrencyRef Notes Taxable \
        BillWithParent BalanceWithJobs IsProject domain sparse",
    ..Entity::list(Name::Customer, &CUSTOMER).counting(
        [120, 1_200, 50_000],
        Inactive::Percent(6),
        Opened::Throughout,
    )
};

static CUSTOMER: Table<Customer> = Table {
    content: Customer::drawn,
    members: &[
        Flag("Taxable", |customer| customer.taxable),
        When(
            |customer| customer.with_address,
            &[Object("BillAddr", &[Other(write_address)])],
        ),
        When(
            |customer| customer.noted,
            &[Word(
                "Notes",
                |_| "Ring twice.\tGate code: ask 🔑\r\nPas le lundi.",
            )],
        ),
        Asked(&Flag("Job", |customer| customer.parent.is_some())),
        Flag("BillWithParent", |customer| customer.parent.is_some()),
        When(
            |customer| customer.parent.is_some(),
            &[
                Ref("ParentRef", |customer| Reference {
                    ordinal: customer.parent.unwrap_or(0),
                    name: qualified_name,
                }),
                Always(r#""Level":1"#),
            ],
        ),
        Asked(&Amount("Balance", balance)),
        Amount("BalanceWithJobs", balance),
        Other(|customer, json| {
            let currency = currency(customer.plan, customer.head.ordinal);
            currency::write_reference(customer.plan, currency, json);
        }),
        Word("PreferredDeliveryMethod", |customer| customer.delivery),
        Always(r#""IsProject":false"#),
        Asked(&Word("GivenName", |customer| person(customer).0)),
        Asked(&Word("FamilyName", |customer| person(customer).1)),
        Asked(&Text("FullyQualifiedName", |customer| {
            qualified_name(customer.plan, customer.head.ordinal) + customer.head.suffix()
        })),
        When(
            |customer| customer.parent.is_none(),
            &[Text("CompanyName", |customer| {
                own_name(customer.plan, customer.head.ordinal)
            })],
        ),
        Asked(&Text("DisplayName", display_name)),
        Text("PrintOnCheckName", display_name),
        Member::ACTIVE,
        // Numbers and addresses from the ranges that are reserved for fiction.
        Object(
            "PrimaryPhone",
            &[Text("FreeFormNumber", |customer| {
                format!("(555) 555-01{:02}", customer.head.id() % 100)
            })],
        ),
        Object(
            "PrimaryEmailAddr",
            &[Text("Address", |customer| {
                format!("books{}@example.com", customer.head.id())
            })],
        ),
        Member::HEAD,
    ],
    total: |_, _| None,
};

/// The content of one customer.
struct Customer {
    taxable: bool,
    with_address: bool,
    noted: bool,
    delivery: &'static str,
    parent: Option<u64>,
}

impl Customer {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("customer", head.ordinal);
        Self {
            taxable: dice.chance(80),
            with_address: dice.chance(85),
            noted: dice.chance(10),
            delivery: ["Print", "Email", "None"][dice.index(3)],
            parent: parent(plan, head.ordinal),
        }
    }
}

/// How documents refer to a customer: with its parent's name before its own.
pub(super) fn reference(ordinal: u64) -> Reference {
    Reference {
        ordinal,
        name: |plan, ordinal| qualified_name(plan, ordinal) + suffix(plan, Name::Customer, ordinal),
    }
}

/// What a customer is dealt with in. A job follows its customer.
pub(super) fn currency(plan: &Blueprint, ordinal: u64) -> Option<&'static Currency> {
    currency::of(plan, Name::Customer, || parent(plan, ordinal).unwrap_or(ordinal))
}

/// The customer that this one is a job of: always an older one that is no job itself.
fn parent(plan: &Blueprint, ordinal: u64) -> Option<u64> {
    if !is_job(plan, ordinal) {
        return None;
    }
    let back = 1 + plan.dice("parent", ordinal).below(ordinal.min(20));
    (0..=ordinal - back).rev().find(|older| !is_job(plan, *older))
}

/// The first customer is never a job, so that every job finds a parent.
fn is_job(plan: &Blueprint, ordinal: u64) -> bool {
    ordinal > 0 && plan.dice("job", ordinal).chance(15)
}

fn own_name(plan: &Blueprint, ordinal: u64) -> String {
    let mut dice = plan.dice("customer name", ordinal);
    if is_job(plan, ordinal) {
        names::project(&mut dice, plan.region, ordinal + 1)
    } else {
        names::customer(&mut dice, plan.region, ordinal + 1)
    }
}

fn qualified_name(plan: &Blueprint, ordinal: u64) -> String {
    match parent(plan, ordinal) {
        Some(parent) => format!("{}:{}", own_name(plan, parent), own_name(plan, ordinal)),
        None => own_name(plan, ordinal),
    }
}

fn display_name(customer: &Record<'_, Customer>) -> String {
    own_name(customer.plan, customer.head.ordinal) + customer.head.suffix()
}

fn person(customer: &Record<'_, Customer>) -> (&'static str, &'static str) {
    let mut dice = customer.plan.dice("person", customer.head.ordinal);
    names::person(&mut dice, customer.plan.region)
}

/// Not the sum of the open invoices: that would make a customer depend on every document there is.
fn balance(customer: &Record<'_, Customer>) -> Money {
    let mut dice = customer.plan.dice("balance", customer.head.ordinal);
    let owed = if dice.chance(60) {
        0
    } else {
        dice.between(1, 900_000)
    };
    Money::cents(owed + i64::from(customer.head.editions) * 100)
}

fn write_address(customer: &Record<'_, Customer>, json: &mut Json) {
    let (plan, head) = (customer.plan, customer.head);
    let address = names::address(&mut plan.dice("address", head.ordinal), plan.region);
    json.quoted("Id", head.id() + 1);
    json.text("Line1", &address.line);
    json.text("City", address.town.name);
    json.text("Country", plan.region.country());
    json.text("CountrySubDivisionCode", address.town.state);
    json.text("PostalCode", address.town.code);
}
