//! A recurring transaction: a template. Its rows are wrappers: the only member is the kind of document, the id is inside.

use super::prelude::*;
use super::sale::{self, Sale, TAXES, Topics};
use super::spending::{self, Spending, Wares};
use super::{customer, vendor};
use crate::books::accounts::{CHECKING, INTEREST, PAYABLE, SAVINGS};
use crate::books::currency;
use crate::options::Plan;

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Untold,
    removal: Removal::Vanishes,
    properties: &[COMMON],
    ..Entity::list(Name::RecurringTransaction, &RECURRING_TRANSACTION).counting(
        [24, 48, 120],
        Inactive::None,
        Opened::WithDocuments,
    )
};

static RECURRING_TRANSACTION: Table<Template> = Table {
    content: Template::drawn,
    members: &[Other(|template, json| {
        json.object(template.kind, |json| {
            template.write(TEMPLATE, json);
            match &template.body {
                Body::Sale(sale) => template.part(sale, SALE, json),
                Body::Spending(spending) => template.part(spending, SPENDING, json),
                Body::Transfer(amount) => template.part(amount, TRANSFER, json),
                Body::Deposit(amount) => template.part(amount, DEPOSIT, json),
                Body::JournalEntry(amount) => template.part(amount, JOURNAL_ENTRY, json),
            }
        });
    })],
    total: |_, _| None,
};

const TEMPLATE: &[Member<Template>] = &[
    Member::HEAD,
    Object(
        "RecurringInfo",
        &[
            Text("Name", |template| {
                format!("{} mensuel №{}", template.kind, template.head.id())
            }),
            Word("RecurType", |template| {
                let types = ["Automated", "Reminded", "UnScheduled"];
                types[usize::try_from(template.head.id() % 3).unwrap_or(0)]
            }),
            Flag("Active", |template| template.head.ordinal % 7 != 6),
            Object(
                "ScheduleInfo",
                &[
                    Always(r#""IntervalType":"Monthly""#),
                    Count("NumInterval", |template| 1 + u64::from(template.head.editions)),
                    Count("DayOfMonth", |template| 1 + template.head.ordinal % 28),
                    Always(r#""DaysBefore":3"#),
                    Date("NextDate", |template| template.plan.as_of),
                ],
            ),
        ],
    ),
];

const SALE: &[Member<Sale>] = &[
    Other(|sale, json| currency::write_reference(sale.plan, sale.currency, json)),
    List("Line", |sale, json| sale::write_lines(sale, sale, json)),
    Object("TxnTaxDetail", TAXES),
    Ref("CustomerRef", |sale| customer::reference(sale.customer)),
    Amount("TotalAmt", |sale| sale.total),
];

const SPENDING: &[Member<Spending>] = &[
    Other(|spending, json| currency::write_reference(spending.plan, spending.currency, json)),
    List("Line", spending::write_lines),
    Ref("VendorRef", |spending| vendor::reference(spending.vendor)),
    AccountRef("APAccountRef", |_| &PAYABLE),
    Amount("TotalAmt", |spending| spending.total),
];

const TRANSFER: &[Member<Money>] = &[
    Member::HOME_CURRENCY,
    AccountRef("FromAccountRef", |_| &CHECKING),
    AccountRef("ToAccountRef", |_| &SAVINGS),
    Amount("Amount", |amount| **amount),
];

const DEPOSIT: &[Member<Money>] = &[
    Member::HOME_CURRENCY,
    AccountRef("DepositToAccountRef", |_| &CHECKING),
    List("Line", |amount, json| amount.one(DEPOSIT_LINE, json)),
    Amount("TotalAmt", |amount| **amount),
];

const DEPOSIT_LINE: &[Member<Money>] = &[
    Always(r#""Id":"1","LineNum":1"#),
    Amount("Amount", |amount| **amount),
    Always(r#""DetailType":"DepositLineDetail""#),
    Object("DepositLineDetail", &[AccountRef("AccountRef", |_| &INTEREST)]),
];

const JOURNAL_ENTRY: &[Member<Money>] = &[
    Member::HOME_CURRENCY,
    List("Line", |amount, json| {
        amount.one(DEBIT, json);
        amount.one(CREDIT, json);
    }),
];

const DEBIT: &[Member<Money>] = &[
    Always(r#""Id":"0""#),
    Amount("Amount", |amount| **amount),
    Always(r#""DetailType":"JournalEntryLineDetail""#),
    Object(
        "JournalEntryLineDetail",
        &[
            Always(r#""PostingType":"Debit""#),
            AccountRef("AccountRef", |_| &SAVINGS),
        ],
    ),
];

const CREDIT: &[Member<Money>] = &[
    Always(r#""Id":"1""#),
    Amount("Amount", |amount| **amount),
    Always(r#""DetailType":"JournalEntryLineDetail""#),
    Object(
        "JournalEntryLineDetail",
        &[
            Always(r#""PostingType":"Credit""#),
            AccountRef("AccountRef", |_| &CHECKING),
        ],
    ),
];

/// The kind of document that a template is of, and what one of it will hold.
struct Template {
    kind: &'static str,
    body: Body,
}

enum Body {
    Sale(Sale),
    Spending(Spending),
    Transfer(Money),
    Deposit(Money),
    JournalEntry(Money),
}

/// What a template is of, and from which plan on.
const KINDS: &[(&str, Plan)] = &[
    ("Invoice", Plan::SimpleStart),
    ("Bill", Plan::Essentials),
    ("Purchase", Plan::SimpleStart),
    ("CreditMemo", Plan::SimpleStart),
    ("Deposit", Plan::SimpleStart),
    ("Estimate", Plan::SimpleStart),
    ("JournalEntry", Plan::SimpleStart),
    ("RefundReceipt", Plan::SimpleStart),
    ("SalesReceipt", Plan::SimpleStart),
    ("Transfer", Plan::SimpleStart),
    ("VendorCredit", Plan::Essentials),
    ("PurchaseOrder", Plan::Plus),
];

impl Template {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let at = usize::try_from(head.ordinal).unwrap_or(0) % KINDS.len();
        let (kind, needs) = KINDS[at];
        let kind = if needs <= plan.plan { kind } else { "Invoice" };
        let amount = || Money::cents(plan.dice("move template", head.ordinal).between(1_000, 90_000));
        let body = match kind {
            "Transfer" => Body::Transfer(amount()),
            "Deposit" => Body::Deposit(amount()),
            "JournalEntry" => Body::JournalEntry(amount()),
            "Bill" | "Purchase" | "VendorCredit" | "PurchaseOrder" => {
                let topic = "spending template";
                Body::Spending(Spending::drawn(plan, head, topic, Wares::Items, head.created))
            }
            _ => {
                let topics = Topics("template", "template lines");
                Body::Sale(Sale::drawn(plan, head, topics, head.created))
            }
        };
        Self { kind, body }
    }
}
