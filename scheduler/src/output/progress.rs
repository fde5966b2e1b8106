//! Progress: a bar on a terminal, else a line every ten seconds.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ledgerfleet_ledger::RunReport;

use super::{Talk, span, thousands};

/// Without a terminal, a line this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Calls within this time make the rate that is shown.
const RATE_OVER: Duration = Duration::from_secs(3);

/// A shorter time would make the rate jump.
const RATE_AFTER: Duration = Duration::from_millis(700);

/// The progress of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    talk: Talk,
    bar: Option<ProgressBar>,
    next_line: Instant,
    /// Calls at an earlier time, for the rate.
    mark: Option<(Instant, u64)>,
    rate: f64,
}

impl Progress {
    pub(crate) fn new(talk: &Talk) -> Self {
        let next_line = Instant::now() + LINE_EVERY;
        Self {
            talk: talk.clone(),
            bar: None,
            next_line,
            mark: None,
            rate: 0.0,
        }
    }

    /// Shows where the run stands, and how many seconds are left where that can be told.
    pub(crate) fn show(&mut self, report: &RunReport, left: Option<f64>) {
        self.measure(report.calls);
        let ended = report.done + report.dead + report.cancelled;
        if self.bar.is_none() {
            self.bar = self.talk.bar(report.segments).map(styled);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(report, left));
            bar.set_length(report.segments);
            bar.set_position(ended);
        } else if Instant::now() >= self.next_line {
            self.next_line = Instant::now() + LINE_EVERY;
            let (ended, all) = (thousands(ended), thousands(report.segments));
            self.talk
                .say(format!("{ended} of {all} segments, {}", self.line(report, left)));
        }
    }

    fn line(&self, report: &RunReport, left: Option<f64>) -> String {
        let mut parts = vec![
            format!("{} rows", thousands(report.rows)),
            format!("{:.1} requests/s", self.rate),
        ];
        if report.dead > 0 {
            parts.push(format!("{} dead", thousands(report.dead)));
        }
        if report.blocked > 0 {
            parts.push(format!("{} blocked", thousands(report.blocked)));
        }
        if let Some(seconds) = left {
            parts.push(format!("about {} left", span(seconds)));
        }
        parts.join(", ")
    }

    fn measure(&mut self, calls: u64) {
        let now = Instant::now();
        let (since, then) = *self.mark.get_or_insert((now, calls));
        let passed = now - since;
        if passed >= RATE_AFTER {
            self.rate = as_number(calls.saturating_sub(then)) / passed.as_secs_f64();
        }
        if passed >= RATE_OVER {
            self.mark = Some((now, calls));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn styled(bar: ProgressBar) -> ProgressBar {
    let template = "{elapsed_precise} {bar:30} {pos}/{len} segments, {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
fn as_number(count: u64) -> f64 {
    count as f64
}
