//! Pages: answers read strictly. What is not the answer that was asked for is a failure, never "no rows".

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::NaiveDate;
use ledgerfleet_model::{Failure, FailureKind, Record, Served, Window};

use super::answers::{Listed, listed, single, unexpected};
use super::faults::{failure, says_gone, says_past_the_end};
use super::paging::Place;
use super::record::served;
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
    let all = rows_of(answer, &text, &listed, request.entity)?;
    let print = print(&all);
    let (ours, others) = within(answer, request, place, all)?;
    let mut page = match (source(request.entity).paging, envelope) {
        (Paging::Whole, _) => whole(),
        (Paging::Results, _) if place.whole => whole(),
        (Paging::Results, _) | (Paging::Pages, None) => by_number(request, place, rows, print),
        (Paging::Pages, Some(envelope)) => Page {
            more: envelope.has_next && envelope.count.is_none_or(|count| place.offset < count),
            // What an earlier page has shown comes again.
            ends_part: place.last_included,
            announced: envelope.count,
            ending: match envelope.count {
                Some(count) if place.offset == 0 && count == rows as u64 => Ending::Counted,
                _ => Ending::Unsaid,
            },
            next: place.after(request.size, 0).position(),
            ..Page::default()
        },
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
    Page {
        more: rows == wanted,
        next: place.after(request.size, print).position(),
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
    Ok(rows.into_iter().find(|row| row.id() == name))
}

/// The company's tax number and name, from the first of its points of sale. They hold secrets, which are not kept.
pub(super) fn read_company(answer: &Answer) -> Result<(String, String), Failure> {
    #[derive(serde::Deserialize)]
    struct Point {
        ruc: String,
        #[serde(default)]
        razon_social: String,
    }
    let text = Text::of(answer);
    let points = listed(answer, &text)?.rows;
    let first = points
        .first()
        .and_then(|point| serde_json::from_str::<Point>(point.get()).ok());
    let Point { ruc, razon_social } =
        first.ok_or_else(|| unexpected(answer, "Contífico names no point of sale with a tax number"))?;
    Ok((ruc, razon_social))
}
