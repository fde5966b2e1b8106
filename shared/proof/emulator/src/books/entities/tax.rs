//! Taxes: the codes that lines name, the rates behind them and the agencies that collect them.

use crate::books::blueprint::Blueprint;
use crate::books::entity::{Asking, Changes, Entity, Inactive, Key, Opened, Population, Removal};
use crate::books::head::Head;
use crate::books::property::{COMMON, COMMON_WITHOUT_ID, LIST, Property, Scalar};
use crate::json::Json;
use crate::money::Percentage;
use crate::options::Region;

const fn ten(years_before: u32) -> Population {
    Population::List {
        count: [10, 10, 10],
        inactive: Inactive::Last(1),
        opened: Opened::YearsBefore(years_before),
    }
}

/// In the United States the ids of the first two are words.
pub(crate) static CODE: Entity = Entity {
    name: "tax_code",
    api: "TaxCode",
    population: ten(1),
    changes: Changes::Untold,
    key: Key::Text(code_id),
    properties: &[
        COMMON_WITHOUT_ID,
        LIST,
        &[
            Property::text("Id", |plan, head| Scalar::text(&code_id(plan, head))),
            Property::text("Name", |plan, head| Scalar::text(&code_name(plan, head))),
        ],
    ],
    write: write_code,
    ..Entity::LIST
};

pub(crate) static RATE: Entity = Entity {
    name: "tax_rate",
    api: "TaxRate",
    population: ten(2),
    changes: Changes::Untold,
    properties: &[
        COMMON,
        LIST,
        &[
            Property::text("Name", |plan, head| Scalar::text(&rate_name(plan, head))),
            Property::number("RateValue", |plan, head| {
                Scalar::Number(i128::from(rate(plan.region, head.id()).0) * 1_000)
            }),
        ],
    ],
    write: write_rate,
    ..Entity::LIST
};

pub(crate) static AGENCY: Entity = Entity {
    name: "tax_agency",
    api: "TaxAgency",
    population: Population::List {
        count: [3, 3, 3],
        inactive: Inactive::None,
        opened: Opened::YearsBefore(3),
    },
    asking: Asking::Unordered,
    changes: Changes::Untold,
    removal: Removal::Impossible,
    properties: &[
        COMMON,
        &[Property::text("DisplayName", |plan, head| {
            Scalar::text(agency_name(plan.region, head.ordinal))
        })],
    ],
    write: write_agency,
    ..Entity::LIST
};

fn code_id(plan: &Blueprint, head: &Head) -> String {
    match (plan.region, head.ordinal) {
        (Region::Us, 0) => "TAX".to_owned(),
        (Region::Us, 1) => "NON".to_owned(),
        (Region::Us, ordinal) => ordinal.to_string(),
        (Region::Ca, ordinal) => (ordinal + 1).to_string(),
    }
}

fn code_name(plan: &Blueprint, head: &Head) -> String {
    let name = match (plan.region, head.ordinal) {
        (Region::Us, 0) => "TAX".to_owned(),
        (Region::Us, 1) => "NON".to_owned(),
        (Region::Us, ordinal) => format!("Marrow County {ordinal}"),
        (Region::Ca, 3) => "Exonéré".to_owned(),
        (Region::Ca, 8) => "TPS/TVQ QC - 9,975".to_owned(),
        (Region::Ca, ordinal) => format!("Taxe locale {}", ordinal + 1),
    };
    name + if head.is_active() { "" } else { " (deleted)" }
}

/// The ids of the rates that a code stands for.
fn rates_of(plan: &Blueprint, head: &Head) -> &'static [u64] {
    match (plan.region, head.ordinal) {
        (Region::Us, 1) | (Region::Ca, 3) => &[],
        (Region::Us, _) => &[3],
        (Region::Ca, _) => &[7, 8],
    }
}

fn write_code(plan: &Blueprint, head: &Head, json: &mut Json) {
    let rates = rates_of(plan, head);
    json.text("Name", &code_name(plan, head));
    json.text(
        "Description",
        &format!("{} №{}", code_name(plan, head), head.editions),
    );
    json.value("Active", head.is_active());
    json.value("Taxable", !rates.is_empty());
    json.value("TaxGroup", rates.len() > 1);
    json.object("SalesTaxRateList", |json| {
        json.array("TaxRateDetail", |json| {
            for (order, rate) in rates.iter().enumerate() {
                json.element(|json| {
                    json.object("TaxRateRef", |json| json.quoted("value", rate));
                    json.text("TaxTypeApplicable", "TaxOnAmount");
                    json.value("TaxOrder", order);
                });
            }
        });
    });
    json.object("PurchaseTaxRateList", |json| json.array("TaxRateDetail", |_| {}));
    json.raw_member(r#""domain":"QBO","sparse":false"#);
    json.quoted("Id", code_id(plan, head));
    head.write_versions(json);
}

fn rate(region: Region, id: u64) -> Percentage {
    match (region, id) {
        (Region::Us, 3) => Percentage(8_250),
        (Region::Ca, 7) => Percentage(5_000),
        (Region::Ca, 8) => Percentage(9_975),
        (_, id) => Percentage(i64::try_from(id).unwrap_or(0) * 500),
    }
}

fn rate_name(plan: &Blueprint, head: &Head) -> String {
    let name = match (plan.region, head.id()) {
        (Region::Us, 3) => "Marrow State".to_owned(),
        (Region::Ca, 7) => "TPS".to_owned(),
        (Region::Ca, 8) => "TVQ".to_owned(),
        (_, id) => format!("Rate – taux {id}"),
    };
    let rename = "*".repeat(usize::try_from(head.editions).unwrap_or(0));
    name + &rename + if head.is_active() { "" } else { " (deleted)" }
}

fn write_rate(plan: &Blueprint, head: &Head, json: &mut Json) {
    let agency = head.ordinal % 3;
    json.text("Name", &rate_name(plan, head));
    json.value("Active", head.is_active());
    let value = rate(plan.region, head.id());
    json.value("RateValue", value);
    json.object("AgencyRef", |json| json.quoted("value", agency + 1));
    json.text("SpecialTaxType", "NONE");
    json.array("EffectiveTaxRate", |json| {
        json.element(|json| {
            json.value("RateValue", value);
            json.quoted("EffectiveDate", plan.first_day);
        });
    });
    json.text("DisplayType", "ReadOnly");
    head.write(json);
}

fn agency_name(region: Region, ordinal: u64) -> &'static str {
    let names = match region {
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
    names[usize::try_from(ordinal % 3).unwrap_or(0)]
}

fn write_agency(plan: &Blueprint, head: &Head, json: &mut Json) {
    json.value("TaxTrackedOnPurchases", head.ordinal == 0);
    json.value("TaxTrackedOnSales", true);
    json.quoted("LastFileDate", plan.first_day);
    json.value("TaxRegistrationNumber", u64::from(head.editions) + 100);
    json.text("DisplayName", agency_name(plan.region, head.ordinal));
    head.write(json);
}
