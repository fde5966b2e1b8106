//! Countdown: when a company has to be authorised again. A credential that nobody uses ends after some months, one that is
//! used after some years, and then only a person can help.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_access::Ends;
use ledgerfleet_model::Connection;
use ledgerfleet_wiring::Parts;

/// Warned of this long before a credential ends that is not used.
const UNUSED: TimeDelta = TimeDelta::days(14);

/// And this long before one ends however much it is used: a person has to be found who may consent.
const AT_THE_LATEST: TimeDelta = TimeDelta::days(60);

/// When the company has to be authorised again; none where nothing is known of that.
pub(crate) async fn ends(parts: &Parts, connection: &Connection) -> Option<Ends> {
    parts.access.ends(connection.id).await.ok()
}

/// What to warn of, if it is time.
pub(crate) fn warning(connection: &Connection, ends: Ends, now: DateTime<Utc>) -> Option<String> {
    let name = &connection.name;
    let next = format!("scheduler connection authorize --name {name}");
    let soon = |at: Option<DateTime<Utc>>, span: TimeDelta| at.filter(|at| *at - now < span);
    if let Some(at) = soon(ends.at_the_latest, AT_THE_LATEST) {
        let day = at.date_naive();
        return Some(format!(
            "the consent of {name} ends on {day}, however much it is used: {next}"
        ));
    }
    let at = soon(ends.unused_at, UNUSED)?;
    let day = at.date_naive();
    Some(format!(
        "the credential of {name} ends on {day} unless it is used before: {next}"
    ))
}

#[cfg(test)]
mod tests {
    use ledgerfleet_model::{ConnectionId, ConnectionState, Environment};

    use super::*;

    fn company() -> Connection {
        Connection {
            id: ConnectionId::new(),
            name: "acme".to_owned(),
            connector: "quickbooks".to_owned(),
            account: "9130000000000001".to_owned(),
            environment: Environment::Sandbox,
            time_zone: chrono_tz::UTC,
            state: ConnectionState::Active,
            state_reason: None,
            state_cause: None,
            requests_per_second: None,
            slots: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_end_of_a_credential_is_warned_of_in_time_for_a_person() {
        let now = DateTime::UNIX_EPOCH;
        let days = |days| Some(now + TimeDelta::days(days));
        for (unused, latest, told) in [
            (days(100), days(1_825), None),
            (days(13), days(1_825), Some("unless it is used before")),
            (days(100), days(59), Some("however much it is used")),
            (None, None, None),
        ] {
            let ends = Ends {
                unused_at: unused,
                at_the_latest: latest,
            };
            let warning = warning(&company(), ends, now);
            let said = told.is_none_or(|told| warning.as_deref().is_some_and(|text| text.contains(told)));
            assert!(said && warning.is_some() == told.is_some(), "{warning:?}");
        }
    }
}
