//! Word lists: short lists that documents refer to and that differ in little but their words, so one file holds them. The
//! words are in `words/`.

use super::prelude::*;
use super::sale::known_at;
use crate::books::names::{Words, words};
use crate::books::planned::suffix;

/// The words of a list and how others name its entries.
pub(super) struct WordList {
    entity: Name,
    words: fn(&Words) -> &[&'static str],
    /// The name by which others refer to an entry.
    name: fn(&Blueprint, u64) -> String,
}

pub(crate) static CLASS: Entity = short(Name::Class, &CLASS_TABLE).needing(Need::Plus);
pub(crate) static DEPARTMENT: Entity = short(Name::Department, &DEPARTMENT_TABLE).needing(Need::Plus);
pub(crate) static PAYMENT_METHOD: Entity = short(Name::PaymentMethod, &PAYMENT_METHOD_TABLE);
pub(crate) static TERM: Entity = short(Name::Term, &TERM_TABLE);

/// Read-only, and nobody filters it by `Active`.
pub(crate) static CUSTOMER_TYPE: Entity = Entity {
    changes: Changes::Uncertain,
    removal: Removal::Impossible,
    properties: &[COMMON],
    ..short(Name::CustomerType, &CUSTOMER_TYPE_TABLE)
};

/// Only French companies have it, and whether it can be asked for is doubtful.
pub(crate) static JOURNAL_CODE: Entity = Entity {
    changes: Changes::Untold,
    ..short(Name::JournalCode, &JOURNAL_CODE_TABLE).needing(Need::Favour(5030))
};

const fn short(name: Name, table: &'static Table<&WordList>) -> Entity {
    Entity::list(name, table).counting([8, 15, 40], Inactive::Last(2), Opened::YearsBefore(1))
}

pub(super) static CLASSES: WordList = WordList {
    entity: Name::Class,
    words: |words| &words.classes,
    name: |plan, ordinal| CLASSES.word(plan, ordinal),
};

static CLASS_TABLE: Table<&WordList> = Table {
    content: |_, _| &CLASSES,
    members: &[
        NAME,
        Always(r#""SubClass":false"#),
        QUALIFIED_NAME,
        Member::ACTIVE,
        Member::HEAD,
    ],
    total: |_, _| None,
};

pub(super) static DEPARTMENTS: WordList = WordList {
    entity: Name::Department,
    words: |words| &words.departments,
    name: |plan, ordinal| DEPARTMENTS.word(plan, ordinal),
};

static DEPARTMENT_TABLE: Table<&WordList> = Table {
    content: |_, _| &DEPARTMENTS,
    members: &[
        NAME,
        Always(r#""SubDepartment":false"#),
        QUALIFIED_NAME,
        Member::ACTIVE,
        Member::HEAD,
    ],
    total: |_, _| None,
};

pub(super) static PAYMENT_METHODS: WordList = WordList {
    entity: Name::PaymentMethod,
    words: |words| &words.payment_methods,
    name: |plan, ordinal| PAYMENT_METHODS.planned_name(plan, ordinal),
};

static PAYMENT_METHOD_TABLE: Table<&WordList> = Table {
    content: |_, _| &PAYMENT_METHODS,
    members: &[
        Word("Type", |method| match method.head.ordinal {
            2..5 => "CREDIT_CARD",
            _ => "NON_CREDIT_CARD",
        }),
        NAME,
        Member::ACTIVE,
        Member::HEAD,
    ],
    total: |_, _| None,
};

pub(super) static TERMS: WordList = WordList {
    entity: Name::Term,
    words: |words| &words.terms,
    name: |plan, ordinal| TERMS.planned_name(plan, ordinal),
};

static TERM_TABLE: Table<&WordList> = Table {
    content: |_, _| &TERMS,
    members: &[
        Word("Type", |term| match term.head.ordinal {
            5 => "DATE_DRIVEN",
            _ => "STANDARD",
        }),
        Count("DueDays", |term| term.head.ordinal * 15),
        Count("DiscountDays", |term| term.head.ordinal % 2 * 10),
        Count("DiscountPercent", |term| term.head.ordinal % 2 * 2),
        NAME,
        Member::ACTIVE,
        Member::HEAD,
    ],
    total: |_, _| None,
};

static CUSTOMER_TYPES: WordList = WordList {
    entity: Name::CustomerType,
    words: |words| &words.customer_types,
    name: |plan, ordinal| CUSTOMER_TYPES.planned_name(plan, ordinal),
};

static CUSTOMER_TYPE_TABLE: Table<&WordList> = Table {
    content: |_, _| &CUSTOMER_TYPES,
    members: &[NAME, Member::ACTIVE, Member::HEAD],
    total: |_, _| None,
};

static JOURNAL_CODES: WordList = WordList {
    entity: Name::JournalCode,
    words: |words| &words.journal_codes,
    name: |plan, ordinal| JOURNAL_CODES.planned_name(plan, ordinal),
};

static JOURNAL_CODE_TABLE: Table<&WordList> = Table {
    content: |_, _| &JOURNAL_CODES,
    members: &[Always(r#""Type":"Others""#), NAME, Member::ACTIVE, Member::HEAD],
    total: |_, _| None,
};

const NAME: Member<&WordList> = Asked(&Text("Name", shown));

/// It stays when the entry is made inactive.
const QUALIFIED_NAME: Member<&WordList> = Text("FullyQualifiedName", |entry| {
    entry.word(entry.plan, entry.head.ordinal)
});

fn shown(entry: &Record<'_, &WordList>) -> String {
    let word = entry.word(entry.plan, entry.head.ordinal);
    match entry.head.editions {
        0 => word + entry.head.suffix(),
        editions => format!("{word} ({editions}){}", entry.head.suffix()),
    }
}

impl WordList {
    /// The word without what an inactive entry gains.
    fn word(&self, plan: &Blueprint, ordinal: u64) -> String {
        let words = (self.words)(words(plan.region));
        let at = usize::try_from(ordinal).unwrap_or(0);
        match words.get(at) {
            Some(word) => (*word).to_owned(),
            None => format!("{} {}", words[at % words.len()], ordinal + 1),
        }
    }

    fn planned_name(&self, plan: &Blueprint, ordinal: u64) -> String {
        self.word(plan, ordinal) + suffix(plan, self.entity, ordinal)
    }

    /// One of the entries that a document can know: which one is up to its number.
    pub(super) fn known(&self, plan: &Blueprint, head: &Head) -> Reference {
        self.entry(head.ordinal % plan.existing(self.entity, known_at(head)))
    }

    pub(super) fn entry(&self, ordinal: u64) -> Reference {
        let name = self.name;
        Reference { ordinal, name }
    }
}
