//! A list: bare arrays of version 1, envelopes of version 2.

use std::fmt::Write;
use std::time::Duration;

use super::Setting;
use super::call::Call;
use super::page::{self, Misfit, Wanted};
use super::refusal::{self, GATEWAY_PAGE};
use crate::contifico::books::Record;
use crate::contifico::filter::{Filter, Misread};
use crate::contifico::records::{Pen, card, write};
use crate::contifico::resource::{Resource, Table, Version};
use crate::contifico::switches::{
    AmountStyle, CountKept, LargePages, NextLink, Pace, PagePastEnd, Toggle, V2Documents,
};
use crate::faults::{FaultKind, FaultShape};
use crate::json::Json;
use crate::server::reply::Reply;

pub(super) fn answer(setting: &Setting<'_>, call: &Call, version: Version, resource: &Resource) -> Reply {
    let filter = match Filter::read(resource, version, &call.parameters, &setting.switches) {
        Ok(filter) => filter,
        Err(Misread::Date(text)) => {
            return refusal::plain(
                &setting.switches,
                400,
                &format!("Formato de fecha incorrecto: {text}"),
            );
        }
        Err(Misread::Unknown(name)) => {
            return refusal::plain(&setting.switches, 400, &format!("Parámetro desconocido: {name}"));
        }
    };
    let all = matching(setting, version, resource, &filter);
    match version {
        Version::V1 => first_version(setting, call, resource, &all),
        Version::V2 => second_version(setting, call, resource, all),
    }
}

/// The records that a filter leaves, in the order in which they are listed.
fn matching(setting: &Setting<'_>, version: Version, resource: &Resource, filter: &Filter) -> Vec<u64> {
    let (table, sight) = (resource.table, setting.sight);
    let (from, to) = filter.dates();
    let pen = pen(setting, version);
    let fits = |ordinal: &u64| {
        if filter.is_open() {
            return sight.is_there(table, *ordinal);
        }
        let record = sight.record(table, *ordinal);
        record.is_some_and(|record| filter.fits(&card(&pen, &record)))
    };
    let mut all = sight.ordinals(table, from, to);
    all.retain(fits);
    if table == Table::Documents && setting.switches.omitted_documents == Toggle::On {
        all.retain(|ordinal| ordinal % 97 != 41);
    }
    if table == Table::Transactions {
        all.reverse();
    }
    all
}

fn pen<'run>(setting: &'run Setting<'run>, version: Version) -> Pen<'run> {
    Pen {
        sight: setting.sight,
        version,
        switches: setting.switches,
    }
}

fn first_version(setting: &Setting<'_>, call: &Call, resource: &Resource, all: &[u64]) -> Reply {
    let switches = &setting.switches;
    let Some(side) = resource.side(Version::V1) else {
        return refusal::not_found(switches);
    };
    let rows = match page::wanted_v1(call, side, switches) {
        Ok(Some(wanted)) => page::rows(setting, Version::V1, all, wanted),
        Ok(None) => all.to_vec(),
        Err(misfit) => return misfitting(setting, misfit),
    };
    let asked = call.parameter("result_size").and_then(|size| size.parse().ok());
    let large = asked.unwrap_or(rows.len()) > page::CAP;
    if resource.table == Table::Movements && large && switches.large_movement_pages == LargePages::Fail {
        return refusal::tripped(switches);
    }
    let heavy = matches!(
        resource.table,
        Table::Documents | Table::Transactions | Table::Accounts
    );
    let slow = if heavy && large_enough(resource.table, &rows) {
        Duration::from_millis(switches.slow_lists_millis)
    } else {
        Duration::ZERO
    };
    array(setting, Version::V1, resource, &rows).held_back(slow + time(setting, resource.table, rows.len()))
}

/// The chart of accounts is slow however short it is; the others only beyond a hundred rows.
fn large_enough(table: Table, rows: &[u64]) -> bool {
    table == Table::Accounts || rows.len() > page::CAP
}

fn second_version(setting: &Setting<'_>, call: &Call, resource: &Resource, all: Vec<u64>) -> Reply {
    let switches = &setting.switches;
    let by_results = call.parameter("result_size").is_some() || call.parameter("result_page").is_some();
    let is_array = resource.table == Table::Documents
        && match switches.v2_documents {
            V2Documents::ByParameters => by_results,
            V2Documents::Envelope => false,
            V2Documents::Array => true,
        };
    let names = if resource.table == Table::Documents && by_results {
        ["result_page", "result_size"]
    } else {
        ["page", "page_size"]
    };
    let mut wanted = match page::wanted_v2(call, names, switches) {
        Ok(wanted) => wanted,
        Err(misfit) => return misfitting(setting, misfit),
    };
    let repeats = match switches.count {
        CountKept::Repeats => resource.table == Table::Movements,
        CountKept::RepeatsAll => true,
        CountKept::Exact | CountKept::Growing | CountKept::Zero => false,
    };
    let all = page::with_repeats(setting, all, repeats);
    let last = all.len().div_ceil(wanted.size).max(1);
    if wanted.number > last && !is_array {
        match switches.page_past_end {
            PagePastEnd::Refused => return refusal::past_the_end(400),
            PagePastEnd::NotFound => return refusal::past_the_end(404),
            PagePastEnd::Empty => {}
            PagePastEnd::LastPage => wanted.number = last,
        }
    }
    let rows = page::rows(setting, Version::V2, &all, wanted);
    let held_back = time(setting, resource.table, rows.len());
    if is_array {
        let texts = Setting {
            switches: crate::contifico::switches::ContificoSwitches {
                amounts: AmountStyle::Texts,
                ..setting.switches
            },
            ..*setting
        };
        return array(&texts, Version::V2, resource, &rows).held_back(held_back);
    }
    let links = Links::of(setting, call, wanted, last);
    let count = page::count(all.len(), wanted, switches);
    envelope(setting, resource, &rows, count, &links).held_back(held_back)
}

