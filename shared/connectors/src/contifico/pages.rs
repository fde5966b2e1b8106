//! Pages: answers read strictly. What is not the answer that was asked for is a failure, never "no rows".

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::NaiveDate;
use ledgerfleet_model::{Failure, FailureKind, Record, Served, Window};
use serde_json::value::RawValue;

use super::answers::{Envelope, Listed, listed, single, unexpected};
use super::faults::{failure, says_gone, says_past_the_end};
use super::paging::{Place, rows_after_cut};
use super::record::{has_no_id, put_away, served};
use super::request::may_show_the_day_after;
use super::source::{Paging, source};
use crate::http::Answer;
use crate::text::Text;
use crate::{Ending, EntitySpec, Page, PageRequest};

const NOT_HEEDED: &str = "the source does not heed pages of this list, and answers all of it";
const SAME_AGAIN: &str =
    "the source answers the first page of this list again and again; it was read without pages";

/// Reads a page of a list that began there.
pub(super) fn read_page(answer: &Answer, request: &PageRequest<'_>, place: Place) -> Result<Page, Failure> {
    if source(request.entity).paging == Paging::Pages && says_past_the_end(answer) {
        return Ok(Page {
            next: place.position(),
            ..Page::default()
        });
    }
    let text = Text::of(answer);
    let listed = listed(answer, &text)?;
    let (rows, envelope) = (listed.rows.len(), listed.envelope);
    check_register(answer, &listed, request.entity)?;
    let all = rows_of(answer, &text, &listed, request.entity)?;
    let print = print(&all);
    let all = without_shared_names(all);
    let (ours, others) = within(answer, request, place, all)?;
    let mut page = match (source(request.entity).paging, envelope) {
        (Paging::Whole, _) => whole(),
        (Paging::Results, _) if place.whole => whole(),
        (Paging::Results, _) | (Paging::Pages, None) => by_number(request, place, rows, print),
        (Paging::Pages, Some(envelope)) => by_envelope(&envelope, request, place, rows),
    };
    if others {
        page = beside_others(page);
    }
    for row in ours {
        match row {
            Served::Record(record) => page.records.push(record),
            Served::Quarantined(quarantined) => page.quarantined.push(quarantined),
        }
    }
    Ok(page)
}

/// A page of a list that tells how many rows it has, and whether there is a page behind this one.
fn by_envelope(envelope: &Envelope, request: &PageRequest<'_>, place: Place, rows: usize) -> Page {
    let came = as_count(rows);
    let behind = place.behind_cut(request.size, came, rows_after_cut(request.size, came));
    let leaves_some = envelope.has_next || envelope.count.is_some_and(|count| behind.offset < count);
    let is_cut = rows > 0 && rows < request.size as usize && leaves_some;
    let next = if is_cut {
        behind
    } else {
        place.after(request.size, 0)
    };
    Page {
        more: is_cut || goes_on(envelope, place, rows, request.size),
        // What an earlier page has shown comes again.
        ends_part: place.last_included,
        announced: envelope.count,
        ending: match envelope.count {
            Some(count) if place.offset == 0 && count == rows as u64 => Ending::Counted,
            _ => Ending::Unsaid,
        },
        next: next.position(),
        ..Page::default()
    }
}

/// No page has more rows than fit: what was asked for is a number of this size.
fn as_count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// Whether a page is to be asked for behind this one. A list that names a next page for ever ends where its count says so,
/// but for a full page: the count may be of another day, and says 0 of lists that have rows.
fn goes_on(envelope: &Envelope, place: Place, rows: usize, size: u32) -> bool {
    let is_full = rows >= size as usize;
    envelope.has_next && (is_full || envelope.count.is_none_or(|count| place.offset < count))
}

/// The end of the range belongs to it here, and rows of the day after the window came. They are left out; where rows are
/// counted, the same is asked for up to the day before, because the count holds them.
fn beside_others(page: Page) -> Page {
    let again = Place {
        last_included: true,
        ..Place::default()
    };
    match page.announced {
        Some(_) => Page {
            more: true,
            ends_part: true,
            next: again.position(),
            ..Page::default()
        },
        None => Page {
            ends_part: true,
            ..page
        },
    }
}

/// One answer is everything.
fn whole() -> Page {
    Page {
        ending: Ending::Counted,
        in_order: true,
        ..Page::default()
    }
}

