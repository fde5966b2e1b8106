//! An attachable: a file, an image or a note that hangs on another record. Where it can be fetched differs at every answer;
//! an image has a second such address, that of its small copy.

use chrono::DateTime;

use super::prelude::*;
use crate::books::bounds::Span;
use crate::books::entity::Volatile;
use crate::dice::{Dice, topic};

pub(crate) static ENTITY: Entity = Entity {
    changes: Changes::Uncertain,
    removal: Removal::Vanishes,
    properties: &[COMMON],
    volatile: &[
        Volatile {
            before: "Size",
            write: write_address,
        },
        Volatile {
            before: "AttachableRef",
            write: write_thumbnail_address,
        },
    ],
    ..Entity::list(Name::Attachable, &ATTACHABLE).counting(
        [40, 300, 5_000],
        Inactive::None,
        Opened::WithDocuments,
    )
};

static ATTACHABLE: Table<Subject> = Table {
    content: Subject::drawn,
    members: &[
        Asked(&Text("FileName", |file| {
            let suffix = if is_image(file.head) { "jpg" } else { "pdf" };
            let (id, edition) = (file.head.id(), file.head.editions + 1);
            format!("reçu – été {id} (final v{edition}).{suffix}")
        })),
        Text("FileAccessUri", |file| {
            format!("/v3/company/{}/download/{}", file.plan.realm, file.head.id())
        }),
        Count("Size", |file| {
            1_000 + file.plan.dice("size", file.head.ordinal).below(4_000_000)
        }),
        When(
            |file| is_image(file.head),
            &[
                Always(r#""ContentType":"image/jpeg","Category":"Image""#),
                Text("ThumbnailFileAccessUri", |file| {
                    format!(
                        "/v3/company/{}/download/{}?thumb=true",
                        file.plan.realm,
                        file.head.id()
                    )
                }),
            ],
        ),
        When(
            |file| !is_image(file.head),
            &[Always(r#""ContentType":"application/pdf""#)],
        ),
        When(
            |file| file.head.ordinal.is_multiple_of(3),
            &[Word("Note", |_| "Scan; page 2 manque \"Size\":1")],
        ),
        List("AttachableRef", |file, json| file.one(SUBJECT, json)),
        Member::HEAD,
    ],
    total: |_, _| None,
};

const SUBJECT: &[Member<Subject>] = &[
    Object(
        "EntityRef",
        &[
            Word("type", |file| file.kind),
            Id("value", |file| file.ordinal + 1),
        ],
    ),
    Flag("IncludeOnSend", |_| false),
];

/// What it hangs on: an invoice of the time before it was attached, else a customer.
struct Subject {
    kind: &'static str,
    ordinal: u64,
}

/// What was entered at least a week before is surely older.
const WEEK: i64 = 7 * 86_400;

impl Subject {
    fn drawn(plan: &Blueprint, head: &Head) -> Self {
        let mut dice = plan.dice("attachable", head.ordinal);
        let until = DateTime::from_timestamp(head.created - WEEK, 0).map(|instant| instant.date_naive());
        let known = Span {
            from: None,
            to: until,
        };
        let calendar = plan.calendar(Name::Invoice);
        let invoices = calendar.map_or(0, |calendar| calendar.ordinals(known).end);
        if invoices > 0 && dice.chance(80) {
            let ordinal = dice.below(invoices);
            let kind = "Invoice";
            return Self { kind, ordinal };
        }
        Self {
            kind: "Customer",
            ordinal: dice.below(plan.existing(Name::Customer, head.created)),
        }
    }
}

/// Every fourth is a photograph.
fn is_image(head: &Head) -> bool {
    head.ordinal % 4 == 1
}

fn write_address(plan: &Blueprint, head: &Head, answer: u64, json: &mut Json) {
    let signature = signature(plan, head, answer, topic("download"));
    json.quoted(
        "TempDownloadUri",
        format_args!(
            "https://files.example.com/{}/{}?Expires={answer}&Signature={signature}",
            plan.realm,
            head.id()
        ),
    );
}

fn write_thumbnail_address(plan: &Blueprint, head: &Head, answer: u64, json: &mut Json) {
    if !is_image(head) {
        return;
    }
    let signature = signature(plan, head, answer, topic("thumbnail"));
    json.quoted(
        "ThumbnailTempDownloadUri",
        format_args!(
            "https://files.example.com/{}/thumb_{}?Expires={answer}&Signature={signature}",
            plan.realm,
            head.id()
        ),
    );
}

fn signature(plan: &Blueprint, head: &Head, answer: u64, topic: u64) -> String {
    Dice::new(plan.seed ^ answer, topic, head.ordinal).letters(24)
}
