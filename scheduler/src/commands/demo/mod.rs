//! `demo`: the main job against an emulator in this process, checked against its truth.
//!
//! The books are a pure function of a seed and end on a fixed day, so a demo that is run again, also tomorrow or after
//! a kill, stores no row twice. The emulator forgets its token rotations when it ends; the credentials are therefore
//! replaced by its first ones at every start.

mod check;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context;
use chrono::{Days, NaiveDate};
use ledgerfleet_config::{ConnectorSettings, Settings, Shape};
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::{REGISTRY, connector_entry};
use ledgerfleet_emulator::{
    CompanyInfo, CompanySpec, Connector as EmulatedConnector, Emulator, EmulatorOptions, Rate,
    RunningEmulator, Size,
};
use ledgerfleet_ledger::{Extent, LedgerError, NewConnection};
use ledgerfleet_model::{Axis, Connection, ConnectionId, Environment, Segmenting};
use ledgerfleet_planning::{Plan, Request, plan, submit};
use ledgerfleet_wiring::{Parts, RunnerLock};
use secrecy::SecretString;

use crate::cli::DemoArgs;
use crate::commands::backfill::tell_submitted;
use crate::commands::connection::add::add_or_replace;
use crate::commands::serve::show_while_working;
use crate::exit::{Exit, Problem};
use crate::output::{counted, span, thousands};
use crate::running::carry::run_here;
use crate::running::report::{tell_end, tell_resume};
use crate::running::role::{Holding, take_lock};
use crate::running::runner::Runner;
use crate::running::watch::{Ended, exit_of};
use crate::session::Session;
use check::{Comparison, Stored, compare, stored, table_of};
use ledgerfleet_process::Stop;
use ledgerfleet_process::{Listening, record_metrics};

/// The file, in the working directory.
const DATABASE: &str = "ledgerfleet-demo.db";

/// Requests a second that the emulator admits for a company.
const ADMITTED: u32 = 50;

/// Requests a second that the gate grants to a company.
const GRANTED: f64 = 40.0;

pub(crate) async fn run(session: &Session, args: &DemoArgs) -> anyhow::Result<Exit> {
    let emulator = start_emulator().await?;
    let session = session.with_settings(settings(&session.settings, &emulator));
    let parts = open(&session).await?;
    let lock = take_lock(&session.settings)?.context("the demo runs on a file")?;
    let role = Holding::new(lock, &parts);
    let stop = session.heed_signals();
    let connections = connect(&parts, &emulator).await?;
    let before = stored(&parts, &connections).await?;
    let plan = plan_of(&session, &parts, &connections, args)?;
    tell_start(&session, &emulator, args);

    let submitted = submit(&*parts.ledger, &*parts.bell, plan.run(), &mut plan.segments()).await?;
    tell_submitted(&session, &submitted);
    let (report, ended) = run_here(&session, &parts, submitted.run, role, stop).await?;
    if let Ended::Signal(exit) = ended {
        tell_resume(&session, &report);
        return Ok(exit);
    }
    let known = parts.ledger.connections().await?;
    tell_end(&session, &report, ended, &known);
    let rows = check(&session, &parts, &emulator, &plan, &before).await?;
    session.output.list(&rows)?;
    let equal = rows.iter().all(Comparison::is_equal);
    tell_result(&session, &rows);
    tell_next(&session, args);
    tell_own_limits(&session, &parts, submitted.run, report.seconds).await?;
    if args.keep {
        keep(&session, &parts, &emulator, stop).await?;
    }
    emulator.shutdown().await;
    let run = exit_of(&report, ended, &known);
    Ok(Exit::most_telling([
        run,
        if equal { Exit::Done } else { Exit::Failed },
    ]))
}

async fn start_emulator() -> anyhow::Result<RunningEmulator> {
    let mut options = EmulatorOptions {
        rate: Rate::PerSecond(ADMITTED),
        ..EmulatorOptions::default()
    };
    options.companies.push(CompanySpec {
        connector: EmulatedConnector::Contifico,
        ..CompanySpec::new("demo-ec", Size::Small)
    });
    Emulator::start(options)
        .await
        .context("the demo's emulator did not start")
}

