//! Work: what a world's fleet is asked for, and how far it is.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime};
use futures::future::join_all;
use ledgerfleet_emulator::EmulatorOptions;
use ledgerfleet_ledger::{NewRun, ReplayRequest, RunReport, Submitted};
use ledgerfleet_model::{Axis, Connection, RunId, Segmenting};
use ledgerfleet_planning::{Request, plan, submit};

use super::World;
use crate::wait::{PATIENCE, until};

/// The last day of the books.
const LAST_DAY: NaiveDate = EmulatorOptions::AS_OF;

/// The last so many days of the books.
pub(crate) fn last_days(days: u64) -> RangeInclusive<NaiveDate> {
    LAST_DAY - Days::new(days - 1)..=LAST_DAY
}

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
    /// The last of them.
    pub to: NaiveDate,
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
            to: LAST_DAY,
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
        self.ask_at_once(wish, 1).await[0].run
    }

    /// Submits a wish so many times at the same moment; answers what each who asked was told.
    pub async fn ask_at_once(&mut self, wish: &Wish, times: usize) -> Vec<Submitted> {
        let request = self.request(wish);
        let plan = plan(&request).unwrap();
        let asked = Asked {
            run: RunId::new(),
            companies: plan.run().connections,
            entities: wish.entities.clone(),
            from: request.from,
            to: request.to,
            axis: wish.axis,
            planned: plan.segments().count() as u64,
        };
        let key = format!("wish {}", self.asked.len());
        let submissions = (0..times).map(async |_| {
            // A wish is never joined to an earlier one, also where the two are equal.
            let run = NewRun {
                request_key: key.clone(),
                ..plan.run()
            };
            let (ledger, bell) = (&*self.parts.ledger, &*self.parts.bell);
            submit(ledger, bell, run, &mut plan.segments()).await.unwrap()
        });
        let submitted = join_all(submissions).await;
        self.asked.push(Asked {
            run: submitted[0].run,
            ..asked
        });
        submitted
    }

    fn request(&self, wish: &Wish) -> Request {
        Request {
            connections: self.chosen(wish),
            entities: wish.entities.iter().map(ToString::to_string).collect(),
            from: wish.to - Days::new(wish.days - 1),
            to: wish.to,
            axis: wish.axis,
            segmenting: Segmenting::Day,
            page_size: wish.page_size,
            now: LAST_DAY.and_time(NaiveTime::MIN).and_utc(),
            upper_margin: Duration::ZERO,
        }
    }

    fn chosen(&self, wish: &Wish) -> Vec<Connection> {
        let wanted = |connection: &&Connection| {
            wish.companies.is_empty() || wish.companies.contains(&connection.name.as_str())
        };
        self.connections.iter().filter(wanted).cloned().collect()
    }

    /// Sends all dead segments again; answers how many.
    pub async fn replay_all(&self) -> u64 {
        let request = ReplayRequest {
            asked_by: "chaos".to_owned(),
            ..ReplayRequest::default()
        };
        let replayed = self.parts.ledger.replay(&request).await.unwrap();
        // A bell that cannot be reached costs a tick.
        let _ = self.parts.bell.ring().await;
        replayed.segments
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

    /// Waits until nothing is left to do, whoever asked for it.
    pub(crate) async fn until_at_rest(&self, patience: Duration) {
        let left = "SELECT count(*) FROM fleet.segments WHERE state IN ('pending', 'running')";
        until("nothing is left to do", patience, async || self.count(left) == 0).await;
    }
}
