//! A vendor: somebody to buy from.

use super::prelude::*;
use crate::books::currency::{self, Currency};
use crate::books::names;
use crate::books::planned::suffix;
use crate::options::Region;

pub(crate) static ENTITY: Entity =
    Entity::list(Name::Vendor, &VENDOR).counting([50, 300, 5_000], Inactive::Percent(12), Opened::Throughout);

static VENDOR: Table<Vendor> = Table {
    content: Vendor::drawn,
    members: &[
        When(
            |vendor| vendor.with_address,
            &[Object("BillAddr", &[Other(write_address)])],
        ),
        Asked(&Amount("Balance", balance)),
        Text("AcctNum", |vendor| format!("V{:06}", vendor.account)),
        Flag("Vendor1099", |vendor| vendor.reported),
        Other(|vendor, json| {
            let currency = currency(vendor.plan, vendor.head.ordinal);
            currency::write_reference(vendor.plan, currency, json);
        }),
        Word("GivenName", |vendor| vendor.person.0),
        Word("FamilyName", |vendor| vendor.person.1),
        Asked(&Text("CompanyName", shown)),
        Asked(&Text("DisplayName", shown)),
        Text("PrintOnCheckName", shown),
        Member::ACTIVE,
        Object(
            "PrimaryEmailAddr",
            &[Text("Address", |vendor| {
                format!("vendor{}@example.org", vendor.head.id())
            })],
        ),
        Member::HEAD,
    ],
    total: |_, _| None,
};

/// The content of one vendor.
struct Vendor {
    with_address: bool,
    account: u64,
    /// To the tax office of the United States.
    reported: bool,
    person: (&'static str, &'static str),
}

impl Vendor {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("vendor", head.ordinal);
        Self {
            with_address: dice.chance(70),
            account: dice.below(1_000_000),
            reported: plan.region == Region::Us && dice.chance(30),
            person: names::person(&mut dice, plan.region),
        }
    }
}

/// How documents refer to a vendor.
pub(super) fn reference(ordinal: u64) -> Reference {
    Reference {
        ordinal,
        name: planned_name,
    }
}

pub(super) fn planned_name(plan: &Blueprint, ordinal: u64) -> String {
    name(plan, ordinal) + suffix(plan, Name::Vendor, ordinal)
}

/// What a vendor is dealt with in.
pub(super) fn currency(plan: &Blueprint, ordinal: u64) -> Option<&'static Currency> {
    currency::of(plan, Name::Vendor, || ordinal)
}

/// Unlike any customer's.
fn name(plan: &Blueprint, ordinal: u64) -> String {
    let house = names::customer(&mut plan.dice("vendor name", ordinal), plan.region, ordinal + 1);
    match plan.region {
        Region::Us => format!("{house} Supply"),
        Region::Ca => format!("{house} – Fournitures"),
    }
}

fn shown(vendor: &Record<'_, Vendor>) -> String {
    name(vendor.plan, vendor.head.ordinal) + vendor.head.suffix()
}

/// Not the sum of the open bills: that would make a vendor depend on every document there is.
fn balance(vendor: &Record<'_, Vendor>) -> Money {
    let mut dice = vendor.plan.dice("vendor balance", vendor.head.ordinal);
    let owed = dice.between(-2_000, 400_000).max(0);
    Money::cents(owed + 100 * i64::from(vendor.head.editions))
}

fn write_address(vendor: &Record<'_, Vendor>, json: &mut Json) {
    let (plan, head) = (vendor.plan, vendor.head);
    let address = names::address(&mut plan.dice("vendor address", head.ordinal), plan.region);
    json.quoted("Id", head.id() + 2);
    json.text("Line1", &address.line);
    json.text("City", address.town.name);
    json.text("CountrySubDivisionCode", address.town.state);
    json.text("PostalCode", address.town.code);
}
