//! Quota: the metered calls of a month: used, left, until when they last, and who uses them.

use std::cmp::Reverse;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Panel;
use super::inside::Trouble;
use super::month::{asked_or_this, beside};
use super::shell::{Shell, page};
use super::visit::{Sent, Visit};

/// Companies and entities that are listed, those that use most.
const LISTED: usize = 20;

/// The calls of a month as the API tells them.
#[derive(Deserialize)]
struct Quota {
    connector: String,
    month_ends_at: DateTime<Utc>,
    monthly_calls: u64,
    reserve_percent: f64,
    used: u64,
    left_before_reserve: u64,
    left: u64,
    runs_out_at: Option<DateTime<Utc>>,
    companies: Vec<Share>,
    companies_left_out: u64,
}

#[derive(Deserialize)]
struct Share {
    connection: String,
    calls: u64,
    percent: f64,
    limit: Option<u64>,
}

impl Share {
    fn share(&self) -> f64 {
        self.percent / 100.0
    }
}

impl Quota {
    fn reserve(&self) -> f64 {
        self.reserve_percent / 100.0
    }

    /// The name of its state in the style sheet.
    fn class(&self) -> &'static str {
        match self.runs_out_at {
            _ if self.left_before_reserve == 0 => "dead",
            Some(_) => "partial",
            None => "done",
        }
    }

    /// The parts of its bar: state, where it begins and how long it is, in per cent.
    fn bar(&self) -> [(&'static str, f64, f64); 3] {
        #[expect(clippy::cast_precision_loss, reason = "lengths of bars are not exact")]
        let percent = |many: u64| many as f64 * 100.0 / self.monthly_calls.max(1) as f64;
        let used = percent(self.used).min(100.0);
        let free = percent(self.left_before_reserve).min(100.0 - used);
        [
            ("running", 0.0, used),
            ("none", used, free),
            ("blocked", used + free, 100.0 - used - free),
        ]
    }
}

/// Calls of an entity of a company.
#[derive(Deserialize)]
struct Used {
    connection: String,
    entity: String,
    calls: u64,
}

#[derive(Deserialize)]
struct CallsPage {
    items: Vec<Used>,
}

#[derive(Template)]
#[template(path = "quota.html")]
struct QuotaPage {
    s: Shell,
    month: String,
    before: String,
    after: String,
    quotas: Vec<Quota>,
    calls: Vec<Used>,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let caller = visit.caller()?;
    let today = panel.api.parts.clock.now().date_naive();
    let month = asked_or_this(sent.value("month"), today);
    let word = month.format("%Y-%m");
    let quotas = format!("/api/v1/quota?month={word}&limit={LISTED}");
    let quotas: Vec<Quota> = panel.inside.get(caller, &quotas).await?;
    let calls = format!("/api/v1/calls?month={word}&limit=1000");
    let CallsPage { items: mut calls } = panel.inside.get(caller, &calls).await?;
    calls.sort_by_key(|one| Reverse(one.calls));
    calls.truncate(LISTED);
    let shell = Shell::of(&visit, "nav.quota");
    page(&QuotaPage {
        month: shell.language.month(month),
        before: beside(month, -1),
        after: beside(month, 1),
        quotas,
        calls,
        s: shell,
    })
}
