//! Upkeep of companies: tested, set, removed.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use ledgerfleet_ledger::{ConnectionChange, Purge, Scope};
use ledgerfleet_model::{Connection, Environment};
use ledgerfleet_upstream::Asking;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::body;
use super::route::Route;
use super::routes::Routes;
use crate::cli::every;
use crate::commands::connection::remove::{ConsentEnd, OpenConsent, end_consent, records};
use crate::commands::connection::set;
use crate::commands::connection::testing::{beside_a_runner, test};
use crate::commands::model;
use crate::views::connections::ConnectionRow;
use crate::waits::Silent;

/// A company that has answered.
#[derive(Serialize)]
struct Answered {
    #[serde(flatten)]
    connection: ConnectionRow,
    /// The name that it has at its source.
    company: String,
    /// How long it took to answer, renewal of its access and wait for its gate included.
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<String>,
    environment: Option<Environment>,
    sync_every: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "the members are those of the body")]
struct Removal {
    purge_data: bool,
    leave_consent: bool,
    dry_run: bool,
    /// Says that it is meant; a dry run needs none.
    confirm: bool,
    /// How many records are to be deleted, as the dry run has told.
    records: Option<u64>,
}

/// What a removal does, or would do.
#[derive(Serialize)]
struct Fate {
    connection: String,
    removed: bool,
    /// Records that are stored of it, deleted ones included.
    records: u64,
    /// How many of them are deleted with it.
    records_deleted: u64,
    /// `ended`, `none`, or `open` where it could not be ended and was left so; nothing of a dry run.
    consent: Option<&'static str>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::post(
                "/api/v1/connections/{name}/test",
                Scope::Connect,
                "Asks a company who it is, which may cost a metered call; one that waited for authorisation goes on",
            ),
            try_it,
        )
        .route(
            Route::post(
                "/api/v1/connections/{name}/set",
                Scope::Connect,
                "Changes name, environment, or how often it is kept in sync: 5m, off, default",
            )
            .taking(r#"{"sync_every": "5m"}"#),
            change,
        )
        .route(
            Route::post(
                "/api/v1/connections/{name}/remove",
                Scope::Connect,
                "Removes a company where `confirm` is true; with `purge_data` (scope admin, too) its records, as many as a dry run has told",
            )
            .taking(r#"{"purge_data": true, "confirm": true, "records": 1200}"#),
            remove,
        )
}

async fn try_it(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Answered>, Refusal> {
    let connection = api.company(&caller, &name).await?;
    let began = Instant::now();
    let asking = api.asking(&connection)?;
    let tested = test(&api.parts, &connection, beside_a_runner(&connection), &asking).await?;
    let seconds = began.elapsed().as_secs_f64();
    note(&api, "connection.test", &connection, &caller).await?;
    Ok(Json(Answered {
        connection: ConnectionRow(api.company(&caller, &name).await?),
        company: tested.company.name,
        seconds,
    }))
}

impl Api {
    /// How a company is asked once, for a program.
    pub(super) fn asking(&self, connection: &Connection) -> anyhow::Result<Asking<'static>> {
        self.asking_until(CancellationToken::new(), connection)
    }

    /// The same until it is told to stop.
    pub(super) fn asking_until(
        &self,
        stop: CancellationToken,
        connection: &Connection,
    ) -> anyhow::Result<Asking<'static>> {
        let company = self.parts.company(Arc::new(connection.clone()))?;
        Ok(Asking::once(self.parts.means(), company, stop, Silent))
    }
}

async fn note(api: &Api, action: &str, connection: &Connection, caller: &Caller) -> Result<(), Refusal> {
    let detail = serde_json::json!({ "name": connection.name, "by": caller.name });
    let subject = connection.id.to_string();
    Ok(api.ledger().note_audit(action, Some(&subject), detail).await?)
}

/// Refuses the name of a company that the caller does not see, and tells nothing of it.
async fn check_hidden(api: &Api, caller: &Caller, name: &str) -> Result<(), Refusal> {
    let all = api.ledger().connections().await?;
    let is_hidden = all
        .iter()
        .any(|other| other.name == name && !caller.sees(other.id));
    if is_hidden {
        return Err(Refusal::new(
            Cause::Conflict,
            format!("the name `{name}` is taken"),
        ));
    }
    Ok(())
}

