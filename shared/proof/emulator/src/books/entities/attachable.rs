//! An attachable: a file, an image or a note that hangs on another record. Where it can be fetched differs at every answer;
//! an image has a second such address, that of its small copy.

use chrono::DateTime;

use super::{customer, invoice};
use crate::books::blueprint::Blueprint;
use crate::books::bounds::Span;
use crate::books::entity::{Changes, Entity, Inactive, Opened, Population, Removal, Volatile};
use crate::books::head::Head;
use crate::books::property::{COMMON, Property, Scalar};
use crate::dice::{Dice, topic};
use crate::json::Json;

pub(crate) static ENTITY: Entity = Entity {
    name: "attachable",
    api: "Attachable",
    population: Population::List {
        count: [40, 300, 5_000],
        inactive: Inactive::None,
        opened: Opened::WithDocuments,
    },
    changes: Changes::Uncertain,
    removal: Removal::Vanishes,
    properties: &[
        COMMON,
        &[Property::text("FileName", |_, head| Scalar::text(&file(head)))],
    ],
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
    write,
    ..Entity::LIST
};

/// What was entered at least a week before is surely older.
const WEEK: i64 = 7 * 86_400;

/// The type and the ordinal of what it hangs on: an invoice of the time before it was attached, else a customer.
fn subject(plan: &Blueprint, head: &Head) -> (&'static str, u64) {
    let mut dice = plan.dice("attachable", head.ordinal);
    let until = DateTime::from_timestamp(head.created - WEEK, 0).map(|instant| instant.date_naive());
    let invoices = plan.calendar(&invoice::ENTITY).map_or(0, |calendar| {
        let known = calendar.ordinals(Span {
            from: None,
            to: until,
        });
        known.end
    });
    if invoices > 0 && dice.chance(80) {
        return ("Invoice", dice.below(invoices));
    }
    (
        "Customer",
        dice.below(plan.existing(&customer::ENTITY, head.created)),
    )
}

/// Every fourth is a photograph.
fn is_image(head: &Head) -> bool {
    head.ordinal % 4 == 1
}

fn file(head: &Head) -> String {
    let suffix = if is_image(head) { "jpg" } else { "pdf" };
    format!("reçu – été {} (final v{}).{suffix}", head.id(), head.editions + 1)
}

fn write(plan: &Blueprint, head: &Head, json: &mut Json) {
    let (kind, ordinal) = subject(plan, head);
    json.text("FileName", &file(head));
    json.quoted(
        "FileAccessUri",
        format_args!("/v3/company/{}/download/{}", plan.realm, head.id()),
    );
    json.value("Size", 1_000 + plan.dice("size", head.ordinal).below(4_000_000));
    if is_image(head) {
        json.raw_member(r#""ContentType":"image/jpeg","Category":"Image""#);
        json.quoted(
            "ThumbnailFileAccessUri",
            format_args!("/v3/company/{}/download/{}?thumb=true", plan.realm, head.id()),
        );
    } else {
        json.text("ContentType", "application/pdf");
    }
    if head.ordinal.is_multiple_of(3) {
        json.text("Note", "Scan; page 2 manque \"Size\":1");
    }
    json.array("AttachableRef", |json| {
        json.element(|json| {
            json.object("EntityRef", |json| {
                json.text("type", kind);
                json.quoted("value", ordinal + 1);
            });
            json.value("IncludeOnSend", false);
        });
    });
    head.write(json);
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
