//! Cards: what filters and the truth know of a record.

use super::pen::Pen;
use super::{bank, catalogue, documents, guides, journals, movements, products, transactions};
use crate::contifico::books::ecuador::day_of;
use crate::contifico::books::{Record, person};
use crate::contifico::parameter::Card;
use crate::contifico::resource::Table;

/// What filters know of a record.
pub(in crate::contifico) fn card(pen: &Pen<'_>, record: &Record) -> Card {
    let plan = pen.plan();
    let card = Card {
        date: record.date,
        created: day_of(record.created),
        changed: day_of(record.changed),
        ..Card::default()
    };
    match record.table {
        Table::Documents => {
            let facts = documents::facts(plan, record);
            let party = person::person(plan, facts.outline.person);
            Card {
                due: Some(facts.outline.due),
                created: facts.outline.created,
                kind: facts.outline.kind.code,
                register: facts.outline.kind.register,
                code: documents::number(&facts.outline),
                identification: party.identification().to_owned(),
                person: plan.id(Table::Persons, facts.outline.person),
                ..card
            }
        }
        Table::Persons => {
            let person = person::person(plan, record.ordinal);
            Card {
                kind: person.kind,
                identification: person.identification().to_owned(),
                customer: !person.is_provider,
                provider: person.is_provider,
                code: person.identification().to_owned(),
                words: person.name,
                ..card
            }
        }
        Table::Products => Card {
            standing: products::standing(record.ordinal),
            code: products::code(record.ordinal),
            words: products::name(plan, record),
            ..card
        },
        Table::Movements => Card {
            kind: movements::facts(plan, record).kind,
            standing: "G",
            code: movements::facts(plan, record).code,
            ..card
        },
        _ => Card {
            kind: kind(record),
            code: code(pen, record),
            words: catalogue::category_name(record),
            ..card
        },
    }
}

fn kind(record: &Record) -> &'static str {
    match record.table {
        Table::Accounts => catalogue::account_facts(record).2,
        Table::CostCenters => catalogue::center_facts(record).2,
        _ => "",
    }
}

fn code(pen: &Pen<'_>, record: &Record) -> String {
    match record.table {
        Table::Warehouses => catalogue::warehouse_code(record),
        Table::Accounts => catalogue::account_facts(record).0,
        Table::CostCenters => catalogue::center_facts(record).0,
        Table::Guides => guides::number(record.ordinal),
        Table::BankAccounts => bank::account_number(record.ordinal),
        Table::BankMovements => bank::receipt(record, record.date.unwrap_or(pen.plan().as_of)),
        _ => String::new(),
    }
}

/// What a record comes to, in cents; none for lists.
pub(in crate::contifico) fn total(pen: &Pen<'_>, record: &Record) -> Option<i64> {
    match record.table {
        Table::Documents => Some(documents::facts(pen.plan(), record).totals.total),
        Table::Movements => Some(movements::facts(pen.plan(), record).total()),
        Table::Transactions => Some(transactions::total(pen.sight, record)),
        Table::Journals => Some(journals::facts(pen, record).debits()),
        Table::BankMovements => Some(bank::total(pen.sight, record)),
        _ => None,
    }
}

/// What is left to be paid of a document, in cents; none where there is nothing to pay.
pub(in crate::contifico) fn open_balance(pen: &Pen<'_>, record: &Record) -> Option<i64> {
    if record.table != Table::Documents {
        return None;
    }
    let facts = documents::facts(pen.plan(), record);
    facts.is_open().then(|| facts.balance())
}
