//! Progress: a bar on a terminal, else a line every ten seconds.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ledgerfleet_ledger::{RunReport, Trouble};

use super::{Talk, clean, counted, span, thousands};

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
    /// The line about what heals itself, below the bar.
    trouble: Option<ProgressBar>,
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
            trouble: None,
            next_line,
            mark: None,
            rate: 0.0,
        }
    }

    /// Shows where the run stands, how many seconds are left where that can be told, and what of it [heals
    /// itself](heals_itself).
    pub(crate) fn show(&mut self, report: &RunReport, left: Option<f64>, trouble: Option<String>) {
        self.measure(report.calls);
        let ended = report.done + report.dead + report.cancelled;
        if self.bar.is_none() {
            self.bar = self.talk.bar(report.segments).map(styled);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(report, left));
            bar.set_length(report.segments);
            bar.set_position(ended);
            self.show_trouble(trouble);
        } else if Instant::now() >= self.next_line {
            self.next_line = Instant::now() + LINE_EVERY;
            let (ended, all) = (thousands(ended), thousands(report.segments));
            self.talk
                .say(format!("{ended} of {all} segments, {}", self.line(report, left)));
            if let Some(trouble) = trouble {
                self.talk.say(trouble);
            }
        }
    }

    /// One line that changes, and goes when all is well again.
    fn show_trouble(&mut self, trouble: Option<String>) {
        match (trouble, &self.trouble) {
            (None, None) => {}
            (None, Some(line)) => {
                line.finish_and_clear();
                self.trouble = None;
            }
            (Some(trouble), _) => {
                if self.trouble.is_none() {
                    self.trouble = self.talk.bar(0).map(a_line);
                }
                if let Some(line) = &self.trouble {
                    line.set_message(trouble);
                }
            }
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
        for bar in self.trouble.iter().chain(&self.bar) {
            bar.finish_and_clear();
        }
    }
}

/// What heals itself: what fails for everybody, or else `14 attempts failed: HTTP 503, again in 8 s`.
pub(crate) fn heals_itself(trouble: Option<&Trouble>, brakes: &[String]) -> Option<String> {
    match brakes {
        [] => trouble.map(told),
        [brake] => Some(clean::line(brake).into_owned()),
        [brake, others @ ..] => {
            let line = format!("{brake}; and {} more", others.len());
            Some(clean::line(&line).into_owned())
        }
    }
}

fn told(trouble: &Trouble) -> String {
    let why = match trouble.status {
        Some(status) if status >= 400 => format!("HTTP {status}"),
        _ => trouble.reason.replace('_', " "),
    };
    let again = if trouble.due_in < Duration::from_secs(1) {
        "again now".to_owned()
    } else {
        format!("again in {} s", trouble.due_in.as_secs())
    };
    let attempts = counted(trouble.attempts, "attempt");
    clean::line(&format!("{attempts} failed: {why}, {again}")).into_owned()
}

fn a_line(bar: ProgressBar) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_everybody_is_told_before_what_fails_for_some() {
        let trouble = Trouble {
            attempts: 1,
            reason: "timeout".to_owned(),
            status: None,
            due_in: Duration::ZERO,
        };
        let brakes = |many| vec!["acme: \u{1b}[31mthe upstream is failing".to_owned(); many];
        let told = |many| heals_itself(Some(&trouble), &brakes(many)).unwrap();
        assert_eq!(told(0), "1 attempt failed: timeout, again now");
        assert!(told(1).starts_with("acme: ") && told(1).ends_with("the upstream is failing"));
        assert!(!told(1).contains('\u{1b}'));
        assert!(told(3).ends_with("; and 2 more"));
        assert_eq!(heals_itself(None, &[]), None);
    }

    #[test]
    fn what_heals_itself_is_told_by_its_status_or_reason_and_when_it_is_tried_again() {
        let trouble = |attempts, status, seconds| Trouble {
            attempts,
            reason: "upstream_error".to_owned(),
            status,
            due_in: Duration::from_secs(seconds),
        };
        for (trouble, line) in [
            (
                trouble(14, Some(503), 8),
                "14 attempts failed: HTTP 503, again in 8 s",
            ),
            (trouble(1, None, 0), "1 attempt failed: upstream error, again now"),
            (
                trouble(2_000, Some(200), 64),
                "2,000 attempts failed: upstream error, again in 64 s",
            ),
        ] {
            assert_eq!(told(&trouble), line);
        }
    }
}
