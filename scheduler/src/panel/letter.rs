//! Letter: one dead letter and what was tried: the work of each attempt to scale, and its waits in a column of their own.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use super::Panel;
use super::inside::Trouble;
use super::shell::{Commands, Shell, encoded, page};
use super::visit::Visit;

/// An attempt as the API tells it.
#[derive(Deserialize)]
struct Tried {
    attempt: u32,
    worker: String,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    outcome: String,
    reason: String,
    message: String,
    request: Option<String>,
    status: Option<u16>,
    upstream_code: Option<String>,
    transaction_id: Option<String>,
    times: u64,
    pages: Option<u64>,
    worked_seconds: Option<f64>,
    gate_seconds: Option<f64>,
    waited_seconds: f64,
}

impl Tried {
    /// The name of its outcome in the style sheet.
    fn class(&self) -> &'static str {
        match self.outcome.as_str() {
            "later" => "pending",
            "retry" => "retrying",
            _ => "dead",
        }
    }

    /// Seconds of work; where nobody can tell, all between claim and end.
    fn worked(&self) -> f64 {
        let all = (self.ended_at - self.started_at).max(TimeDelta::zero());
        let all = all.to_std().map_or(0.0, |all| all.as_secs_f64());
        self.worked_seconds.unwrap_or(all)
    }

    fn gate(&self) -> f64 {
        self.gate_seconds.unwrap_or(0.0)
    }
}

#[derive(Deserialize)]
struct Letter {
    id: String,
    run_id: String,
    connection: String,
    entity: String,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    reason: String,
    message: String,
    fingerprint: String,
    died_at: DateTime<Utc>,
    attempts: u64,
    pages: u64,
    calls: u64,
    dropped_at: Option<DateTime<Utc>>,
    replay_stopped: Option<String>,
    history: Vec<Tried>,
}

/// An attempt with the lengths of its bars in per cent of the longest.
struct Line {
    attempt: Tried,
    worked: f64,
    gate: f64,
    due: f64,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterPage {
    s: Shell,
    letter: Letter,
    lines: Vec<Line>,
    /// In all: of work, at the gate, until it was due again.
    worked: String,
    gate: String,
    due: String,
    group: String,
    again: String,
    commands: Commands,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let path = format!("/api/v1/dead-letters/{}", encoded(&id));
    let mut letter: Letter = panel.inside.get(visit.caller()?, &path).await?;
    let lines = lines_of(std::mem::take(&mut letter.history));
    let shell = Shell::of(&visit, "letter.title");
    let sum = |of: fn(&Tried) -> f64| {
        let all = lines.iter().map(|line| of(&line.attempt)).sum();
        shell.language.span(all)
    };
    let body = serde_json::json!({ "ids": [letter.id] });
    page(&LetterPage {
        worked: sum(Tried::worked),
        gate: sum(Tried::gate),
        due: sum(|one| one.waited_seconds),
        group: format!("/dead-letters?fingerprint={}", encoded(&letter.fingerprint)),
        again: again(&letter),
        commands: Commands::of(
            format!("scheduler dlq replay {}", letter.id),
            "/api/v1/dead-letters/replay",
            Some(&body),
        ),
        lines,
        letter,
        s: shell,
    })
}

/// Where a run over the days of a letter is planned.
fn again(letter: &Letter) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("connection", &letter.connection);
    query.append_pair("entity", &letter.entity);
    for (name, day) in [("from", letter.from), ("to", letter.to)] {
        if let Some(day) = day {
            query.append_pair(name, &day.to_string());
        }
    }
    format!("/runs/new?{}", query.finish())
}

fn lines_of(history: Vec<Tried>) -> Vec<Line> {
    let longest = |of: fn(&Tried) -> f64| history.iter().map(of).fold(0.0, f64::max);
    let (work, wait) = (
        longest(Tried::worked),
        longest(|one| one.gate() + one.waited_seconds),
    );
    let part = |seconds: f64, of: f64| if of > 0.0 { seconds * 100.0 / of } else { 0.0 };
    history
        .into_iter()
        .map(|attempt| Line {
            worked: part(attempt.worked(), work),
            gate: part(attempt.gate(), wait),
            due: part(attempt.waited_seconds, wait),
            attempt,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_to_the_scale_of_the_longest_and_waits_have_one_of_their_own() {
        let attempt = |worked: Option<f64>, gate: Option<f64>, waited: f64| Tried {
            attempt: 1,
            worker: String::new(),
            started_at: DateTime::UNIX_EPOCH,
            ended_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(8),
            outcome: "retry".to_owned(),
            reason: String::new(),
            message: String::new(),
            request: None,
            status: None,
            upstream_code: None,
            transaction_id: None,
            times: 1,
            pages: None,
            worked_seconds: worked,
            gate_seconds: gate,
            waited_seconds: waited,
        };
        let lines = lines_of(vec![
            attempt(Some(2.0), Some(10.0), 30.0),
            attempt(None, None, 10.0),
        ]);
        let bars: Vec<_> = lines
            .iter()
            .map(|line| (line.worked, line.gate, line.due))
            .collect();
        assert_eq!(bars, [(25.0, 25.0, 75.0), (100.0, 0.0, 25.0)]);
        let nothing = lines_of(vec![attempt(Some(0.0), Some(0.0), 0.0)]);
        assert_eq!((nothing[0].worked, nothing[0].due), (0.0, 0.0));
    }
}
