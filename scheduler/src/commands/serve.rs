//! `serve`: the daemon.

use ledgerfleet_access::private_file;
use ledgerfleet_process::{
    Listening, Stop, TlsError, banner, health_routes, raise_open_files, record_metrics, tell_ready,
};
use ledgerfleet_telemetry::metrics::{self, Recorder};
use ledgerfleet_telemetry::release;
use ledgerfleet_wiring::Parts;

use crate::cli::ServeArgs;
use crate::commands::model;
use crate::exit::{Exit, Problem};
use crate::http::{Api, router};
use crate::running::role::take_lock;
use crate::running::runner::Runner;
use crate::session::Session;
use crate::webhooks;

pub(crate) async fn run(session: &Session, args: &ServeArgs) -> anyhow::Result<Exit> {
    // Everybody who follows a run has a connection open.
    raise_open_files();
    let parts = session
        .parts_or_new()
        .await?
        .keeping_in_sync(session.settings.sync);
    // After an upgrade nobody has to think of it.
    model::follow(&*parts.ledger, &session.talk).await;
    for warning in parts.accept_redis().await? {
        session.talk.warn(warning);
    }
    // A fleet has no such role and no such file: there, this process stands for leader, and workers work.
    let lock = take_lock(&session.settings)?;
    let works = lock.is_some();
    let stop = session.heed_signals();
    let recorder = record_metrics()?;
    check_keys(session, &parts, args).await?;
    let mut listening = listen(session).await?;
    if let Some((certificate, key)) = args.tls_cert.as_deref().zip(args.tls_key.as_deref()) {
        if private_file::is_open_to_others(key) {
            session.talk.warn(private_file::warning(key));
        }
        listening = listening
            .with_tls(certificate, key)
            .map_err(|error| no_tls(&error))?;
    }
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let address = listening.address();
    let name = session.name.clone();
    let runner = match lock {
        Some(lock) => Runner::of_file(lock, &parts, &session.settings, name).await?,
        None => Runner::of_fleet(&parts, name),
    };
    metrics::workers(works.into());
    introduce(session, &parts, works).await;
    tell_ready(stop);
    session.talk.say(format!(
        "serving {scheme}://{address}: the panel in a browser, /api/v1 /webhooks/quickbooks /livez /readyz /metrics; Ctrl-C stops"
    ));
    show_while_working(session, listening, &parts, recorder, runner, stop).await?;
    Ok(stop.signal().map_or(Exit::Failed, Exit::of))
}

/// The first line of the daemon: version, ledger without a password, what it does, who leads.
async fn introduce(session: &Session, parts: &Parts, works: bool) {
    let settings = &session.settings;
    let (version, place) = (release::version(), settings.shape.place());
    session.talk.say(if works {
        let many = settings.worker.concurrency;
        format!("scheduler {version} on {place}: {many} segments at once, dispatched by itself")
    } else {
        banner("scheduler", version, &place, "workers carry the segments", parts).await
    });
}

/// Works and answers until told to stop.
pub(super) async fn show_while_working(
    session: &Session,
    listening: Listening,
    parts: &Parts,
    recorder: Recorder,
    runner: Runner,
    stop: &Stop,
) -> anyhow::Result<()> {
    let over = stop.token().child_token();
    let showing = async {
        let _told = over.clone().drop_guard();
        let api = Api::new(parts, &session.settings, &session.talk);
        let routes = health_routes(parts, recorder)
            .merge(router(&api))
            .merge(crate::panel::router(&api))
            .merge(webhooks::router(parts, &session.settings));
        listening.serve(routes, over.clone()).await;
        api.end().await;
    };
    // Work stops at once, whatever is still being answered.
    let working = async {
        tokio::select! {
            () = over.cancelled() => {}
            () = runner.ended() => over.cancel(),
        }
        session
            .talk
            .say("stopping: pages in progress are finished, the rest is handed back (again: stop at once)");
        runner.stop().await
    };
    let (worked, ()) = tokio::join!(working, showing);
    Ok(worked?)
}

/// Beyond this machine the HTTP API takes keys alone. Without one nobody could use it, and who meant it to be used finds that
/// out now; who serves metrics and health alone says so.
async fn check_keys(session: &Session, parts: &Parts, args: &ServeArgs) -> anyhow::Result<()> {
    let settings = &session.settings;
    let is_local = settings.listen.ip().is_loopback();
    if is_local || args.closed_without_keys || settings.api_key.is_some() {
        return Ok(());
    }
    if !parts.ledger.api_keys().await?.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} is not on loopback, and the HTTP API has no key",
        settings.listen
    );
    let next = "scheduler api-key create --name NAME --scope read; or, for metrics, health and webhooks alone, with the API \
                closed until there is a key: scheduler serve --closed-without-keys";
    Err(Problem::usage(what, next).into())
}

fn no_tls(error: &TlsError) -> Problem {
    let next = "a certificate chain and its key as PEM files: scheduler serve --tls-cert FILE --tls-key FILE";
    Problem::usage(error.to_string(), next)
}

async fn listen(session: &Session) -> Result<Listening, Problem> {
    let address = session.settings.listen;
    if !address.ip().is_loopback() {
        session.talk.warn(format!(
            "{address} is not on loopback: everyone who reaches it can read the metrics, and the HTTP API takes keys alone"
        ));
    }
    Listening::on(address).await.map_err(|error| {
        Problem::new(
            Exit::Failed,
            format!("cannot listen on {address}"),
            "scheduler serve --listen 127.0.0.1:0",
        )
        .because(error.to_string())
    })
}
