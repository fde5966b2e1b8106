//! A payment: what a customer paid, mostly one invoice or half of one, sometimes in advance. A deposit may follow from it,
//! and then it shows the link although neither its version nor its time tells of it.

use super::prelude::*;
use super::sale::known_at;
use super::settlement::{deposit_of, part_of_invoice};
use super::word_lists::PAYMENT_METHODS;
use super::{customer, invoice};
use crate::books::accounts::{CHECKING, RECEIVABLE, UNDEPOSITED};
use crate::books::currency::{self, Currency};
use crate::books::flow::origin;

pub(crate) static ENTITY: Entity = Entity::document(Name::Payment, &PAYMENT)
    .following(&[
        Stream::from(Name::Invoice, 7, (0, 25)),
        Stream::from(Name::Invoice, 14, (25, 45)),
        Stream::from(Name::Invoice, 28, (45, 60)),
    ])
    .voidable(5, 75)
    .linked(Name::Deposit, "Deposit");

static PAYMENT: Table<Payment> = Table {
    content: Payment::drawn,
    members: &[
        Asked(&Ref("CustomerRef", |payment| {
            customer::reference(payment.customer)
        })),
        AccountRef("DepositToAccountRef", |payment| {
            match deposit_of(payment.plan, Name::Payment, payment.head) {
                Some(_) => &UNDEPOSITED,
                None => &CHECKING,
            }
        }),
        AccountRef("ARAccountRef", |_| &RECEIVABLE),
        Ref("PaymentMethodRef", |payment| {
            PAYMENT_METHODS.known(payment.plan, payment.head)
        }),
        Asked(&Text("PaymentRefNum", |payment| {
            format!("{:05}", 40_000 + payment.head.id())
        })),
        Asked(&Amount("TotalAmt", |payment| payment.total())),
        Asked(&Amount("UnappliedAmt", |payment| payment.unapplied)),
        Always(r#""ProcessPayment":false"#),
        Member::HEAD,
        Member::TXN_DATE,
        Member::CURRENCY,
        Note(|payment| {
            let noted = payment.head.ordinal.is_multiple_of(9);
            noted.then_some("Reçu au comptoir – “merci”")
        }),
        Links(|payment| {
            let deposit = deposit_of(payment.plan, Name::Payment, payment.head);
            deposit
                .map(|ordinal| Link::to(ordinal, "Deposit"))
                .into_iter()
                .collect()
        }),
        List("Line", |payment, json| {
            payment.each(payment.invoice.as_slice(), LINE, json);
        }),
    ],
    total: |plan, head| Some(Payment::drawn(plan, head).total()),
};

/// Lines of payments have no id.
const LINE: &[Member<Paid>] = &[
    Amount("Amount", |paid| paid.amount),
    List("LinkedTxn", |paid, json| {
        Link::to(paid.invoice, "Invoice").write(json);
    }),
    Object("LineEx", &[List("any", write_facts)]),
];

/// The exact content of one payment.
struct Payment {
    customer: u64,
    currency: Option<&'static Currency>,
    invoice: Option<Paid>,
    unapplied: Money,
}

/// An invoice's ordinal and how much of it is paid.
struct Paid {
    invoice: u64,
    amount: Money,
}

impl Dealt for Payment {
    fn currency(&self) -> Option<&'static Currency> {
        self.currency
    }
}

impl Payment {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("payment", head.ordinal);
        let more = Money::cents(100 * i64::from(head.editions));
        let origin = origin(plan, Name::Payment, head.ordinal).map(|origin| origin.ordinals[0]);
        let (customer, invoice, unapplied) = if let Some(invoice) = origin {
            let sale = invoice::sale(plan, &plan.head(Name::Invoice, invoice));
            let over = if dice.chance(5) { dice.between(1, 9_999) } else { 0 };
            let amount = part_of_invoice(plan, head.ordinal, sale.total);
            (sale.customer, Some(Paid { invoice, amount }), over)
        } else {
            let customer = dice.below(plan.existing(Name::Customer, known_at(head)));
            (customer, None, dice.between(1_000, 90_000))
        };
        let voided = head.is_voided();
        Self {
            customer,
            currency: customer::currency(plan, customer),
            invoice: invoice.filter(|_| !voided),
            unapplied: if voided {
                Money::ZERO
            } else {
                Money::cents(unapplied) + more
            },
        }
    }

    fn total(&self) -> Money {
        self.unapplied + self.invoice.as_ref().map_or(Money::ZERO, |paid| paid.amount)
    }
}

/// What the books say a payment is worth at home.
pub(super) fn worth(plan: &Blueprint, ordinal: u64) -> Money {
    let head = plan.head(Name::Payment, ordinal);
    let payment = Payment::drawn(plan, &head);
    currency::at_home(plan, payment.currency, head.date, payment.total())
}

/// What an older interface knows of the invoice.
fn write_facts(paid: &Record<'_, Paid>, json: &mut Json) {
    let head = paid.plan.head(Name::Invoice, paid.invoice);
    let open = invoice::sale(paid.plan, &head).total;
    let facts = [
        ("txnId", head.id().to_string()),
        ("txnOpenBalance", open.plain()),
        ("txnReferenceNumber", invoice::doc_number(&head)),
    ];
    paid.each(&facts, FACT, json);
}

const FACT: &[Member<(&str, String)>] = &[
    Always(
        r#""name":"{http://schema.intuit.com/finance/v3}NameValue","declaredType":"com.intuit.schema.finance.v3.NameValue","scope":"javax.xml.bind.JAXBElement$GlobalScope""#,
    ),
    Object(
        "value",
        &[
            Text("Name", |fact| fact.0.to_owned()),
            Text("Value", |fact| fact.1.clone()),
        ],
    ),
    Always(r#""nil":false,"globalScope":true,"typeSubstituted":false"#),
];
