//! `doctor` on webhooks: whether they can be checked, and whether they come.

use chrono::{DateTime, Utc};
use ledgerfleet_config::Settings;
use ledgerfleet_ledger::HintSums;
use ledgerfleet_wiring::Parts;

use crate::output::{counted, instant};
use crate::views::checks::Check;

const WHAT: &str = "webhooks";

/// The line of webhooks; none where nobody wants any.
pub(super) async fn webhooks(parts: &Parts, settings: &Settings) -> anyhow::Result<Vec<Check>> {
    let sums = parts.ledger.hint_sums().await?;
    let quickbooks = &settings.quickbooks;
    let (current, former) = (
        quickbooks.webhook_verifier_token.is_some(),
        quickbooks.webhook_former_verifier_token.is_some(),
    );
    Ok(vec![line(&sums, current, former)])
}

fn line(sums: &HintSums, current: bool, former: bool) -> Check {
    const SET: &str = "set LEDGERFLEET_QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN_FILE to what Intuit shows beside the app's webhooks";
    let came = sums
        .last_received_at
        .map(|at| format!("the last event came at {}", instant(at)));
    match (current, former, came) {
        (false, true, _) => Check::doubtful(WHAT, "only the former verifier token is set", SET),
        (false, false, Some(came)) => {
            Check::doubtful(WHAT, format!("{came}, and no verifier token is set here"), SET)
        }
        (false, false, None) => Check::good(
            WHAT,
            "none are received: no verifier token is set; changes are found by asking",
        ),
        (true, _, None) => Check::doubtful(
            WHAT,
            "no event came within a week",
            "at Intuit, send test events to https://YOUR-HOST/webhooks/quickbooks: the runbook's WebhooksSilent",
        ),
        (true, _, Some(came)) => received(sums, &came, former),
    }
}

fn received(sums: &HintSums, came: &str, former: bool) -> Check {
    let at = |at: DateTime<Utc>| instant(at);
    let mut told = vec![came.to_owned()];
    told.extend(
        sums.last_former_at
            .map(|last| format!("the former token was last used at {}", at(last))),
    );
    if former && sums.last_former_at.is_none() {
        told.push("the former token was not used within a week, and can go".to_owned());
    }
    let stranger = sums.last_unknown_company_at;
    told.extend(stranger.map(|last| {
        format!(
            "a company that is not connected, or a test event, at {}",
            at(last)
        )
    }));
    if sums.unreadable > 0 {
        told.push(format!(
            "{} of the last day cannot be read",
            counted(sums.unreadable, "event")
        ));
    }
    if sums.waiting == 0 {
        return Check::good(WHAT, told.join("; "));
    }
    told.push(format!(
        "{} wait for longer than a minute",
        counted(sums.waiting, "event")
    ));
    Check::doubtful(
        WHAT,
        told.join("; "),
        "scheduler serve: nobody leads, or it does not keep up",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let at = DateTime::from_timestamp(1_780_000_000, 0);
        let none = HintSums::default();
        let some = HintSums {
            last_received_at: at,
            ..none
        };
        let late = HintSums { waiting: 3, ..some };
        let told = |sums: &HintSums, current, former| {
            let check = line(sums, current, former);
            (check.is_good(), check.detail)
        };
        for (sums, current, former, is_good, says) in [
            (&none, false, false, true, "no verifier token is set"),
            (&some, false, false, false, "no verifier token is set here"),
            (&some, false, true, false, "only the former"),
            (&none, true, false, false, "no event came"),
            (&some, true, false, true, "the last event came at 2026-05-28"),
            (&some, true, true, true, "can go"),
            (&late, true, false, false, "3 events wait"),
        ] {
            let (good, detail) = told(sums, current, former);
            assert_eq!(good, is_good, "{detail}");
            assert!(detail.contains(says), "{detail}");
        }
    }
}
