//! Coverage map: every day of every entity as one letter, each row as runs of letters. A hundred thousand days are a few
//! kilobytes, and a browser paints them.

use std::fmt::Write as _;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{Days, NaiveDate};
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, CoverageState, Missing, Scope};
use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, Connection, ConnectionState};
use ledgerfleet_planning::{check_days, entities_named};
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{ids, names, polled, query};
use super::route::Route;
use super::routes::Routes;

/// Days of a map where nothing is said: a year to today.
const USUAL: u64 = 365;

/// The most days of a map.
const MOST: i64 = 3_660;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: Option<String>,
    entity: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

/// The map.
#[derive(Serialize)]
struct Map {
    from: NaiveDate,
    /// Included.
    to: NaiveDate,
    rows: Vec<MapRow>,
}

/// An entity of a company.
#[derive(Serialize)]
struct MapRow {
    connection: String,
    entity: String,
    /// Whether it is a list that is read as a whole: all its days are alike.
    whole: bool,
    /// A letter for a state and the number of days that it lasts, again and again: `d5e2d24`.
    cells: String,
}

/// How a day stands. The later one is the worse, and is what is shown where several are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    NotAsked,
    Empty,
    Done,
    Unproven,
    Pending,
    Running,
    Open,
    Cancelled,
    Blocked,
    Dead,
}

impl Cell {
    fn letter(self) -> char {
        match self {
            Self::NotAsked => 'n',
            Self::Empty => 'e',
            Self::Done => 'd',
            Self::Unproven => 'u',
            Self::Pending => 'p',
            Self::Running => 'r',
            Self::Open => 'h',
            Self::Cancelled => 'c',
            Self::Blocked => 'b',
            Self::Dead => 'x',
        }
    }

    fn covered(row: &CoverageRow) -> Self {
        match row.state {
            CoverageState::Complete if row.rows == 0 => Self::Empty,
            CoverageState::Complete => Self::Done,
            CoverageState::Unproven => Self::Unproven,
            CoverageState::Open => Self::Open,
        }
    }

    fn missing(missing: &Missing, blocked: bool) -> Self {
        match missing.state {
            SegmentState::Dead => Self::Dead,
            SegmentState::Cancelled => Self::Cancelled,
            SegmentState::Running => Self::Running,
            SegmentState::Pending | SegmentState::Done if blocked => Self::Blocked,
            SegmentState::Pending | SegmentState::Done => Self::Pending,
        }
    }
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(
        Route::get(
            "/api/v1/coverage/map",
            Scope::Read,
            "Every day of every entity as a letter with the days it lasts: n not asked for, p pending, r running, d done, \
             e done and empty, u unproven, h may still grow, c cancelled, x dead, b blocked",
        )
        .with(&[
            (
                "connection",
                "names, with commas between; all where it is left out",
            ),
            ("entity", "names, with commas between; all where it is left out"),
            ("from", "first day; a year before the last one where it is left out"),
            ("to", "last day, included; today (UTC) where it is left out"),
        ]),
        map,
    )
}

async fn map(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let which: Which = query(&uri)?;
    let to = which.to.unwrap_or_else(|| api.parts.clock.now().date_naive());
    let from = which.from.or_else(|| to.checked_sub_days(Days::new(USUAL - 1)));
    check_days(from, Some(to))?;
    let from = from.unwrap_or(to);
    if (to - from).num_days() >= MOST {
        let detail = format!("a map has at most {MOST} days: narrow it down with from and to");
        return Err(Refusal::new(Cause::InvalidRequest, detail));
    }
    let connections = api
        .companies(&caller, &names(which.connection.as_deref())?)
        .await?;
    let filter = CoverageFilter {
        connections: ids(&connections),
        entities: entities_named(&connections, &names(which.entity.as_deref())?)?,
        from: Some(from),
        to: Some(to),
    };
    let mut rows = Vec::new();
    if !connections.is_empty() {
        let _place = api.heavy()?;
        let covered = api.ledger().coverage(&filter).await?;
        let missing = api.ledger().asked_and_not_read(&filter).await?;
        rows = rows_of(&connections, (from, to), &covered, &missing);
    }
    polled(&headers, &Map { from, to, rows })
}

/// The rows of the entities of which anything was asked for, in the order of their connectors.
fn rows_of(
    connections: &[Connection],
    days: (NaiveDate, NaiveDate),
    covered: &[CoverageRow],
    missing: &[Missing],
) -> Vec<MapRow> {
    let mut rows = Vec::new();
    for connection in connections {
        let entities = connector_entry(&connection.connector).map_or(&[][..], |entry| entry.entities);
        for entity in entities {
            let is_of = |name: &str, of: &str| name == connection.name && of == entity.name;
            let covered: Vec<_> = covered
                .iter()
                .filter(|row| is_of(&row.connection, &row.entity))
                .collect();
            let missing: Vec<_> = missing
                .iter()
                .filter(|row| is_of(&row.connection, &row.entity))
                .collect();
            if covered.is_empty() && missing.is_empty() {
                continue;
            }
            let blocked = connection.state != ConnectionState::Active;
            rows.push(MapRow {
                connection: connection.name.clone(),
                entity: entity.name.to_owned(),
                whole: covered
                    .iter()
                    .map(|row| row.axis)
                    .chain(missing.iter().map(|row| row.axis))
                    .all(|axis| axis == Axis::Whole),
                cells: told(&cells(days, &covered, &missing, blocked)),
            });
        }
    }
    rows
}

