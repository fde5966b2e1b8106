//! Work: what a world's fleet is asked for, and how far it is.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_emulator::EmulatorOptions;
use ledgerfleet_ledger::{NewRun, NewSegment, RunReport};
use ledgerfleet_model::window::windows;
use ledgerfleet_model::{Axis, Connection, DateRange, Lane, RunId, SegmentId, Segmenting};

use super::World;
use crate::wait::{PATIENCE, until};

/// The last day of the books.
pub(super) const LAST_DAY: NaiveDate = EmulatorOptions::AS_OF;

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its run.
    pub run: RunId,
    /// Names of the companies.
    pub companies: Vec<String>,
    /// Its entities.
    pub entities: Vec<&'static str>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day, included.
    pub to: NaiveDate,
    /// By which date.
    pub axis: Axis,
    /// How many segments were planned.
    pub planned: u64,
}

/// What to ask for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of which companies; of all if there are none here.
    pub companies: Vec<&'static str>,
    /// Which entities.
    pub entities: Vec<&'static str>,
    /// The last so many days.
    pub days: u64,
    /// By which date.
    pub axis: Axis,
    /// Rows a page.
    pub page_size: u32,
}

impl Wish {
    /// The last `days` days of `entities` of every company, in small pages, so that most days take several.
    pub fn days(entities: &[&'static str], days: u64) -> Self {
        Self {
            companies: Vec::new(),
            entities: entities.to_vec(),
            days,
            axis: Axis::TxnDate,
            page_size: 5,
        }
    }

    /// In pages that hold a whole day.
    #[must_use]
    pub fn in_one_page(mut self) -> Self {
        self.page_size = 1_000;
        self
    }

    /// Of one company.
    #[must_use]
    pub fn of(mut self, company: &'static str) -> Self {
        self.companies = vec![company];
        self
    }
}

impl World {
    /// Submits work that takes a fleet some seconds.
    pub async fn submit(&mut self) -> RunId {
        self.ask(&Wish::days(&["invoice", "journal_entry", "customer"], 20))
            .await
    }

    /// Submits a wish.
    pub async fn ask(&mut self, wish: &Wish) -> RunId {
        let companies = self.chosen(wish);
        let from = LAST_DAY - Days::new(wish.days - 1);
        let range = DateRange::new(from, LAST_DAY, wish.axis, LAST_DAY).unwrap();
        let segments: Vec<NewSegment> = companies
            .iter()
            .flat_map(|connection| segments(connection, wish, range))
            .collect();
        let asked = Asked {
            run: RunId::new(),
            companies: companies
                .iter()
                .map(|connection| connection.name.clone())
                .collect(),
            entities: wish.entities.clone(),
            from,
            to: LAST_DAY,
            axis: wish.axis,
            planned: segments.len() as u64,
        };
        let run = new_run(&asked, wish, self.asked.len());
        let submitted = self
            .parts
            .ledger
            .submit(&run, &mut segments.into_iter())
            .await
            .unwrap();
        self.asked.push(asked);
        // A bell that cannot be reached costs a tick.
        let _ = self.parts.bell.ring().await;
        submitted.run
    }

    fn chosen(&self, wish: &Wish) -> Vec<Connection> {
        let wanted = |connection: &&Connection| {
            wish.companies.is_empty() || wish.companies.contains(&connection.name.as_str())
        };
        self.connections.iter().filter(wanted).cloned().collect()
    }

    /// A run's sums; none while the ledger is away.
    pub async fn report(&self, run: RunId) -> Option<RunReport> {
        match self.parts.ledger.run(run).await {
            Ok(report) => report,
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                None
            }
        }
    }

    /// Waits until a run's sums are as wanted.
    pub async fn until(&self, run: RunId, what: &str, wanted: impl Fn(&RunReport) -> bool) -> Duration {
        until(what, PATIENCE, async || {
            self.report(run).await.is_some_and(|report| wanted(&report))
        })
        .await
    }

    /// Waits until so many segments of a run are done.
    pub async fn until_done(&self, run: RunId, segments: u64) -> Duration {
        let what = format!("{segments} segments are done");
        self.until(run, &what, |report| {
            report.done >= segments || report.state.is_over()
        })
        .await
    }

    /// Waits until everything that was asked for has ended.
    pub async fn until_over(&self, patience: Duration) -> Duration {
        until("all work has ended", patience, async || {
            for asked in &self.asked {
                if !self
                    .report(asked.run)
                    .await
                    .is_some_and(|report| report.state.is_over())
                {
                    return false;
                }
            }
            true
        })
        .await
    }
}

fn segments(connection: &Connection, wish: &Wish, range: DateRange) -> Vec<NewSegment> {
    let entry = connector_entry(&connection.connector).unwrap();
    let of_entity = |name: &&'static str| {
        let axis = find_entity(entry, name).unwrap().axis_for(wish.axis);
        windows(range, Segmenting::Day, axis, connection.time_zone)
            .map(|window| NewSegment {
                id: SegmentId::new(),
                connection: connection.id,
                entity: (*name).to_owned(),
                window,
            })
            .collect::<Vec<_>>()
    };
    wish.entities.iter().flat_map(of_entity).collect()
}

fn new_run(asked: &Asked, wish: &Wish, number: usize) -> NewRun {
    NewRun {
        id: asked.run,
        lane: Lane::Backfill,
        connections: asked.companies.clone(),
        entities: asked.entities.iter().map(ToString::to_string).collect(),
        from: Some(asked.from),
        to: Some(asked.to),
        axis: wish.axis,
        segmenting: Segmenting::Day.to_string(),
        page_size: wish.page_size,
        request_key: format!("wish {number}"),
        trace_context: None,
    }
}
