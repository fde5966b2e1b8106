//! The company: who it is and what it has switched on; one record each.

use super::prelude::*;
use crate::options::{Currencies, Plan, Region};

pub(crate) static INFO: Entity = Entity::single(Name::CompanyInfo, &COMPANY_INFO);
pub(crate) static PREFERENCES: Entity = Entity::single(Name::Preferences, &COMPANY_PREFERENCES);

static COMPANY_INFO: Table<()> = Table {
    content: |_, _| (),
    members: &[
        Text("CompanyName", |company| company.plan.company.clone()),
        Text("LegalName", |company| company.plan.company.clone()),
        Object(
            "CompanyAddr",
            &[
                Always(r#""Id":"1","Line1":"1 Fable Court","City":"Eastmarrow""#),
                Word("Country", |company| company.plan.region.country()),
            ],
        ),
        Word("Country", |company| match company.plan.region {
            Region::Us => "US",
            Region::Ca => "CA",
        }),
        Word("SupportedLanguages", |company| match company.plan.region {
            Region::Us => "en",
            Region::Ca => "fr,en",
        }),
        Always(r#""FiscalYearStartMonth":"January""#),
        Date("CompanyStartDate", |company| company.plan.first_day),
        Always(r#""Email":{"Address":"company@example.com"}"#),
        List("NameValue", |company, json| {
            company.one(OFFERING, json);
            company.one(INDUSTRY, json);
            if company.head.editions > 0 {
                company.one(EDITION, json);
            }
        }),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const OFFERING: &[Member<()>] = &[
    Always(r#""Name":"OfferingSku""#),
    Word("Value", |company| match company.plan.plan {
        Plan::SimpleStart => "QuickBooks Online Simple Start",
        Plan::Essentials => "QuickBooks Online Essentials",
        Plan::Plus => "QuickBooks Online Plus",
    }),
];

const INDUSTRY: &[Member<()>] = &[Always(r#""Name":"IndustryType","Value":"Ateliers & Workshops""#)];

const EDITION: &[Member<()>] = &[
    Always(r#""Name":"Edition""#),
    Text("Value", |company| company.head.editions.to_string()),
];

static COMPANY_PREFERENCES: Table<()> = Table {
    content: |_, _| (),
    members: &[
        Object(
            "AccountingInfoPrefs",
            &[
                Flag("TrackDepartments", |company| company.plan.plan == Plan::Plus),
                Flag("ClassTrackingPerTxnLine", |company| {
                    company.plan.plan == Plan::Plus
                }),
                Always(r#""UseAccountNumbers":true,"FirstMonthOfFiscalYear":"January""#),
            ],
        ),
        Always(r#""SalesFormsPrefs":{"CustomTxnNumbers":true,"AllowEstimates":true,"AllowDiscount":true}"#),
        Object(
            "CurrencyPrefs",
            &[
                Flag("MultiCurrencyEnabled", |company| {
                    company.plan.currencies == Currencies::Many
                }),
                Object(
                    "HomeCurrency",
                    &[Word("value", |company| company.plan.currency().0)],
                ),
            ],
        ),
        Object(
            "OtherPrefs",
            &[List("NameValue", |company, json| company.one(MESSAGE, json))],
        ),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const MESSAGE: &[Member<()>] = &[
    Always(r#""Name":"SalesFormsPrefs.DefaultCustomerMessage""#),
    Text("Value", |company| {
        format!("Merci – thank you ☕ {}", company.head.editions)
    }),
];