/// A page of an array, of which nothing but its rows tells whether there are more.
fn by_number(request: &PageRequest<'_>, place: Place, rows: usize, print: u64) -> Page {
    let wanted = request.size as usize;
    if rows > wanted {
        return Page {
            remark: Some(NOT_HEEDED),
            ..whole()
        };
    }
    if rows > 0 && place.before == print {
        let all = Place {
            whole: true,
            last_included: place.last_included,
            ..Place::default()
        };
        return Page {
            more: true,
            ends_part: true,
            remark: Some(SAME_AGAIN),
            next: all.position(),
            ..Page::default()
        };
    }
    // Nobody can tell a first page that was cut from the last one: what it may have left out is behind its rows. Later ones
    // follow a full page, which shows that there is no limit below its rows.
    let next = if rows > 0 && rows < wanted && place.offset == 0 {
        let came = as_count(rows);
        Place {
            before: print,
            ..place.behind_cut(request.size, came, came)
        }
    } else {
        place.after(request.size, print)
    };
    Page {
        more: rows == wanted,
        next: next.position(),
        ..Page::default()
    }
}

/// What a page is like: two pages of one list are alike only if one is the other.
fn print(rows: &[Served]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for row in rows {
        row.id().hash(&mut hasher);
    }
    hasher.finish().max(1)
}

fn rows_of(
    answer: &Answer,
    text: &Text<'_>,
    listed: &Listed<'_>,
    entity: &EntitySpec,
) -> Result<Vec<Served>, Failure> {
    listed
        .rows
        .iter()
        .map(|row| served(answer, text, row, entity))
        .collect()
}

/// Fails if a document is of another register than was asked for: the filter was not heeded, and everything comes.
fn check_register(answer: &Answer, listed: &Listed<'_>, entity: &EntitySpec) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    struct Registered {
        tipo_registro: Option<String>,
    }
    let Some(asked) = source(entity).register else {
        return Ok(());
    };
    let register = |row: &&RawValue| serde_json::from_str::<Registered>(row.get()).ok()?.tipo_registro;
    let other = listed
        .rows
        .iter()
        .filter_map(register)
        .find(|register| register.trim() != asked);
    other.map_or(Ok(()), |other| {
        let message = format!("Contífico answered a document of register {other} to a request for {asked}");
        Err(failure(answer, FailureKind::UpstreamChanged, message))
    })
}

/// Puts away rows without an id that have a name in common and differ otherwise: nothing tells which of them the name is
/// for, and one would be stored over the other.
fn without_shared_names(rows: Vec<Served>) -> Vec<Served> {
    let mut contents: HashMap<String, HashSet<[u8; 32]>> = HashMap::new();
    for row in &rows {
        if let Served::Record(record) = row {
            let known = contents.entry(record.id.clone()).or_default();
            known.insert(record.payload_hash);
        }
    }
    let is_shared = |record: &Record| contents.get(&record.id).is_some_and(|known| known.len() > 1);
    rows.into_iter()
        .map(|row| match row {
            Served::Record(record) if is_shared(&record) && has_no_id(&record) => put_away(&record),
            row => row,
        })
        .collect()
}

/// The rows of the window, and whether others of the day after it came, too. Any other row shows that the filter was not
/// heeded: an unknown parameter is no error to this API, and everything comes.
fn within(
    answer: &Answer,
    request: &PageRequest<'_>,
    place: Place,
    rows: Vec<Served>,
) -> Result<(Vec<Served>, bool), Failure> {
    let Window::Dates { days } = *request.window else {
        return Ok((rows, false));
    };
    let after = may_show_the_day_after(request, place);
    let date = |row: &Served| match row {
        Served::Record(Record { document_date, .. }) => *document_date,
        Served::Quarantined(quarantined) => quarantined.document_date,
    };
    let is_ours = |day: NaiveDate| days.from <= day && day < days.to;
    let strange = rows
        .iter()
        .filter_map(date)
        .find(|day| !is_ours(*day) && Some(*day) != after);
    if let Some(day) = strange {
        let message = format!(
            "Contífico answered a record of {day} to a request for {}",
            request.window
        );
        return Err(failure(answer, FailureKind::UpstreamChanged, message));
    }
    let came = rows.len();
    let ours: Vec<Served> = rows
        .into_iter()
        .filter(|row| date(row).is_none_or(is_ours))
        .collect();
    let others = ours.len() < came;
    Ok((ours, others))
}

/// Reads the one record of that id; none if the API says itself that there is none.
pub(super) fn read_one(answer: &Answer, entity: &EntitySpec, id: &str) -> Result<Option<Served>, Failure> {
    if says_gone(answer) {
        return Ok(None);
    }
    if matches!(answer.status, 404 | 406) {
        // Something before the API says so, of an address: nobody can tell.
        let message = format!("nothing tells whether there is a {} {id}", entity.name);
        return Err(failure(answer, FailureKind::Unservable, message));
    }
    let text = Text::of(answer);
    let served = served(answer, &text, single(answer, &text)?, entity)?;
    if served.id() == id {
        return Ok(Some(served));
    }
    Err(unexpected(
        answer,
        "Contífico answered another record than asked for",
    ))
}