/// The settings, pointed at the emulator and at the demo's own file and key, whatever is configured.
fn settings(settings: &Settings, emulator: &RunningEmulator) -> Settings {
    let info = emulator.info();
    let mut settings = settings.clone();
    settings.shape = Shape::Embedded {
        path: PathBuf::from(DATABASE),
    };
    settings.master_key = None;
    settings.quickbooks = ConnectorSettings {
        api_url: Some(emulator.url().to_owned()),
        oauth_url: Some(emulator.url().to_owned()),
        client_id: Some(info.client_id),
        client_secret: Some(info.client_secret.into()),
        ..ConnectorSettings::default()
    };
    settings.contifico = ConnectorSettings {
        api_url: Some(format!("{}/sistema", emulator.url())),
        ..ConnectorSettings::default()
    };
    settings
}

async fn open(session: &Session) -> anyhow::Result<Parts> {
    session.parts_or_new().await.map_err(|error| {
        let next = format!("run the demo in another directory, or move {DATABASE} away; it is left as it is");
        let refused =
            |error: &LedgerError| matches!(error, LedgerError::Foreign(_) | LedgerError::NewerVersion { .. });
        match &error {
            ledgerfleet_wiring::WiringError::Ledger(cause) if refused(cause) => {
                Problem::new(Exit::Failed, cause.to_string(), next).into()
            }
            ledgerfleet_wiring::WiringError::KeyFile(cause) => {
                let next = format!("delete {DATABASE} and {DATABASE}.key, which hold nothing but the demo");
                Problem::new(Exit::Failed, cause.to_string(), next).into()
            }
            _ => anyhow::Error::new(error),
        }
    })
}

/// Adds the emulator's companies, or gives those that are there the emulator's current tokens.
async fn connect(parts: &Parts, emulator: &RunningEmulator) -> anyhow::Result<Vec<Connection>> {
    let companies = emulator.info().companies;
    for company in &companies {
        let key = company.api_key.as_ref().unwrap_or(&company.refresh_token);
        let token = SecretString::from(key.clone());
        add_or_replace(parts, new_connection(company), &token).await?;
    }
    parts.ledger.lay_out(Extent::Differing).await?;
    let named = |connection: &Connection| companies.iter().any(|company| company.name == connection.name);
    Ok(parts
        .ledger
        .connections()
        .await?
        .into_iter()
        .filter(named)
        .collect())
}

fn new_connection(company: &CompanyInfo) -> NewConnection {
    NewConnection {
        id: ConnectionId::new(),
        name: company.name.clone(),
        connector: company.connector.clone(),
        account: company.realm.clone(),
        environment: match company.environment {
            ledgerfleet_emulator::Environment::Sandbox => Environment::Sandbox,
            ledgerfleet_emulator::Environment::Production => Environment::Production,
        },
        time_zone: connector_entry(&company.connector).map_or(chrono_tz::Tz::UTC, |entry| entry.time_zone),
        requests_per_second: Some(GRANTED),
        slots: None,
    }
}

fn plan_of(
    session: &Session,
    parts: &Parts,
    connections: &[Connection],
    args: &DemoArgs,
) -> anyhow::Result<Plan> {
    let (from, to) = days(args);
    Ok(plan(&Request {
        connections: connections.to_vec(),
        entities: vec!["all".to_owned()],
        from,
        to,
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day,
        page_size: session.settings.page_size,
        now: parts.clock.now(),
        upper_margin: parts.timings.upper_margin,
    })?)
}

/// First and last day; the books end on the last.
fn days(args: &DemoArgs) -> (NaiveDate, NaiveDate) {
    let to = EmulatorOptions::AS_OF;
    let back = Days::new(u64::from(args.days.saturating_sub(1)));
    (to.checked_sub_days(back).unwrap_or(to), to)
}

fn tell_start(session: &Session, emulator: &RunningEmulator, args: &DemoArgs) {
    let (from, to) = days(args);
    session.talk.say(format!(
        "An emulator answers on {} with the books of two companies of QuickBooks Online and one of Contífico. Copying \
         {from} to {to} into {DATABASE}.",
        emulator.url()
    ));
}

