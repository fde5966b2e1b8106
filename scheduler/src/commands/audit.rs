//! `audit`: who has done what.

use ledgerfleet_ledger::AuditFilter;

use crate::cli::AuditArgs;
use crate::exit::Exit;
use crate::session::Session;
use crate::views::audit::AuditLine;

pub(super) async fn run(session: &Session, args: &AuditArgs) -> anyhow::Result<Exit> {
    let filter = AuditFilter {
        since: args.since,
        before: None,
        limit: args.limit,
    };
    let rows = session.parts().await?.ledger.audited(&filter).await?;
    let lines: Vec<AuditLine> = rows.into_iter().map(AuditLine).collect();
    session.output.list(&lines)?;
    Ok(Exit::Done)
}
