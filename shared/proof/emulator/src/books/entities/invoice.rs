//! An invoice: what was sold to whom, with lines, discount and taxes that add up. It may follow from an estimate, and a
//! payment may follow from it.

use chrono::{NaiveDate, TimeDelta};

use super::paper::{Habits, Paper, Sold};
use super::prelude::*;
use super::sale::{Sale, Topics, known_at};
use super::settlement::part_of_invoice;
use crate::books::flow::follower;
use crate::options::Region;

pub(crate) static ENTITY: Entity = Entity {
    not_queryable: "SyncToken Line TxnTaxDetail LinkedTxn CurrencyRef ExchangeRate DepartmentRef ClassRef PrivateNote \
        CustomerMemo BillAddr ShipAddr BillEmail PrintStatus EmailStatus domain sparse",
    beyond_three: Some(BEYOND_THREE),
    ..Entity::document(Name::Invoice, &INVOICE)
        .per_day([10, 100, 10_000])
        .voidable(0, 100)
        .linked(Name::Payment, "Payment")
};

static INVOICE: Table<Invoice> = Table {
    content: Invoice::drawn,
    members: &[
        Always(r#""AllowIPNPayment":false,"AllowOnlinePayment":false,"AllowOnlineCreditCardPayment":false"#),
        Flag("AllowOnlineACHPayment", |invoice| invoice.online),
        Member::HEAD,
        List("CustomField", write_custom_fields),
        Asked(&Text("DocNumber", |invoice| doc_number(invoice.head))),
        Member::TXN_DATE,
        Member::CURRENCY,
        Note(|invoice| {
            let noted = invoice.paper.with_note;
            noted.then_some("Net terms agreed by phone; see C:\\notes\\2026")
        }),
        Member::SOLD,
        When(
            |invoice| invoice.paper.with_memo || invoice.head.editions > 0,
            &[Object("CustomerMemo", &[Text("value", memo)])],
        ),
        Member::ADDRESS,
        Asked(&Date("DueDate", due_date)),
        Member::TOTAL,
        Member::DELIVERY,
        Asked(&Amount("Balance", balance)),
        When(
            has_currencies,
            &[Amount("HomeBalance", |invoice| invoice.at_home(balance(invoice)))],
        ),
    ],
    total: |plan, head| Some(sale(plan, head).total),
};

/// The exact content of one invoice.
struct Invoice {
    online: bool,
    /// Who did the work, where a custom field says so.
    crew: Option<u64>,
    paper: Paper,
}

impl Sold for Invoice {
    fn paper(&self) -> &Paper {
        &self.paper
    }
}

impl Invoice {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("invoice text", head.ordinal);
        let online = dice.chance(20);
        let crew = dice.chance(15).then(|| 100 + dice.below(12));
        let habits = Habits {
            note: 10,
            memo: 40,
            address: 70,
            sent: 60,
        };
        Self {
            online,
            crew,
            paper: Paper::written(sale(plan, head), links(plan, head), dice, &habits),
        }
    }
}

/// Long enough before an invoice that its estimate, too, came after whatever existed then.
const BEFORE_THE_ESTIMATE: i64 = 14 * 86_400;

pub(super) fn sale(plan: &Blueprint, head: &Head) -> Sale {
    let known_at = match follower(plan, Name::Estimate, Name::Invoice, head.ordinal) {
        Some(_) => known_at(head) - BEFORE_THE_ESTIMATE,
        None => known_at(head),
    };
    Sale::drawn(plan, head, Topics("invoice", "invoice lines"), known_at)
}

/// The estimate before it and the payment after it.
fn links(plan: &Blueprint, head: &Head) -> Vec<Link> {
    let kinds = [(Name::Estimate, "Estimate"), (Name::Payment, "Payment")];
    let link = |(name, kind)| {
        let ordinal = follower(plan, name, Name::Invoice, head.ordinal)?;
        Some(Link::to(ordinal, kind))
    };
    kinds.into_iter().filter_map(link).collect()
}