/// Compares what is stored with what the emulator says must be.
async fn check(
    session: &Session,
    parts: &Parts,
    emulator: &RunningEmulator,
    plan: &Plan,
    before: &HashMap<(ConnectionId, &'static str), Stored>,
) -> anyhow::Result<Vec<Comparison>> {
    let http = HttpClient::new(&session.settings.timings)?;
    let none = Stored::new();
    let mut rows = Vec::new();
    for part in plan.parts() {
        let before = before
            .get(&(part.connection.id, part.entity.table))
            .unwrap_or(&none);
        let after = table_of(parts, part.connection.id, part.entity).await?;
        rows.push(compare(&http, emulator.url(), part, plan.range(), before, &after).await?);
    }
    Ok(rows)
}

fn tell_result(session: &Session, rows: &[Comparison]) {
    let sum = |count: fn(&Comparison) -> u64| rows.iter().map(count).sum::<u64>();
    let (new, changed) = (thousands(sum(|row| row.new)), thousands(sum(|row| row.changed)));
    let wrong = sum(|row| row.missing + row.extra + row.different + u64::from(row.total != row.true_total));
    session.talk.say(format!(
        "{new} new, {changed} changed; {} stored.",
        counted(sum(|row| row.rows), "record")
    ));
    if wrong == 0 {
        session
            .talk
            .say("Every record and every total equals the emulator's own account: none missing, extra or different.");
    } else {
        session.talk.warn(format!(
            "{} differ from the emulator's own account",
            counted(wrong, "record")
        ));
    }
}

fn tell_next(session: &Session, args: &DemoArgs) {
    let program = std::env::args().next().unwrap_or_else(|| "scheduler".to_owned());
    let (from, to) = days(args);
    session.talk.say(format!(
        "\nTry next:\n  \
         export LEDGERFLEET_DATABASE_URL=sqlite://{DATABASE}\n  \
         {program} records --connection demo-us --entity invoice --limit 5\n  \
         {program} coverage --connection demo-us\n  \
         {program} status\n  \
         {program} run show last\n  \
         sqlite3 {DATABASE} \"SELECT connection, document_date, count(*) FROM qbo_invoice GROUP BY 1, 2\"\n\
         Your own company, into ledgerfleet.db:\n  \
         unset LEDGERFLEET_DATABASE_URL\n  \
         {program} connection add quickbooks --name NAME --realm ID --refresh-token-file FILE\n  \
         {program} backfill --connection NAME --entity all --from {from} --to {to}\n"
    ));
}

/// The last line: what the same calls take at the upstream's own limits, the companies side by side.
async fn tell_own_limits(
    session: &Session,
    parts: &Parts,
    run: ledgerfleet_model::RunId,
    took: f64,
) -> anyhow::Result<()> {
    let mut calls: HashMap<String, u64> = HashMap::new();
    for volume in parts.ledger.volumes(run).await? {
        *calls.entry(volume.connection).or_default() += volume.calls;
    }
    let most = calls.values().copied().max().unwrap_or(0);
    let rate = REGISTRY
        .first()
        .map_or(1.0, |entry| entry.gate.requests_per_second);
    #[expect(clippy::cast_precision_loss, reason = "a demo makes a few thousand calls")]
    let own = most as f64 / rate;
    session.talk.say(format!(
        "It took {} with {GRANTED} requests a second for each company; at QuickBooks' own limits ({rate} a second) \
         it takes {}.",
        span(took),
        span(own)
    ));
    Ok(())
}

/// Goes on serving emulator, health, metrics and work until a signal.
async fn keep(
    session: &Session,
    parts: &Parts,
    emulator: &RunningEmulator,
    stop: &Stop,
) -> anyhow::Result<()> {
    let lock: RunnerLock = take_lock(&session.settings)?.context("the demo runs on a file")?;
    let recorder = record_metrics()?;
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let listening = match Listening::on(session.settings.listen).await {
        Ok(listening) => listening,
        Err(_) => Listening::on(any).await?,
    };
    let info = emulator.info();
    session.talk.say(format!(
        "Serving until Ctrl-C: the panel on http://{health}/ (open it in a browser), with health and metrics; the emulator \
         on {url} (client id {id}).",
        url = emulator.url(),
        id = info.client_id,
        health = listening.address()
    ));
    let runner = Runner::of_file(lock, parts, &session.settings, session.name.clone()).await?;
    show_while_working(session, listening, parts, recorder, runner, stop).await
}
