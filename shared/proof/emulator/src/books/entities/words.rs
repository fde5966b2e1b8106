//! Word lists: short lists that documents refer to and that differ in little but their words, so one file holds them.

use crate::books::blueprint::Blueprint;
use crate::books::entity::{Changes, Entity, Inactive, Need, Opened, Population, Removal};
use crate::books::head::Head;
use crate::books::planned::suffix;
use crate::books::property::{COMMON, LIST, Property, Scalar};
use crate::json::Json;
use crate::options::Region;

/// The words of a list and how others refer to it.
pub(super) struct Words {
    entity: &'static Entity,
    english: &'static [&'static str],
    french: &'static [&'static str],
    reference: &'static str,
    qualified: Qualified,
}

/// Whether an entry has a second name, which it keeps when it is made inactive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualified {
    Yes,
    No,
}

const SHORT: Population = Population::List {
    count: [8, 15, 40],
    inactive: Inactive::Last(2),
    opened: Opened::YearsBefore(1),
};

pub(crate) static CLASS: Entity = Entity {
    name: "class",
    api: "Class",
    population: SHORT,
    need: Need::Plus,
    properties: &[COMMON, LIST, &[name(|plan, head| CLASSES.scalar(plan, head))]],
    write: |plan, head, json| CLASSES.write(plan, head, "SubClass", json),
    ..Entity::LIST
};

pub(super) const CLASSES: Words = Words {
    entity: &CLASS,
    english: &[
        "Retail",
        "Wholesale",
        "Workshop",
        "Café & Bar",
        "Online 🌐",
        "Events",
    ],
    french: &[
        "Détail",
        "Gros",
        "Atelier",
        "Café-bar",
        "En ligne 🌐",
        "Événements",
    ],
    reference: "ClassRef",
    qualified: Qualified::Yes,
};

pub(crate) static DEPARTMENT: Entity = Entity {
    name: "department",
    api: "Department",
    population: SHORT,
    need: Need::Plus,
    properties: &[COMMON, LIST, &[name(|plan, head| DEPARTMENTS.scalar(plan, head))]],
    write: |plan, head, json| DEPARTMENTS.write(plan, head, "SubDepartment", json),
    ..Entity::LIST
};

pub(super) const DEPARTMENTS: Words = Words {
    entity: &DEPARTMENT,
    english: &[
        "Harbour Shop",
        "Old Mill",
        "Depot North",
        "Station Kiosk",
        "Hill House",
    ],
    french: &[
        "Boutique du port",
        "Vieux-Moulin",
        "Dépôt nord",
        "Kiosque de la gare",
        "Maison de la côte",
    ],
    reference: "DepartmentRef",
    qualified: Qualified::Yes,
};

pub(crate) static PAYMENT_METHOD: Entity = Entity {
    name: "payment_method",
    api: "PaymentMethod",
    population: SHORT,
    properties: &[
        COMMON,
        LIST,
        &[name(|plan, head| PAYMENT_METHODS.scalar(plan, head))],
    ],
    write: |plan, head, json| {
        let card = (2..5).contains(&head.ordinal);
        json.text("Type", if card { "CREDIT_CARD" } else { "NON_CREDIT_CARD" });
        PAYMENT_METHODS.write(plan, head, "", json);
    },
    ..Entity::LIST
};

pub(super) const PAYMENT_METHODS: Words = Words {
    entity: &PAYMENT_METHOD,
    english: &[
        "Cash",
        "Check",
        "Blue Card",
        "Gold Card",
        "Shop Card",
        "Gift voucher 🎁",
    ],
    french: &[
        "Comptant",
        "Chèque",
        "Carte bleue",
        "Carte or",
        "Carte maison",
        "Bon-cadeau 🎁",
    ],
    reference: "PaymentMethodRef",
    qualified: Qualified::No,
};

pub(crate) static TERM: Entity = Entity {
    name: "term",
    api: "Term",
    population: SHORT,
    properties: &[COMMON, LIST, &[name(|plan, head| TERMS.scalar(plan, head))]],
    write: |plan, head, json| {
        json.text(
            "Type",
            if head.ordinal == 5 {
                "DATE_DRIVEN"
            } else {
                "STANDARD"
            },
        );
        json.value("DueDays", head.ordinal * 15);
        json.value("DiscountDays", head.ordinal % 2 * 10);
        json.value("DiscountPercent", head.ordinal % 2 * 2);
        TERMS.write(plan, head, "", json);
    },
    ..Entity::LIST
};