/// The record of that name in a list that was asked for it, or for everything.
pub(super) fn find_one(answer: &Answer, entity: &EntitySpec, name: &str) -> Result<Option<Served>, Failure> {
    let text = Text::of(answer);
    let listed = listed(answer, &text)?;
    let rows = rows_of(answer, &text, &listed, entity)?;
    let named = |row: &Served| row.id() == name;
    // Where several have the name, none of them is the one.
    if rows.iter().any(named) && !without_shared_names(rows.clone()).iter().any(named) {
        let message = format!("several {} without an id are named {name}", entity.name);
        return Err(failure(answer, FailureKind::Unservable, message));
    }
    Ok(rows.into_iter().find(named))
}

/// The company's tax number and name, from the first of its points of sale that tells them. They hold secrets, which are not
/// kept. None from any other answer.
pub(super) fn read_company(answer: &Answer) -> Option<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Point {
        ruc: String,
        razon_social: Option<String>,
    }
    let text = Text::of(answer);
    let points = listed(answer, &text).ok()?.rows;
    points
        .iter()
        .filter_map(|point| serde_json::from_str::<Point>(point.get()).ok())
        .map(|point| {
            (
                point.ruc.trim().to_owned(),
                point.razon_social.unwrap_or_default(),
            )
        })
        .find(|(ruc, _)| !ruc.is_empty())
}

#[cfg(test)]
mod tests {
    use ledgerfleet_model::{Days, Position};
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::contifico::ENTITIES;

    fn page(entity: &str, body: &str) -> Result<Page, Failure> {
        let answer = Answer {
            status: 200,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            held: crate::http::HeldBytes::default(),
            scrubber: crate::scrub::Scrubber::default(),
        };
        let day = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
        let window = if entity == "sales" {
            Window::Dates {
                days: Days {
                    from: day,
                    to: day.succ_opt().unwrap(),
                },
            }
        } else {
            Window::Whole
        };
        let request = PageRequest {
            entity: ENTITIES.iter().find(|known| known.name == entity).unwrap(),
            window: &window,
            from: &Position::start(),
            size: 100,
            dialect: crate::Dialect::default(),
        };
        read_page(&answer, &request, Place::default())
    }

    #[test]
    fn rows_without_an_id_that_have_a_name_in_common_are_all_put_away() {
        let one = r#"{"id":null,"codigo":"7","nombre":"one"}"#;
        let other = r#"{"id":null,"codigo":"7","nombre":"other"}"#;
        for (rows, stored, away) in [
            (vec![one, other, r#"{"id":null,"codigo":"8"}"#], 1, 2),
            (vec![one, one], 2, 0),
            (
                vec![r#"{"id":"a","codigo":"7"}"#, r#"{"id":"b","codigo":"7"}"#],
                2,
                0,
            ),
        ] {
            let page = page("cost_centers", &format!("[{}]", rows.join(","))).unwrap();
            assert_eq!(
                (page.records.len(), page.quarantined.len()),
                (stored, away),
                "{rows:?}"
            );
            let ids: HashSet<&str> = page.quarantined.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(ids.len(), away, "each has a place of its own");
        }
    }

    #[test]
    fn a_full_page_with_a_next_one_goes_on_whatever_the_list_counts() {
        let rows: Vec<_> = (0..100).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
        for count in [
            "0",
            "1",
            "100",
            "-1",
            "1.5",
            "1e3",
            "\"100\"",
            "\"many\"",
            "null",
            "{}",
            "[]",
            "18446744073709551615",
            "18446744073709551616",
            "1e999",
        ] {
            let listed = |rows: &[String], next: &str| {
                let body = format!(
                    r#"{{"count":{count},"next":{next},"results":[{}]}}"#,
                    rows.join(",")
                );
                let page = page("journal_entries", &body).unwrap();
                (page.records.len(), page.more)
            };
            assert_eq!(listed(&rows, "\"/x?page=2\""), (100, true), "{count}");
            assert_eq!(listed(&rows, "null"), (100, false), "{count}");
        }
    }

    #[test]
    fn a_document_of_another_register_shows_that_the_filter_is_not_heeded() {
        let document = |register: &str| {
            format!(r#"[{{"id":"a","fecha_emision":"01/07/2026","tipo_registro":"{register}"}}]"#)
        };
        assert_eq!(page("sales", &document("CLI")).unwrap().records.len(), 1);
        let failure = page("sales", &document("PRO")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::UpstreamChanged, "{}", failure.message);
    }
}
