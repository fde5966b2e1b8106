//! Request: the address of a list and of a record.

use chrono::NaiveDate;
use ledgerfleet_model::{Days, Failure, FailureKind, Window};
use reqwest::Url;

use super::days::{day_of, written};
use super::key::Key;
use super::paging::Place;
use super::source::{Paging, Source, Written, source};
use crate::{EntitySpec, PageRequest};

/// The parameters of a page, by name.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// The parameters of a page of a list.
pub(super) fn parameters(request: &PageRequest<'_>, place: Place) -> Parameters {
    let source = source(request.entity);
    let mut parameters = Parameters::new();
    if let Some(register) = source.register {
        parameters.push(("tipo_registro", register.to_owned()));
    }
    filter(source, request.window, place, &mut parameters);
    let (number, size) = (place.number(request.size), request.size);
    match source.paging {
        Paging::Results if !place.whole => {
            parameters.push(("result_size", size.to_string()));
            parameters.push(("result_page", number.to_string()));
        }
        Paging::Pages => {
            parameters.push(("page", number.to_string()));
            parameters.push(("page_size", size.to_string()));
        }
        Paging::Whole | Paging::Results => {}
    }
    parameters
}

fn filter(source: &Source, window: &Window, place: Place, parameters: &mut Parameters) {
    match (window, source.dated, source.changed) {
        (Window::Dates { days }, Some(dated), _) => match dated.on.filter(|_| is_one_day(*days)) {
            Some(on) => parameters.push((on, written(days.from, Written::DayFirst))),
            None => range(
                days.from,
                last_asked(*days, place.last_included),
                Written::DayFirst,
                parameters,
            ),
        },
        // What a day more brings is no row too many: a record does not tell when it was changed.
        (Window::Instants { start, end, .. }, _, Some(how)) => {
            range(day_of(*start), day_of(*end), how, parameters);
        }
        _ => {}
    }
}

fn range(from: NaiveDate, to: NaiveDate, how: Written, parameters: &mut Parameters) {
    parameters.push(("fecha_inicial", written(from, how)));
    parameters.push(("fecha_final", written(to, how)));
}

/// The last day that is asked for: that of the range, or the one after it.
fn last_asked(days: Days, included: bool) -> NaiveDate {
    if included {
        days.to.pred_opt().unwrap_or(days.to)
    } else {
        days.to
    }
}

fn is_one_day(days: Days) -> bool {
    days.from.succ_opt() == Some(days.to)
}

/// Whether rows of the day after the last one may come, because the range that is asked for ends there.
pub(super) fn may_show_the_day_after(request: &PageRequest<'_>, place: Place) -> Option<NaiveDate> {
    let dated = source(request.entity).dated?;
    let Window::Dates { days } = request.window else {
        return None;
    };
    let asks_for_one = dated.on.is_some() && is_one_day(*days);
    (!asks_for_one && !place.last_included).then_some(days.to)
}

/// The address of a page of a list.
pub(super) fn list_address(key: &Key<'_>, path: &str, parameters: &Parameters) -> Result<Url, Failure> {
    let mut url = key.address(&[path])?;
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    Ok(url)
}

/// The address of one record, as it is asked for by its id. Without one the address would be that of the list.
pub(super) fn record_address(key: &Key<'_>, entity: &EntitySpec, id: &str) -> Result<Url, Failure> {
    if matches!(id, "" | "." | "..") {
        let message = format!("`{id}` is no id of {}", entity.name);
        return Err(Failure::new(FailureKind::BadRequest, message));
    }
    let source = source(entity);
    let mut url = key.address(&[source.item.unwrap_or(source.list)])?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(id).push("");
    }
    Ok(url)
}

/// As it is told: the path and what is asked.
pub(super) fn described(path: &str, parameters: &Parameters) -> String {
    let asked = parameters.iter().map(|(name, value)| format!("{name}={value}"));
    let asked: Vec<String> = asked.collect();
    if asked.is_empty() {
        format!("GET {path}/")
    } else {
        format!("GET {path}/?{}", asked.join("&"))
    }
}