async fn change(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<ConnectionRow>, Refusal> {
    let asked: Changes = body(&bytes)?;
    let connection = api.company(&caller, &name).await?;
    let pace = asked.sync_every.as_deref().map(every).transpose();
    let pace = pace.map_err(|why| Refusal::new(Cause::InvalidRequest, format!("sync_every: {why}")))?;
    let change = ConnectionChange {
        name: asked.name,
        environment: asked.environment,
        account: None,
    };
    let ledger = api.ledger();
    if let Some(name) = &change.name {
        check_hidden(&api, &caller, name).await?;
    }
    set::check(ledger, &connection, &change).await?;
    if let Some(environment) = change.environment {
        let kept = set::left_behind(ledger, &connection, environment).await?;
        if kept > 0 {
            let detail = format!(
                "{name} has {kept} records of {}, and a company of {environment} is another one: remove it with them and add \
                 it there, or add the other under another name",
                connection.environment
            );
            return Err(Refusal::new(Cause::Conflict, detail));
        }
    }
    let is_changed = change.name.is_some() || change.environment.is_some();
    if !is_changed && pace.is_none() {
        return Err(Refusal::new(
            Cause::InvalidRequest,
            "it was not said what is to be changed",
        ));
    }
    if let Some(pace) = pace {
        set::schedule(&api.parts, api.sync.every, &connection, pace).await?;
        note(&api, "connection.schedule", &connection, &caller).await?;
    }
    if !is_changed {
        return Ok(Json(ConnectionRow(connection)));
    }
    let changed = ledger.change_connection(connection.id, &change).await?;
    note(&api, "connection.set", &connection, &caller).await?;
    model::follow(ledger, &api.talk).await;
    Ok(Json(ConnectionRow(changed)))
}

/// What cannot be undone is said twice: that it is meant, and what goes with it.
fn check_meant(asked: &Removal, caller: &Caller, stored: u64) -> Result<(), Refusal> {
    if !asked.confirm {
        let detail = "`\"confirm\": true` says that the company is to be removed; `\"dry_run\": true` tells what that means";
        return Err(Refusal::new(Cause::InvalidRequest, detail));
    }
    if !asked.purge_data {
        return Ok(());
    }
    if !caller.scopes.contains(&Scope::Admin) {
        let detail = "who deletes records has the scope `admin`, too";
        return Err(Refusal::new(Cause::InsufficientScope, detail));
    }
    if asked.records == Some(stored) {
        return Ok(());
    }
    let told = asked
        .records
        .map_or_else(|| "not told".to_owned(), |told| told.to_string());
    let detail = format!(
        "{stored} records would be deleted; how many are to be: {told}. `records` has the number of a dry run"
    );
    Err(Refusal::new(Cause::Conflict, detail))
}

async fn remove(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Fate>, Refusal> {
    let asked: Removal = body(&bytes)?;
    let connection = api.company(&caller, &name).await?;
    let ledger = api.ledger();
    let stored = records(ledger).await?.get(&connection.id).copied().unwrap_or(0);
    if asked.dry_run {
        return Ok(Json(Fate {
            connection: name,
            removed: false,
            records: stored,
            records_deleted: if asked.purge_data { stored } else { 0 },
            consent: None,
        }));
    }
    check_meant(&asked, &caller, stored)?;
    let consent = if asked.leave_consent {
        OpenConsent::Leave
    } else {
        OpenConsent::Refuse
    };
    let ended = end_consent(&api.parts, &connection, consent).await?;
    let purge = if asked.purge_data {
        Purge::DeleteRecords
    } else {
        Purge::KeepRecords
    };
    let deleted = ledger.remove_connection(connection.id, purge).await?;
    note(&api, "connection.removed_by", &connection, &caller).await?;
    model::follow(ledger, &api.talk).await;
    Ok(Json(Fate {
        connection: name,
        removed: true,
        records: stored,
        records_deleted: deleted,
        consent: Some(match ended {
            ConsentEnd::Now => "ended",
            ConsentEnd::Before => "none",
            ConsentEnd::Open(_) => "open",
        }),
    }))
}
