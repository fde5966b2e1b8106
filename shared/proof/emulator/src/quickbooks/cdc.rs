//! Change data capture: everything of some entities that has changed since an instant, as it is now, and stubs of what is
//! gone. It has no pages: beyond 1,000 objects it just stops.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use super::call::{Parameters, entity_named};
use super::fault_body::{self, ServiceFault};
use super::query::{Setting, read_instant};
use crate::books::blueprint::Blueprint;
use crate::books::book::Sight;
use crate::books::bounds::{Bounds, Span};
use crate::books::entity::{Changes, Entity};
use crate::books::head::{Head, Spoilt};
use crate::books::overlay::View;
use crate::books::{Books, served, text};
use crate::dice::{Dice, topic};
use crate::json::Json;
use crate::pacific::{Pacific, answer_time};
use crate::switches::{Acceptance, CdcBlocks, CdcCap, CdcCut, CdcUnsupported, Switches, UncertainChanges};

/// The most objects of a response, or of each entity.
const MOST: usize = 1_000;
/// How far back it knows.
const DAYS: i64 = 30;

/// The body that answers a request for changes.
pub(super) fn answer(books: &Books, asked: &Parameters, setting: Setting) -> Result<String, ServiceFault> {
    let since = since(asked, setting)?;
    let entities = entities(&books.blueprint, asked, setting)?;
    let mut left = MOST;
    let mut unservable = None;
    let mut json = Json::with_capacity(16 * 1024);
    json.element(|json| {
        json.array("CDCResponse", |json| {
            json.element(|json| {
                json.array("QueryResponse", |json| {
                    for entity in entities {
                        json.element(|json| {
                            let Some(entity) = entity else { return };
                            let room = match setting.switches.cdc_cap {
                                CdcCap::PerResponse => left,
                                CdcCap::PerEntity => MOST,
                            };
                            match write_block(books, entity, (since, room), setting, json) {
                                Ok(written) => left -= written.min(left),
                                Err(fault) => unservable = Some(fault),
                            }
                        });
                    }
                });
            });
        });
        json.text("time", &answer_time(setting.now));
    });
    unservable.map_or_else(|| Ok(json.into_string()), Err)
}

fn since(asked: &Parameters, setting: Setting) -> Result<DateTime<Utc>, ServiceFault> {
    let text = asked
        .changed_since
        .as_deref()
        .ok_or_else(|| missing("changedSince"))?;
    let invalid = || {
        let detail = format!("Invalid date value : {text}");
        fault_body::refusal(2040, "Invalid Date", &detail)
    };
    if text.ends_with('Z') && setting.switches.cdc_zulu == Acceptance::Refused {
        return Err(invalid());
    }
    let since = read_instant(text, setting).ok_or_else(invalid)?;
    if setting.now - since > TimeDelta::days(DAYS) {
        let detail =
            format!("Business Validation Error: changedSince can be at most {DAYS} days in the past");
        return Err(fault_body::refusal(
            6000,
            "A business validation error has occurred",
            &detail,
        ));
    }
    Ok(since)
}

/// What is asked for; none in the place of one whose changes are not told, where that has an empty block.
fn entities(
    plan: &Blueprint,
    asked: &Parameters,
    setting: Setting,
) -> Result<Vec<Option<&'static Entity>>, ServiceFault> {
    let list = asked.entities.as_deref().filter(|list| !list.is_empty());
    let mut entities = Vec::new();
    for name in list.ok_or_else(|| missing("entities"))?.split(',').map(str::trim) {
        let told = entity_named(name).filter(|entity| is_told(plan, entity, &setting.switches));
        match (told, setting.switches.cdc_unsupported) {
            (Some(entity), _) => entities.push(Some(entity)),
            (None, CdcUnsupported::Ignored) => {}
            (None, CdcUnsupported::EmptyBlock) => entities.push(None),
            (None, CdcUnsupported::Refused) => {
                let detail = format!("Operation Not Supported : change data capture of {name}");
                return Err(fault_body::refusal(500, "Unsupported Operation", &detail));
            }
        }
    }
    if setting.switches.cdc_blocks == CdcBlocks::Shuffled {
        shuffle(
            &mut entities,
            Dice::new(setting.answer, topic("blocks of changes"), 0),
        );
    }
    Ok(entities)
}

