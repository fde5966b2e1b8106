//! Taxes: the codes that lines name, the rates behind them and the agencies that collect them.

use super::prelude::*;
use crate::books::entity::{Asking, Key};
use crate::books::property::COMMON_WITHOUT_ID;
use crate::books::scalar::{Kind, Scalar};
use crate::money::Percentage;
use crate::options::Region;

/// In the United States the ids of the first two are words.
pub(crate) static CODE: Entity = Entity {
    changes: Changes::Untold,
    key: Key::Text(code_id),
    properties: &[
        COMMON_WITHOUT_ID,
        LIST,
        &[Property::new("Id", Kind::Text, |plan, head| {
            Scalar::text(&code_id(plan, head))
        })],
    ],
    ..Entity::list(Name::TaxCode, &TAX_CODE).counting([10; 3], Inactive::Last(1), Opened::YearsBefore(1))
};

pub(crate) static RATE: Entity = Entity {
    changes: Changes::Untold,
    ..Entity::list(Name::TaxRate, &TAX_RATE).counting([10; 3], Inactive::Last(1), Opened::YearsBefore(2))
};

pub(crate) static AGENCY: Entity = Entity {
    asking: Asking::Unordered,
    changes: Changes::Untold,
    removal: Removal::Impossible,
    properties: &[COMMON],
    ..Entity::list(Name::TaxAgency, &TAX_AGENCY).counting([3; 3], Inactive::None, Opened::YearsBefore(3))
};

/// Its content are the ids of the rates that it stands for.
static TAX_CODE: Table<&[u64]> = Table {
    content: |plan, head| match (plan.region, head.ordinal) {
        (Region::Us, 1) | (Region::Ca, 3) => &[],
        (Region::Us, _) => &[3],
        (Region::Ca, _) => &[7, 8],
    },
    members: &[
        Asked(&Text("Name", code_name)),
        Text("Description", |code| {
            format!("{} №{}", code_name(code), code.head.editions)
        }),
        Member::ACTIVE,
        Flag("Taxable", |code| !code.is_empty()),
        Flag("TaxGroup", |code| code.len() > 1),
        Object(
            "SalesTaxRateList",
            &[List("TaxRateDetail", |code, json| {
                code.each(**code, RATE_DETAIL, json);
            })],
        ),
        Always(r#""PurchaseTaxRateList":{"TaxRateDetail":[]},"domain":"QBO","sparse":false"#),
        Text("Id", |code| code_id(code.plan, code.head)),
        Other(|code, json| code.head.write_versions(json)),
    ],
    total: |_, _| None,
};

const RATE_DETAIL: &[Member<u64>] = &[
    Object("TaxRateRef", &[Id("value", |rate| **rate)]),
    Always(r#""TaxTypeApplicable":"TaxOnAmount""#),
    Count("TaxOrder", |rate| rate.number - 1),
];

fn code_id(plan: &Blueprint, head: &Head) -> String {
    match (plan.region, head.ordinal) {
        (Region::Us, 0) => "TAX".to_owned(),
        (Region::Us, 1) => "NON".to_owned(),
        (Region::Us, ordinal) => ordinal.to_string(),
        (Region::Ca, ordinal) => (ordinal + 1).to_string(),
    }
}

fn code_name(code: &Record<'_, &[u64]>) -> String {
    let name = match (code.plan.region, code.head.ordinal) {
        (Region::Us, 0) => "TAX".to_owned(),
        (Region::Us, 1) => "NON".to_owned(),
        (Region::Us, ordinal) => format!("Marrow County {ordinal}"),
        (Region::Ca, 3) => "Exonéré".to_owned(),
        (Region::Ca, 8) => "TPS/TVQ QC - 9,975".to_owned(),
        (Region::Ca, ordinal) => format!("Taxe locale {}", ordinal + 1),
    };
    name + code.head.suffix()
}

static TAX_RATE: Table<Percentage> = Table {
    content: |plan, head| match (plan.region, head.id()) {
        (Region::Us, 3) => Percentage(8_250),
        (Region::Ca, 7) => Percentage(5_000),
        (Region::Ca, 8) => Percentage(9_975),
        (_, id) => Percentage(i64::try_from(id).unwrap_or(0) * 500),
    },
    members: &[
        Asked(&Text("Name", rate_name)),
        Member::ACTIVE,
        Asked(&Percent("RateValue", |rate| **rate)),
        Object("AgencyRef", &[Id("value", |rate| rate.head.ordinal % 3 + 1)]),
        Always(r#""SpecialTaxType":"NONE""#),
        List("EffectiveTaxRate", |rate, json| rate.one(EFFECTIVE, json)),
        Always(r#""DisplayType":"ReadOnly""#),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const EFFECTIVE: &[Member<Percentage>] = &[
    Percent("RateValue", |rate| **rate),
    Date("EffectiveDate", |rate| rate.plan.first_day),
];

fn rate_name(rate: &Record<'_, Percentage>) -> String {
    let name = match (rate.plan.region, rate.head.id()) {
        (Region::Us, 3) => "Marrow State".to_owned(),
        (Region::Ca, 7) => "TPS".to_owned(),
        (Region::Ca, 8) => "TVQ".to_owned(),
        (_, id) => format!("Rate – taux {id}"),
    };
    name + &rate.head.asterisks() + rate.head.suffix()
}

/// Its content is its name.
static TAX_AGENCY: Table<&str> = Table {
    content: |plan, head| {
        let names = match plan.region {
            Region::Us => [
                "Marrow State Treasury",
                "Fennel County Office",
                "Dry Creek Town Clerk",
            ],
            Region::Ca => [
                "Bureau des taxes de Brumes",
                "Trésor de Claironne",
                "Greffe du Val-des-Fables",
            ],
        };
        names[usize::try_from(head.ordinal % 3).unwrap_or(0)]
    },
    members: &[
        Flag("TaxTrackedOnPurchases", |agency| agency.head.ordinal == 0),
        Always(r#""TaxTrackedOnSales":true"#),
        Date("LastFileDate", |agency| agency.plan.first_day),
        Count("TaxRegistrationNumber", |agency| {
            u64::from(agency.head.editions) + 100
        }),
        Asked(&Word("DisplayName", |agency| **agency)),
        Member::HEAD,
    ],
    total: |_, _| None,
};
