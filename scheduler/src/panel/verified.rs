//! Verified: whether what is stored ties with the source: what the source has counted while it was read, which costs nothing
//! to know, and comparisons record by record, which are priced before they are begun.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Panel;
use super::counted::{Counted, counted};
use super::forms::{go, once};
use super::inside::Trouble;
use super::month::{asked, beside, end};
use super::run_plan::{Choices, Plan, backfill, choices, fields, question_of};
use super::shell::{Commands, Shell, encoded, page, quoted};
use super::visit::{Sent, Visit};

#[derive(Template)]
#[template(path = "verified.html")]
struct Verified {
    s: Shell,
    month: String,
    before: String,
    after: String,
    counted: Vec<Counted>,
    is_cut: bool,
    choices: Choices,
}

pub(super) async fn ask(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let sent = Sent::of_query(uri.query().unwrap_or_default());
    let today = panel.api.parts.clock.now().date_naive();
    let month = asked(sent.value("month"), today);
    let (counted, is_cut) = counted(&panel, &visit, (month, end(month))).await?;
    let shell = Shell::of(&visit, "nav.verified");
    page(&Verified {
        month: shell.language.month(month),
        before: beside(month, -1),
        after: beside(month, 1),
        counted,
        is_cut,
        choices: choices(&panel, &visit, &sent).await?,
        s: shell,
    })
}

#[derive(Template)]
#[template(path = "verified_price.html")]
struct Priced {
    s: Shell,
    plan: Plan,
    days: String,
    takes: String,
    share: String,
    fix: bool,
    hidden: Vec<(String, String)>,
    back: String,
    commands: Commands,
    once: String,
}

/// What a comparison reads: the records of these days, once more.
pub(super) async fn price(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let mut plan = backfill(&sent)?;
    plan["segment"] = json!("auto");
    let answer = panel
        .inside
        .post(visit.caller()?, "/api/v1/runs/plan", Some(&plan), None)
        .await?;
    let hidden = fields(&sent, &["connection", "entity", "from", "to", "fix"]);
    let shell = Shell::of(&visit, "verified.price");
    let day = |name: &str| sent.value(name).and_then(|day| day.parse().ok());
    let plan: Plan = answer.read()?;
    let share = plan
        .total
        .share_of_left
        .map(|share| shell.language.percent(share));
    page(&Priced {
        takes: shell.language.span(plan.total.minutes * 60.0),
        share: share.map_or_else(|| "–".to_owned(), |share| shell.a("run_price.of_left", &share)),
        plan,
        days: shell.language.days(day("from"), day("to")),
        fix: sent.value("fix").is_some(),
        back: format!("/verified?{}", question_of(&hidden)),
        hidden,
        commands: commands(&sent)?,
        once: once(),
        s: shell,
    })
}

/// The body of a comparison, out of its form.
fn body(sent: &Sent) -> Result<Value, Trouble> {
    let mut body = backfill(sent)?;
    if let Some(members) = body.as_object_mut() {
        members.remove("segment");
        members.insert("fix".to_owned(), json!(sent.value("fix").is_some()));
    }
    Ok(body)
}

fn commands(sent: &Sent) -> Result<Commands, Trouble> {
    let list = |name: &str| quoted(&sent.values(name).join(","));
    let cli = format!(
        "scheduler verify --connection {} --entity {} --from {} --to {}{}",
        list("connection"),
        list("entity"),
        list("from"),
        list("to"),
        if sent.value("fix").is_some() { " --fix" } else { "" },
    );
    Ok(Commands::of(cli, "/api/v1/verify", Some(&body(sent)?)))
}

pub(super) async fn begin(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Extension(sent): Extension<Sent>,
) -> Result<Response, Trouble> {
    let body = body(&sent)?;
    let answer = super::actions::done(&panel, (&visit, &sent), "/api/v1/verify", Some(&body)).await?;
    let place = answer.location.unwrap_or_default();
    let id = place.rsplit('/').next().unwrap_or_default();
    Ok(go(&format!("/verified/{}", encoded(id))))
}

/// A comparison as the API tells it.
#[derive(Deserialize)]
struct Verification {
    state: String,
    connections: Vec<String>,
    entities: Vec<String>,
    from: NaiveDate,
    to: NaiveDate,
    begun_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    compared: u64,
    of: u64,
    calls: u64,
    verdict: Option<String>,
    fix_run: Option<String>,
    findings: Vec<Finding>,
    findings_left_out: u64,
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    connection: String,
    entity: String,
    why: String,
}

/// Days of an entity, and how they tie.
#[derive(Deserialize)]
struct Finding {
    connection: String,
    entity: String,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    verdict: String,
    source: u64,
    stored: u64,
    source_total: Option<Box<RawValue>>,
    stored_total: Option<Box<RawValue>>,
    missing: u64,
    different: u64,
    gone: u64,
    quarantined: u64,
}

fn amount(total: Option<&RawValue>) -> Option<Decimal> {
    total.and_then(|total| Decimal::from_str_exact(total.get()).ok())
}

impl Finding {
    fn class(&self) -> &'static str {
        class_of(&self.verdict)
    }

    fn is_red(&self) -> bool {
        self.verdict == "red"
    }

    fn source_total(&self) -> Option<Decimal> {
        amount(self.source_total.as_deref())
    }

    fn stored_total(&self) -> Option<Decimal> {
        amount(self.stored_total.as_deref())
    }

    /// What the source has more, in money.
    fn difference(&self) -> Option<Decimal> {
        self.source_total()?.checked_sub(self.stored_total()?)
    }

    /// Where these days are planned to be read again.
    fn again(&self) -> Option<String> {
        let (from, to) = (self.from?.to_string(), self.to?.to_string());
        let query = [
            ("connection", self.connection.as_str()),
            ("entity", &self.entity),
            ("from", &from),
            ("to", &to),
        ];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (self.verdict != "green").then(|| format!("/runs/new?{}", question_of(&query)))
    }
}

/// The name of a verdict in the style sheet.
fn class_of(verdict: &str) -> &'static str {
    match verdict {
        "green" => "done",
        "yellow" => "partial",
        _ => "dead",
    }
}

#[derive(Template)]
#[template(path = "verification.html")]
struct VerificationPage {
    s: Shell,
    v: Verification,
    class: &'static str,
    days: String,
    is_over: bool,
    percent: u64,
}

pub(super) async fn show(
    State(panel): State<Panel>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let path = format!("/api/v1/verify/{}", encoded(&id));
    let v: Verification = panel.inside.get(visit.caller()?, &path).await?;
    let shell = Shell::of(&visit, "verified.title");
    page(&VerificationPage {
        days: shell.language.days(Some(v.from), Some(v.to)),
        class: match (v.state.as_str(), v.verdict.as_deref()) {
            ("running", _) => "running",
            ("done", Some(verdict)) => class_of(verdict),
            _ => "dead",
        },
        is_over: v.state != "running",
        percent: (v.compared * 100).checked_div(v.of).unwrap_or(100),
        v,
        s: shell,
    })
}