/// The days of an entity: what was read, and over it what is wanted and not there.
fn cells(
    (from, to): (NaiveDate, NaiveDate),
    covered: &[&CoverageRow],
    missing: &[&Missing],
    blocked: bool,
) -> Vec<Cell> {
    let many = usize::try_from((to - from).num_days() + 1).unwrap_or(0);
    let mut cells = vec![Cell::NotAsked; many];
    let place = |day: NaiveDate| usize::try_from((day - from).num_days().max(0)).unwrap_or(0);
    let mut fill =
        |first: Option<NaiveDate>, last: Option<NaiveDate>, cell: Cell, over: fn(Cell, Cell) -> bool| {
            let (first, last) = (
                first.map_or(0, place),
                last.map_or(many, |last| if last < from { 0 } else { place(last) + 1 }),
            );
            for known in cells
                .get_mut(first.min(many)..last.min(many).max(first.min(many)))
                .into_iter()
                .flatten()
            {
                if over(cell, *known) {
                    *known = cell;
                }
            }
        };
    // Windows of several sizes and axes may cover a day: it is as complete as the best of them says.
    for row in covered {
        fill(row.from, row.to, Cell::covered(row), |new, known| {
            known == Cell::NotAsked || new < known
        });
    }
    for row in missing {
        fill(row.from, row.to, Cell::missing(row, blocked), |new, known| {
            new > known
        });
    }
    cells
}

fn told(cells: &[Cell]) -> String {
    let mut text = String::new();
    for run in cells.chunk_by(|a, b| a == b) {
        // Writing to a text does not fail.
        let _ = write!(text, "{}{}", run[0].letter(), run.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ledgerfleet_model::SegmentId;

    use super::*;

    fn day(day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2026, 3, day)
    }

    fn covered(from: u32, to: u32, state: CoverageState, rows: u64) -> CoverageRow {
        CoverageRow {
            connection: String::new(),
            entity: String::new(),
            axis: Axis::TxnDate,
            from: day(from),
            to: day(to),
            state,
            rows,
            source_count: None,
            read_at: DateTime::<Utc>::UNIX_EPOCH,
            last_result: "done".to_owned(),
            last_segment: SegmentId::new(),
            note: None,
        }
    }

    fn missing(from: u32, to: u32, state: SegmentState) -> Missing {
        Missing {
            connection: String::new(),
            entity: String::new(),
            axis: Axis::TxnDate,
            from: day(from),
            to: day(to),
            state,
            reason: None,
        }
    }

    #[test]
    fn a_day_shows_the_best_that_was_read_and_the_worst_that_is_missing() {
        use CoverageState::{Complete, Open, Unproven};
        use SegmentState::{Dead, Pending};
        let days = (day(1).unwrap(), day(10).unwrap());
        for (read, lacks, blocked, expected) in [
            (vec![], vec![], false, "n10"),
            (vec![covered(1, 10, Complete, 3)], vec![], false, "d10"),
            (vec![covered(2, 3, Complete, 0)], vec![], false, "n1e2n7"),
            (
                vec![covered(1, 4, Open, 1), covered(4, 4, Complete, 1)],
                vec![],
                false,
                "h3d1n6",
            ),
            (
                vec![covered(1, 1, Unproven, 1)],
                vec![missing(2, 3, Pending)],
                false,
                "u1p2n7",
            ),
            (
                vec![],
                vec![missing(1, 10, Pending), missing(5, 5, Dead)],
                false,
                "p4x1p5",
            ),
            (vec![], vec![missing(9, 30, Pending)], true, "n8b2"),
        ] {
            let cells = cells(
                days,
                &read.iter().collect::<Vec<_>>(),
                &lacks.iter().collect::<Vec<_>>(),
                blocked,
            );
            assert_eq!(told(&cells), expected);
        }
    }

    #[test]
    fn what_has_no_days_is_true_of_all_of_them_and_what_is_before_the_map_of_none() {
        let days = (day(11).unwrap(), day(20).unwrap());
        let mut whole = covered(1, 1, CoverageState::Complete, 5);
        (whole.from, whole.to) = (None, None);
        assert_eq!(told(&cells(days, &[&whole], &[], false)), "d10");
        let before = covered(1, 10, CoverageState::Complete, 5);
        assert_eq!(told(&cells(days, &[&before], &[], false)), "n10");
    }
}