/// What is left to pay. A payment covers what the invoice was when it came; what was added later is open.
fn balance(invoice: &Record<'_, Invoice>) -> Money {
    let (plan, head, total) = (invoice.plan, invoice.head, invoice.paper.sale.total);
    let Some(payment) = follower(plan, Name::Payment, Name::Invoice, head.ordinal) else {
        return total;
    };
    if head.is_voided() {
        return Money::ZERO;
    }
    let then = if head.editions == 0 {
        total
    } else {
        sale(plan, &plan.head(Name::Invoice, head.ordinal)).total
    };
    total - part_of_invoice(plan, payment, then)
}

pub(super) fn doc_number(head: &Head) -> String {
    (1000 + head.id()).to_string()
}

fn due_date(invoice: &Record<'_, Invoice>) -> NaiveDate {
    let days = [0, 15, 30, 60][usize::try_from(invoice.head.ordinal % 4).unwrap_or(0)];
    invoice.head.date + TimeDelta::days(days)
}

fn memo(invoice: &Record<'_, Invoice>) -> String {
    let thanks = match invoice.plan.region {
        Region::Us => "Thank you for your business – it's \"always\" a pleasure 🙂",
        Region::Ca => "Merci de votre confiance et à bientôt ☕",
    };
    match invoice.head.editions {
        0 => thanks.to_owned(),
        editions => format!("{thanks} (rev. {editions})"),
    }
}

/// With what the custom fields beyond the third begin. Ids of newer ones are far from the first three's.
const BEYOND_THREE: &str = r#",{"DefinitionId":"1000000"#;

/// One custom field or, in every second invoice that has any, five: three of the first three and two beyond.
fn write_custom_fields(invoice: &Record<'_, Invoice>, json: &mut Json) {
    let Some(crew) = invoice.crew else { return };
    let mut fields = vec![Field::text("1", "Crew #", crew)];
    if invoice.head.ordinal.is_multiple_of(2) {
        let mut dice = invoice.plan.dice("more custom fields", invoice.head.ordinal);
        for (definition, name) in [("2", "Site"), ("3", "Truck"), ("1000000004", "Permit")] {
            fields.push(Field::text(definition, name, 1 + dice.below(900)));
        }
        fields.push(Field {
            is_text: false,
            ..Field::text("1000000005", "Weight", 1 + dice.below(5_000))
        });
    }
    invoice.each(&fields, FIELD, json);
}

struct Field {
    definition: &'static str,
    name: &'static str,
    is_text: bool,
    value: u64,
}

impl Field {
    fn text(definition: &'static str, name: &'static str, value: u64) -> Self {
        Self {
            definition,
            name,
            is_text: true,
            value,
        }
    }
}

const FIELD: &[Member<Field>] = &[
    Word("DefinitionId", |field| field.definition),
    Word("Name", |field| field.name),
    Word(
        "Type",
        |field| if field.is_text { "StringType" } else { "NumberType" },
    ),
    When(|field| field.is_text, &[Id("StringValue", |field| field.value)]),
    When(
        |field| !field.is_text,
        &[Count("NumberValue", |field| field.value)],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::tests_support::{blueprint, heads};
    use crate::options::Region;

    #[test]
    fn the_lines_the_discount_and_the_taxes_add_up_to_the_total() {
        for region in [Region::Us, Region::Ca] {
            let plan = blueprint(region);
            for head in heads(&plan, &ENTITY) {
                let sale = sale(&plan, &head);
                let lines: Money = sale
                    .lines
                    .iter()
                    .map(|line| line.price.times(line.quantity))
                    .sum();
                let taxes: Money = sale.taxes.iter().map(|tax| tax.base.share(tax.rate)).sum();
                let discount = sale.discount.map_or(Money::ZERO, |(_, amount)| amount);
                assert_eq!(sale.subtotal, lines);
                assert_eq!(sale.total, lines - discount + taxes);
                assert!(
                    sale.total > Money::ZERO || sale.discount.is_some(),
                    "{}",
                    head.id()
                );
            }
        }
    }

    #[test]
    fn an_invoices_customer_and_items_were_there_before_it() {
        let plan = blueprint(Region::Ca);
        let created = |entity, ordinal| plan.head(entity, ordinal).created;
        for head in heads(&plan, &ENTITY) {
            let sale = sale(&plan, &head);
            assert!(created(Name::Customer, sale.customer) <= head.created);
            assert!(
                sale.lines
                    .iter()
                    .all(|line| created(Name::Item, line.item) <= head.created)
            );
        }
    }
}