fn is_told(plan: &Blueprint, entity: &Entity, switches: &Switches) -> bool {
    match entity.changes {
        Changes::Told => entity.name != "bill" || switches.cdc_bills == Acceptance::Accepted,
        Changes::Untold => false,
        Changes::Uncertain => {
            let told = switches.cdc_uncertain == UncertainChanges::Served;
            told && served::refusal(plan, entity, switches).is_none()
        }
    }
}

fn shuffle<T>(list: &mut [T], mut dice: Dice) {
    for last in (1..list.len()).rev() {
        list.swap(last, dice.index(last + 1));
    }
}

fn missing(parameter: &str) -> ServiceFault {
    let detail = format!("Required parameter {parameter} is missing in the request");
    fault_body::refusal(
        2020,
        "Required param missing, need to supply the required value for the API",
        &detail,
    )
}

/// Something that changed.
enum Changed {
    Lives(Head),
    /// Since Unix seconds.
    Gone(Head, i64),
}

/// Writes the changes of one entity and tells how many; nothing at all where there are none, or one cannot be served.
fn write_block(
    books: &Books,
    entity: &'static Entity,
    (since, room): (DateTime<Utc>, usize),
    setting: Setting,
    json: &mut Json,
) -> Result<usize, ServiceFault> {
    let Some(book) = books.book(entity.name) else {
        return Ok(0);
    };
    let sight = book.look(&books.blueprint, View::At(setting.now.timestamp()));
    let changed = cut(changed(&sight, since), room, setting);
    if changed.is_empty() {
        return Ok(0);
    }
    if let Some(spoilt) = changed.iter().find_map(Changed::spoilt) {
        return Err(fault_body::injected(spoilt.status, spoilt.code));
    }
    json.array(entity.rows_key(), |json| {
        for change in &changed {
            match change {
                Changed::Lives(head) => text::serve(&books.blueprint, entity, head, setting.showing(), json),
                Changed::Gone(head, at) => {
                    let id = entity.id(&books.blueprint, head);
                    json.element(|json| write_stub(&id, *at, json));
                }
            }
        }
    });
    let lives = changed.iter().any(|change| matches!(change, Changed::Lives(_)));
    // Blocks of nothing but stubs have been seen without their position.
    if lives {
        json.value("startPosition", 1);
    }
    json.value("maxResults", changed.len());
    Ok(changed.len())
}

impl Changed {
    fn spoilt(&self) -> Option<Spoilt> {
        match self {
            Self::Lives(head) => head.spoilt,
            Self::Gone(..) => None,
        }
    }

    /// When, in Unix seconds.
    fn at(&self) -> i64 {
        match self {
            Self::Lives(head) => head.updated,
            Self::Gone(_, at) => *at,
        }
    }
}

/// As many as there is room for.
fn cut(mut changed: Vec<Changed>, room: usize, setting: Setting) -> Vec<Changed> {
    if changed.len() > room {
        match setting.switches.cdc_cut {
            CdcCut::AsListed => {}
            CdcCut::Oldest => changed.sort_by_key(Changed::at),
            CdcCut::Newest => changed.sort_by_key(|one| Reverse(one.at())),
            CdcCut::Arbitrary => shuffle(
                &mut changed,
                Dice::new(setting.answer, topic("cut of changes"), 0),
            ),
        }
        changed.truncate(room);
    }
    changed
}

fn changed(sight: &Sight<'_>, since: DateTime<Utc>) -> Vec<Changed> {
    let from = since.timestamp() + i64::from(since.timestamp_subsec_nanos() > 0);
    let bounds = Bounds {
        updated: Span {
            from: Some(from),
            to: None,
        },
        ..Bounds::default()
    };
    let selection = sight.select(&bounds);
    let heads = selection.iter().filter_map(|ordinal| sight.head(ordinal));
    let living = heads.filter(|head| head.updated >= from).map(Changed::Lives);
    let gone = sight.gone().into_iter().filter(|(_, at)| *at >= from);
    let gone = gone.map(|(head, at)| Changed::Gone(head, at));
    living.chain(gone).collect()
}

/// No version, no creation, no amounts.
fn write_stub(id: &str, at: i64, json: &mut Json) {
    json.raw_member(r#""domain":"QBO","status":"Deleted""#);
    json.text("Id", id);
    json.object("MetaData", |json| json.quoted("LastUpdatedTime", Pacific(at)));
}