pub(super) const TERMS: Words = Words {
    entity: &TERM,
    english: &[
        "Due on receipt",
        "Net 15",
        "Net 30",
        "2% 10 Net 45",
        "Net 60",
        "End of month",
    ],
    french: &[
        "À réception",
        "Net 15",
        "Net 30",
        "2 % 10 net 45",
        "Net 60",
        "Fin de mois",
    ],
    reference: "SalesTermRef",
    qualified: Qualified::No,
};

/// Read-only, and nobody filters it by `Active`.
pub(crate) static CUSTOMER_TYPE: Entity = Entity {
    name: "customer_type",
    api: "CustomerType",
    population: SHORT,
    changes: Changes::Uncertain,
    removal: Removal::Impossible,
    properties: &[COMMON, &[name(|plan, head| CUSTOMER_TYPES.scalar(plan, head))]],
    write: |plan, head, json| CUSTOMER_TYPES.write(plan, head, "", json),
    ..Entity::LIST
};

const CUSTOMER_TYPES: Words = Words {
    entity: &CUSTOMER_TYPE,
    english: &["Private", "Trade", "Guild", "Public body", "Friend of the house"],
    french: &[
        "Particulier",
        "Professionnel",
        "Guilde",
        "Organisme public",
        "Ami de la maison",
    ],
    reference: "CustomerTypeRef",
    qualified: Qualified::No,
};

/// Only French companies have it, and whether it can be asked for is doubtful.
pub(crate) static JOURNAL_CODE: Entity = Entity {
    name: "journal_code",
    api: "JournalCode",
    population: SHORT,
    need: Need::Favour(5030),
    changes: Changes::Untold,
    properties: &[
        COMMON,
        LIST,
        &[name(|plan, head| JOURNAL_CODES.scalar(plan, head))],
    ],
    write: |plan, head, json| {
        json.text("Type", "Others");
        JOURNAL_CODES.write(plan, head, "", json);
    },
    ..Entity::LIST
};

const JOURNAL_CODES: Words = Words {
    entity: &JOURNAL_CODE,
    english: &["VT", "AC", "BQ", "OD"],
    french: &["VT", "AC", "BQ", "OD"],
    reference: "JournalCodeRef",
    qualified: Qualified::No,
};

const fn name(read: fn(&Blueprint, &Head) -> Scalar) -> Property {
    Property::text("Name", read)
}

impl Words {
    /// The word without what an inactive entry gains.
    fn word(&self, plan: &Blueprint, ordinal: u64) -> String {
        let words = match plan.region {
            Region::Us => self.english,
            Region::Ca => self.french,
        };
        let at = usize::try_from(ordinal).unwrap_or(0);
        match words.get(at) {
            Some(word) => (*word).to_owned(),
            None => format!("{} {}", words[at % words.len()], ordinal + 1),
        }
    }

    fn shown(&self, plan: &Blueprint, head: &Head) -> String {
        let suffix = if head.is_active() { "" } else { " (deleted)" };
        match head.editions {
            0 => self.word(plan, head.ordinal) + suffix,
            editions => format!("{} ({editions}){suffix}", self.word(plan, head.ordinal)),
        }
    }

    fn scalar(&self, plan: &Blueprint, head: &Head) -> Scalar {
        Scalar::text(&self.shown(plan, head))
    }

    fn write(&self, plan: &Blueprint, head: &Head, sub: &str, json: &mut Json) {
        json.text("Name", &self.shown(plan, head));
        if self.qualified == Qualified::Yes {
            json.value(sub, false);
            json.text("FullyQualifiedName", &self.word(plan, head.ordinal));
        }
        json.value("Active", head.is_active());
        head.write(json);
    }

    /// A reference to one of the entries that existed at an instant: which one is up to the number.
    pub(super) fn refer(&self, plan: &Blueprint, number: u64, known_at: i64, json: &mut Json) {
        let ordinal = number % plan.existing(self.entity, known_at);
        let suffix = match self.qualified {
            Qualified::Yes => "",
            Qualified::No => suffix(plan, self.entity, ordinal),
        };
        json.reference(self.reference, ordinal + 1, &(self.word(plan, ordinal) + suffix));
    }
}