fn misfitting(setting: &Setting<'_>, misfit: Misfit) -> Reply {
    match misfit {
        Misfit::Number => refusal::plain(&setting.switches, 400, "Paginación incorrecta"),
        Misfit::OverCap => {
            let text = "La API v2 rechaza valores superiores a 100";
            refusal::plain(&setting.switches, 400, text)
        }
    }
}

fn array(setting: &Setting<'_>, version: Version, resource: &Resource, rows: &[u64]) -> Reply {
    let records = match struck(setting, resource, rows) {
        Ok(records) => records,
        Err(instead) => return instead,
    };
    let mut json = Json::with_capacity(2_048 * records.len() + 2);
    json.raw("[");
    let pen = pen(setting, version);
    for record in &records {
        write(&pen, record, &mut json);
    }
    json.raw("]");
    Reply::json(200, json.into_string())
}

fn envelope(setting: &Setting<'_>, resource: &Resource, rows: &[u64], count: usize, links: &Links) -> Reply {
    let records = match struck(setting, resource, rows) {
        Ok(records) => records,
        Err(instead) => return instead,
    };
    let pen = pen(setting, Version::V2);
    let mut json = Json::with_capacity(2_048 * records.len() + 256);
    json.element(|json| {
        json.value("count", count);
        for (key, link) in [("next", &links.next), ("previous", &links.previous)] {
            match link {
                Some(link) => json.text(key, link),
                None => json.value(key, "null"),
            }
        }
        json.array("results", |json| {
            for record in &records {
                write(&pen, record, json);
            }
        });
    });
    Reply::json(200, json.into_string())
}

/// The records of a page, after the faults that strike pages.
fn struck(setting: &Setting<'_>, resource: &Resource, rows: &[u64]) -> Result<Vec<Record>, Reply> {
    let mut most = rows.len();
    for fault in setting.strikes {
        match fault {
            FaultKind::ShortPage { rows } => most = most.min(usize::try_from(*rows).unwrap_or(most)),
            FaultKind::EmptyPage {} => most = 0,
            FaultKind::LargePage {
                rows: limit,
                status,
                code,
                shape,
            } if as_rows(rows.len()) > *limit => {
                return Err(match shape {
                    FaultShape::Html => Reply::html(*status, GATEWAY_PAGE),
                    _ => refusal::coded(
                        &setting.switches,
                        *status,
                        "Tiempo de espera agotado",
                        Some(*code),
                    ),
                });
            }
            _ => {}
        }
    }
    let records = rows.iter().take(most);
    Ok(records
        .filter_map(|ordinal| setting.sight.record(resource.table, *ordinal))
        .collect())
}

fn as_rows(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// How long an answer takes: what a fault says of each row, and at the pace that was measured so much a page and more for
/// thousands of rows in one.
fn time(setting: &Setting<'_>, table: Table, rows: usize) -> Duration {
    let millis = setting.strikes.iter().map(|fault| match fault {
        FaultKind::SlowRows { millis } => *millis,
        _ => 0,
    });
    let slow = millis.sum::<u64>().saturating_mul(as_rows(rows));
    let page = match (setting.switches.pace, table) {
        (Pace::Instant, _) => return Duration::from_millis(slow),
        (Pace::Recorded, Table::Documents) => 2_200,
        (Pace::Recorded, Table::Products) => 1_400,
        (Pace::Recorded, Table::Movements) => 700,
        (Pace::Recorded, Table::Journals) => 500,
        (Pace::Recorded, _) => 300,
    };
    Duration::from_millis(slow + page + as_rows(rows.saturating_sub(page::CAP)) * 6)
}

/// The addresses of the pages beside one.
struct Links {
    next: Option<String>,
    previous: Option<String>,
}

impl Links {
    fn of(setting: &Setting<'_>, call: &Call, wanted: Wanted, last: usize) -> Self {
        let address = |number: usize| {
            let others = call.parameters.iter().filter(|(name, _)| name != "page");
            let others = others.map(|(name, value)| format!("{}={}&", encoded(name), encoded(value)));
            let query = format!("{}page={number}", others.collect::<String>());
            let url = setting.url;
            let path = &call.path;
            match setting.switches.next_link {
                NextLink::Own => format!("{url}{path}?{query}"),
                NextLink::OtherHost => format!("https://api.otra-empresa.example{path}?{query}"),
                NextLink::OtherScheme => format!("{}{path}?{query}", url.replacen("http", "https", 1)),
                NextLink::OtherPath => format!("{url}/sistema/api/v2/unidad/?{query}"),
            }
        };
        Self {
            next: (wanted.number < last).then(|| address(wanted.number + 1)),
            previous: (wanted.number > 1).then(|| address(wanted.number - 1)),
        }
    }
}

/// A text as a part of a query.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
