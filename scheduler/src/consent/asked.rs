//! Asked: a company that was connected just now says who it is. Nothing else ties what was consented to with the realm that
//! came beside it: an address can be pasted together, and a code typed with another company's realm.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_model::Connection;
use ledgerfleet_upstream::Asking;
use ledgerfleet_wiring::Parts;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::commands::connection::key::park;
use crate::commands::connection::testing::{Renewal, test};
use crate::exit::{Exit, Problem, explained};
use crate::waits::Silent;

/// A person waits at the browser.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name of the company that a connection opens; none where it cannot be asked at this moment, which is no reason against
/// it. Where its upstream does not let the connection in, that waits for a person, and the error says so.
pub(super) async fn company(parts: &Parts, connection: &Connection) -> anyhow::Result<Option<String>> {
    let company = parts.company(Arc::new(connection.clone()))?;
    let asking = Asking::once(parts.means(), company, CancellationToken::new(), Silent);
    // What was granted just now is an access, too: no other one is asked for.
    let tested = timeout(PATIENCE, test(parts, connection, Renewal::IfNeeded, &asking)).await;
    let problem = match tested {
        Ok(Ok(tested)) => return Ok(Some(tested.company.name)),
        Ok(Err(error)) => explained(&error),
        Err(_) => Problem::new(Exit::DependencyDown, "it has not answered in time", ""),
    };
    if problem.exit != Exit::NeedsAuthorisation {
        warn!(connection = %connection.id, why = problem.what, "a company that was connected could not be asked who it is");
        return Ok(None);
    }
    park(parts, connection, "what was consented to does not open its books").await?;
    Err(not_let_in(connection, problem).into())
}

fn not_let_in(connection: &Connection, problem: Problem) -> Problem {
    let Connection { name, account, .. } = connection;
    Problem::new(
        Exit::NeedsAuthorisation,
        format!("what was consented to does not open the books of realm {account}: {name} waits, and nothing is read"),
        format!("scheduler connection authorize --name {name}, and choose the company of realm {account} on the page"),
    )
    .because(problem.what)
}
