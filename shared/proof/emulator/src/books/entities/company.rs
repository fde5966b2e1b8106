//! The company: who it is and what it has switched on; one record each.

use crate::books::blueprint::Blueprint;
use crate::books::entity::Entity;
use crate::books::head::Head;
use crate::json::Json;
use crate::options::{Currencies, Plan, Region};

pub(crate) static INFO: Entity = Entity {
    name: "company_info",
    api: "CompanyInfo",
    write: write_info,
    ..Entity::SINGLE
};

pub(crate) static PREFERENCES: Entity = Entity {
    name: "preferences",
    api: "Preferences",
    write: write_preferences,
    ..Entity::SINGLE
};

fn write_info(plan: &Blueprint, head: &Head, json: &mut Json) {
    let (country, languages) = match plan.region {
        Region::Us => ("US", "en"),
        Region::Ca => ("CA", "fr,en"),
    };
    json.text("CompanyName", &plan.company);
    json.text("LegalName", &plan.company);
    json.object("CompanyAddr", |json| {
        json.raw_member(r#""Id":"1","Line1":"1 Fable Court","City":"Eastmarrow""#);
        json.text("Country", if plan.region == Region::Ca { "CAN" } else { "USA" });
    });
    json.text("Country", country);
    json.text("SupportedLanguages", languages);
    json.raw_member(r#""FiscalYearStartMonth":"January""#);
    json.quoted("CompanyStartDate", plan.first_day);
    json.object("Email", |json| json.text("Address", "company@example.com"));
    json.array("NameValue", |json| {
        let offering = match plan.plan {
            Plan::SimpleStart => "QuickBooks Online Simple Start",
            Plan::Essentials => "QuickBooks Online Essentials",
            Plan::Plus => "QuickBooks Online Plus",
        };
        for (name, value) in [
            ("OfferingSku", offering),
            ("IndustryType", "Ateliers & Workshops"),
        ] {
            json.element(|json| {
                json.text("Name", name);
                json.text("Value", value);
            });
        }
        if head.editions > 0 {
            json.element(|json| {
                json.text("Name", "Edition");
                json.quoted("Value", head.editions);
            });
        }
    });
    head.write(json);
}

fn write_preferences(plan: &Blueprint, head: &Head, json: &mut Json) {
    let plus = plan.plan == Plan::Plus;
    json.object("AccountingInfoPrefs", |json| {
        json.value("TrackDepartments", plus);
        json.value("ClassTrackingPerTxnLine", plus);
        json.raw_member(r#""UseAccountNumbers":true,"FirstMonthOfFiscalYear":"January""#);
    });
    json.object("SalesFormsPrefs", |json| {
        json.raw_member(r#""CustomTxnNumbers":true,"AllowEstimates":true,"AllowDiscount":true"#);
    });
    json.object("CurrencyPrefs", |json| {
        json.value("MultiCurrencyEnabled", plan.currencies == Currencies::Many);
        json.object("HomeCurrency", |json| json.quoted("value", plan.currency().0));
    });
    json.object("OtherPrefs", |json| {
        json.array("NameValue", |json| {
            json.element(|json| {
                json.text("Name", "SalesFormsPrefs.DefaultCustomerMessage");
                json.text("Value", &format!("Merci – thank you ☕ {}", head.editions));
            });
        });
    });
    head.write(json);
}
