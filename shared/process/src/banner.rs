//! Banner: the first line of a process that stays: which version, which ledger, how much at once, who leads.

use ledgerfleet_wiring::Parts;

/// The line. `place` is the ledger without a password, `work` what this process does.
pub async fn banner(program: &str, version: &str, place: &str, work: &str, parts: &Parts) -> String {
    let leader = who_leads(parts).await;
    format!("{program} {version} on {place}: {work}; {leader}")
}

/// Who leads now. It is told for people's comfort only: a ledger that cannot tell it now stops nothing.
async fn who_leads(parts: &Parts) -> String {
    match parts.ledger.leader().await {
        Ok(Some(leader)) => format!("{} leads the fleet", leader.holder),
        Ok(None) => "no process leads yet, this one stands for it".to_owned(),
        Err(_) => "who leads is not known now".to_owned(),
    }
}
